"""What is typed behind `selvedge`, as far as it goes without pictures."""
import hashlib
import hmac
import json
import os
import pathlib
import tempfile

import certificate
from run import case, fixture, table
from selvedge import Server, command

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


# --- sign ---

SET = ["--set", "--widths", "50,100", "--formats", "auto,webp"]
BOTH = "/cdn-cgi/image/width=100,format=auto/photo.png"


@table(a_folder, [
    ("a space", "/a b.jpg", "%20"), ("a line feed", "/a\nb.jpg", "percent-encode"),
    ("DEL", "/a\x7fb.jpg", "percent-encode"), ("an umlaut", "/\u00fc.jpg", "percent-encode"),
    ("a fragment", "/a#b", "must be encoded"), ("dots", "/a/../b.jpg", "'.' or '..'"),
    ("a bad escape", "/a%2.jpg", "no server takes"), ("a backslash", "/a\\b", "in a path")])
def a_path_that_no_client_can_send_is_not_signed(_folder, path, why):
    for kind in ([], ["--timed"], SET, ["--srcset", "50"]):
        done = sign("--key", KEY, *kind, path)
        assert done.returncode == 2 and why in done.stderr and not done.stdout, (kind, done)


@table(a_folder, [
    ("origin", ["--origin", "https://a b"]),
    ("route", ["--set", "--widths", "1", "--route", "/ "])])
def what_is_put_around_a_path_has_no_spaces_either(_folder, words):
    done = sign("--key", KEY, *words, PATH)
    assert done.returncode == 2 and "have no spaces" in done.stderr, done


@table(a_folder, [(f"{kind or 'exp'} {option}", kind, option, value) for kind, option, value in [
    ("", "--formats", "auto"), ("", "--widths", "100"), ("", "--base64url", None),
    ("", "--sizes", "1vw"), ("", "--alt", "x"), ("", "--route", "/i/"),
    ("--timed", "--for", "5"), ("--timed", "--until", NEVER), ("--timed", "--formats", "auto"),
    ("--timed", "--route", "/i/"), ("--set", "--base64url", None), ("--set", "--alt", "x"),
    ("--set", "--sizes", "1vw"), ("--srcset=100", "--widths", "100"),
    ("--srcset=100", "--base64url", None)]])
def an_option_that_means_nothing_to_a_kind_of_link_is_refused(_folder, kind, option, value):
    words = [word for word in (kind, option, value) if word]
    done = sign("--key", KEY, *words, BOTH)
    assert done.returncode == 2 and f"{option} means nothing to " in done.stderr, done


@table(a_folder, [
    ("two kinds", ["--timed", "--set"], "choose one"),
    ("two other kinds", ["--set", "--srcset", "1"], "choose one"),
    ("two ends", ["--for", "5", "--until", NEVER], "choose one"),
    ("an option twice", ["--for", "5", "--for", "6"], "--for is there twice"),
    ("a flag twice", ["--timed", "--timed"], "--timed is there twice"),
    ("no seconds", ["--for"], "take seconds"), ("not seconds", ["--for", "soon"], "take seconds"),
    ("two paths", ["/x"], "no option and no path")])
def words_that_contradict_are_refused(_folder, words, why):
    done = sign("--key", KEY, PATH, *words) if words == ["--for"] else sign(
        "--key", KEY, *words, PATH)
    assert done.returncode == 2 and why in done.stderr, done


@table(a_folder, [
    ("jpeg", "jpeg,png"), ("a part of a name", "xavify"), ("a capital", "AVIF"), ("nothing", ""),
    ("a comma more", "avif,")])
def formats_of_a_picture_are_names(_folder, formats):
    path = "/cdn-cgi/image/fit=crop/photo.png"
    done = sign("--key", KEY, "--srcset", "50,100", "--formats", formats, path)
    assert done.returncode == 2 and "auto, avif and webp" in done.stderr, done
    done = sign("--key", KEY, "--srcset", "50,100", "--formats", "webp", path)
    assert done.returncode == 0 and done.stdout.count("<source") == 1, done


@table(a_folder, [
    ("neither", ["--set"], BOTH), ("no such width", ["--set", "--widths", "50"], BOTH),
    ("no width in it", ["--set", "--widths", "50"], "/cdn-cgi/image/format=auto/photo.png"),
    ("falling", ["--set", "--widths", "100,50"], BOTH),
    ("another route", [*SET, "--route", "/i/"], BOTH), ("no options", SET, "/photo.png")])
def a_set_that_would_not_hold_is_refused(_folder, words, path):
    done = sign("--key", KEY, *words, path)
    assert done.returncode == 1 and done.stderr.startswith("selvedge: "), done


@case(a_folder)
def a_set_is_one_link(_folder):
    done = sign("--key", KEY, *SET, "--until", NEVER, "--origin", "https://x.example", BOTH)
    query = f"widths=50,100&formats=auto,webp&exp={NEVER}&key=main"
    signed = f"selvedge-set-1\n/cdn-cgi/image/width=*,format=*/photo.png?{query}"
    code = hmac.new(b"a secret", signed.encode(), hashlib.sha256).hexdigest()
    assert done.returncode == 0, done
    assert done.stdout == f"https://x.example{BOTH}?{query}&sig={code}\n", done.stdout
    assert "--set" in command("help", "sign").stdout


# --- purge ---

@fixture
def a_server_of_two_sites():
    routes = [{"path": "/i/", "images": {}}]
    with Server({"sites": [{"hosts": ["a.example"], "routes": routes},
                           {"hosts": ["*"], "routes": routes}]}) as server:
        yield server


def purge(server, *words):
    return command("purge", "--admin", "{}:{}".format(*server.admin), *words)


@table(a_server_of_two_sites, [
    ("a URL", ["http://a.example/i/width=1/x"], "purged http://a.example/i/width=1/x"),
    ("a path", ["/i/width=1/x"], "purged /i/width=1/x, on all sites"),
    ("a path of a host", ["--host", "a.example", "/i/width=1/x"],
     "purged /i/width=1/x, on the site of a.example"),
    ("a source", ["--source", "/x"], "purged /x and all that was made of it, on all sites"),
    ("a source of a host", ["--source", "/x", "--host", "a.example"],
     "purged /x and all that was made of it, on the site of a.example"),
    ("all", ["--all"], "purged everything, on all sites")])
def a_purge_says_what_was_purged_and_where(server, words, said):
    done = purge(server, *words)
    assert (done.returncode, done.stdout) == (0, said + "\n"), done


@table(a_server_of_two_sites, [
    ("all of a host", ["--all", "--host", "a.example"]),
    ("two hosts", ["http://a.example/i/width=1/x", "--host", "b"]),
    ("a URL for the listener", ["--admin", "https://127.0.0.1:1", "--all"])])
def a_purge_that_contradicts_itself_is_refused(server, words):
    assert purge(server, *words).returncode == 2


@fixture
def a_server_whose_admin_speaks_tls():
    with tempfile.TemporaryDirectory(prefix="selvedge-commands-") as folder:
        tls = certificate.make(pathlib.Path(folder), "admin", "127.0.0.99")
        with Server({"sites": [{"hosts": ["*"], "routes": [{"path": "/i/", "images": {}}]}],
                     "admin": {"listen": {"tls": [tls]}}}) as server:
            yield server


@case(a_server_whose_admin_speaks_tls)
def a_purge_of_a_listener_with_tls_says_what_to_do(server):
    done = purge(server, "--all")
    assert done.returncode == 1 and "TLS" in done.stderr and not done.stdout, done
    assert "curl --json" in command("help", "purge").stdout
