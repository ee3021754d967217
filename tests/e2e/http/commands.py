"""What is typed behind `selvedge`, as far as it goes without pictures."""
import json
import os
import pathlib
import tempfile

from run import case, fixture, table
from selvedge import command

KEY = "main:a secret"
NEVER = "4102444800"  # the year 2100
PATH = "/cdn-cgi/image/width=100/photo.png"


@fixture
def a_folder():
    with tempfile.TemporaryDirectory(prefix="selvedge-commands-") as folder:
        yield pathlib.Path(folder)


def sign(*words, **more):
    return command("sign", *words, **more)


def check(folder, admin):
    path = folder / "selvedge.yaml"
    path.write_text(json.dumps({
        "listen": [{"address": "127.0.0.1:0"}], "admin": admin,
        "sites": [{"hosts": ["*"], "routes": [{"path": "/", "files": {"root": "."}}, {
            "path": "/i/", "images": {"signing": {"keys": [
                {"name": "main", "secret": "file:secret"}]}}}]}]}))
    return command("check", str(path), env={**os.environ, "EMPTY": "", "FULL": "x"})


# --- secrets ---

@table(a_folder, [
    ("none", b"k\xc3\xa9y", "k\u00e9y"), ("LF", b"key\n", "key"), ("CR LF", b"key\r\n", "key"),
    ("two LF", b"key\n\n", "key\n"), ("CR alone", b"key\r", "key\r"),
    ("two CR LF", b"key\r\n\r\n", "key\r\n"), ("1024 bytes", b"k" * 1024 + b"\n", "k" * 1024)])
def one_line_end_is_no_part_of_a_secret_in_a_file(folder, content, secret):
    (folder / "secret").write_bytes(content)
    at_hand = sign("--key", f"main:{secret}", "--until", NEVER, PATH)
    in_file = sign("--key", "main:file:secret", "--until", NEVER, PATH, cwd=folder)
    assert at_hand.returncode == in_file.returncode == 0, (at_hand, in_file)
    assert at_hand.stdout == in_file.stdout
    assert check(folder, {}).returncode == 0


@table(a_folder, [
    ("empty", b"", "the file 'secret' is empty"), ("LF", b"\n", "the file 'secret' is empty"),
    ("CR LF", b"\r\n", "the file 'secret' is empty"), ("a NUL", b"a\0b", "1 to 1024 bytes"),
    ("1025 bytes", b"k" * 1025, "1 to 1024 bytes"),
    ("65 KiB", b"k" * 66560, "the file 'secret' is larger than 64 KiB")])
def a_file_that_holds_no_secret_is_refused_by_both(folder, content, why):
    (folder / "secret").write_bytes(content)
    done = sign("--key", "main:file:secret", PATH, cwd=folder)
    assert done.returncode == 2 and why in done.stderr and not done.stdout, done
    done = check(folder, {})
    assert done.returncode == 1 and "secret" in done.stderr and "yaml:1:" in done.stderr, done


@table(a_folder, [
    ("is not set", "env:UNSET", "token: the environment variable 'UNSET' is not set"),
    ("is empty", "env:EMPTY", "token: the environment variable 'EMPTY' is empty"),
    ("is an empty file", "file:empty", "/empty' is empty")])
def a_token_that_is_somewhere_else_must_be_there(folder, token, why):
    (folder / "secret").write_text("key")
    (folder / "empty").write_text("")
    done = check(folder, {"token": token})
    assert done.returncode == 1 and why in done.stderr and "token: the " in done.stderr, done
    assert check(folder, {"token": "env:FULL"}).returncode == 0
    assert check(folder, {"token": ""}).returncode == 0  # said to be none


@case(a_folder)
def sign_reads_a_variable_as_the_settings_do(_folder):
    env = {**os.environ, "EMPTY": "", "FULL": "a secret"}
    good = sign("--key", "main:env:FULL", "--until", NEVER, PATH, env=env)
    assert good.stdout == sign("--key", KEY, "--until", NEVER, PATH).stdout != ""
    for name, why in (("EMPTY", "'EMPTY' is empty"), ("UNSET", "'UNSET' is not set")):
        done = sign("--key", f"main:env:{name}", PATH, env=env)
        assert done.returncode == 2 and why in done.stderr, done
    assert sign("--key", "main:", PATH).returncode == 2
