"""Clients that other people wrote, unmodified and as they come: each does with a bucket what its
users do, over HTTP and, where it can be told whom to trust, over TLS."""
import contextlib
import filecmp
import json
import os
import random
import re
import shutil
import subprocess
import urllib.parse

import s3
from run import Skip, case, fixture, table
from selvedge import ROOT, SLOW, wait_for
from site_s3 import Store, a_store_behind_tls

MIB = 1 << 20
SCRIPTS = ROOT / "tests" / "e2e" / "s3clients" / "scripts"
ODD = ["a b.txt", "c+d.txt", "ü.txt", "deep/er/e&f.txt", "deep/100%.txt", "deep/#1.txt", "~e.txt"]


@fixture
def a_store_for_everybody():
    with Store() as store:
        yield store


def environment(store):
    """Without what this machine tells clients of other servers."""
    env = {name: value for name, value in os.environ.items()
           if not re.search(r"CA_BUNDLE|^SSL_CERT|^AWS_|_proxy$|_PROXY$", name)}
    scheme, trust = "http", {}
    if store.client.tls:
        scheme, trust = "https", {"AWS_CA_BUNDLE": store.certificate,
                                  "NODE_EXTRA_CA_CERTS": store.certificate}
    store.endpoint = f"{scheme}://{store.s3[0]}:{store.s3[1]}"
    return {**env, **trust, "HOME": str(store.folder), "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": store.client.key.id, "AWS_DEFAULT_REGION": "auto",
            "AWS_REGION": "auto", "AWS_SECRET_ACCESS_KEY": store.client.key.secret,
            "LC_ALL": "C.UTF-8"}


def run(store, *words, status=0, seconds=60 * SLOW, **more):
    """What a client prints; Skip if it is not there."""
    if not shutil.which(str(words[0])):
        raise Skip(f"{words[0]} is not installed")
    env = {**environment(store), **more.pop("env", {})}
    done = subprocess.run([str(word) for word in words], env=env, capture_output=True,
                          timeout=seconds, check=False, **more)
    told = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == status, (done.returncode, told[-1500:], " ".join(map(str, words)))
    return done.stdout.decode(errors="replace")


@contextlib.contextmanager
def folders(store, name):
    """A tree to send, with large and odd files, and an empty folder to fetch into."""
    base = store.folder / name
    up, down = base / "up", base / "down"
    down.mkdir(parents=True)
    for number, odd in enumerate(ODD):
        (up / odd).parent.mkdir(parents=True, exist_ok=True)
        (up / odd).write_bytes(random.Random(odd).randbytes(number * 20_000))
    (up / "large.bin").write_bytes(random.Random(name).randbytes(18 * MIB + 5))
    try:
        yield up, down
    finally:
        shutil.rmtree(base)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def alike(one, other):
    assert files(one) == files(other), set(files(one)) ^ set(files(other))
    same, different, failed = filecmp.cmpfiles(one, other, files(one), shallow=False)
    assert not different and not failed, (different, failed)


def keys(store, bucket):
    text = store.client.ask("GET", f"/{bucket}", "list-type=2&encoding-type=url").body.decode()
    return sorted(urllib.parse.unquote(key) for key in re.findall("<Key>([^<]*)</Key>", text))


def empty(store, bucket):
    assert keys(store, bucket) == []
    assert store.client.ask("DELETE", f"/{bucket}").status == 204


# --- aws-cli ---

def the_aws(which):
    path = "/usr/bin/aws" if which == "Debian's" else shutil.which("aws")
    if not path or not os.path.exists(path):
        raise Skip("it is not installed")
    if which != "Debian's" and os.path.realpath(path) == os.path.realpath("/usr/bin/aws"):
        raise Skip("there is Debian's alone")
    return path


def aws(which, store):
    environment(store)
    program = the_aws(which)
    return lambda *words, **more: run(store, program, "--endpoint-url", store.endpoint, *words,
                                      **more)


@table(a_store_for_everybody, [("Debian's", "Debian's"), ("another", "another")])
def aws_cli_syncs_both_ways(store, which):
    ask, name = aws(which, store), f"aws-{which[:3].lower()}"
    at = f"s3://{name}"
    ask("s3", "mb", at)
    with folders(store, name) as (up, down):
        ask("s3", "sync", "--only-show-errors", up, at)
        assert keys(store, name) == files(up)
        assert ask("s3", "sync", up, at) == ""  # nothing is left to do
        ask("s3", "sync", "--only-show-errors", at, down)
        alike(up, down)
        (up / "a b.txt").unlink()
        (up / "new.txt").write_bytes(b"new")
        ask("s3", "sync", "--only-show-errors", "--delete", up, at)
        assert keys(store, name) == files(up)
        assert "new.txt" in ask("s3", "ls", at)
        # There are no tags to copy; version 1 does not ask for them.
        more = ["--copy-props", "metadata-directive"] if which == "Debian's" else []
        ask("s3", "cp", "--only-show-errors", *more, at + "/large.bin", at + "/copied/large.bin")
        ask("s3", "mv", "--only-show-errors", at + "/copied/large.bin", down / "moved")
        assert (down / "moved").read_bytes() == (up / "large.bin").read_bytes()
    ask("s3", "rm", "--only-show-errors", "--recursive", at)
    ask("s3", "rb", at)


@table(a_store_for_everybody, [("Debian's", "Debian's"), ("another", "another")])
def aws_cli_reads_in_part_and_by_links(store, which):
    ask, at = aws(which, store), "s3://aws-parts"
    ask("s3", "mb", at)
    data = bytes(range(256)) * 4
    ask("s3", "cp", "-", at + "/a key", input=data)
    target = store.folder / "part"
    where = ("--bucket", "aws-parts", "--key", "a key")
    reply = json.loads(ask("s3api", "get-object", *where, "--range", "bytes=5-9", "--output",
                           "json", target))
    assert (reply["ContentRange"], target.read_bytes()) == ("bytes 5-9/1024", data[5:10])
    head = json.loads(ask("s3api", "head-object", *where, "--output", "json"))
    assert (head["ETag"], head["ContentLength"]) == (s3.etag(data), 1024)
    ask("s3api", "get-object", *where, "--if-none-match", head["ETag"], target,
        status=255 if which != "Debian's" else 254)
    link = ask("s3", "presign", at + "/a key", "--expires-in", "60").strip()
    assert run(store, "curl", "-sS", "--fail", link, "-o", target) == ""
    assert target.read_bytes() == data
    ask("s3", "rm", at + "/a key")
    empty(store, "aws-parts")


# --- boto3 ---

def the_boto3(which):
    """A Python that has it."""
    if which == "Debian's":
        return "/usr/bin/python3"
    for folder in os.environ["PATH"].split(":"):
        path = os.path.join(folder, "python3")
        if not folder.startswith("/usr/bin") and os.path.exists(path) and subprocess.run(
                [path, "-c", "import boto3"], capture_output=True, check=False).returncode == 0:
            return path
    raise Skip("there is Debian's alone")


STEPS = ["bucket", "objects", "checksums", "ranges", "conditions", "transfers", "resumed",
         "copies", "lists", "links", "end", "done"]


@table(a_store_for_everybody, [("Debian's", "Debian's"), ("another", "another")])
def boto3_does_everything(store, which):
    environment(store)
    assert run(store, the_boto3(which), SCRIPTS / "with_boto3.py", store.endpoint).split() == STEPS


@table(a_store_behind_tls, [("Debian's", "Debian's"), ("another", "another")])
def boto3_does_everything_over_TLS(store, which):
    environment(store)
    assert run(store, the_boto3(which), SCRIPTS / "with_boto3.py", store.endpoint,
               store.certificate).split() == STEPS


# --- @aws-sdk/client-s3 ---

SDK_STEPS = ["bucket", "objects", "streams", "checksums", "ranges", "conditions", "uploads",
             "lists", "end", "done"]


def sdk(store):
    if not (ROOT / "node_modules" / "@aws-sdk" / "client-s3").exists():
        raise Skip("@aws-sdk/client-s3 is not installed")
    environment(store)
    return run(store, "node", SCRIPTS / "with_sdk.mjs", store.endpoint).split()


@case(a_store_for_everybody)
def the_sdk_of_javascript_does_everything(store):
    assert sdk(store) == SDK_STEPS


@case(a_store_behind_tls)
def the_sdk_of_javascript_does_everything_over_TLS(store):
    assert sdk(store) == SDK_STEPS


# --- rclone ---

def rclone(store):
    environment(store)
    env = {"RCLONE_CONFIG_IT_TYPE": "s3", "RCLONE_CONFIG_IT_PROVIDER": "Other",
           "RCLONE_CONFIG_IT_ENDPOINT": store.endpoint, "RCLONE_CONFIG_IT_REGION": "auto",
           "RCLONE_CONFIG_IT_ACCESS_KEY_ID": store.client.key.id,
           "RCLONE_CONFIG_IT_SECRET_ACCESS_KEY": store.client.key.secret,
           "RCLONE_CONFIG_IT_UPLOAD_CUTOFF": "5M", "RCLONE_CONFIG_IT_CHUNK_SIZE": "5M",
           "RCLONE_CONFIG": "/dev/null"}
    return lambda *words, **more: run(store, "rclone", *words, env=env, **more)


@case(a_store_for_everybody)
def rclone_syncs_both_ways(store):
    ask, at = rclone(store), "it:rclone"
    ask("mkdir", at)
    with folders(store, "rclone") as (up, down):
        ask("sync", up, at)
        assert keys(store, "rclone") == files(up)
        ask("check", "--download", up, at)
        ask("sync", at, down)
        alike(up, down)
        (up / "a b.txt").unlink()
        (up / "ü.txt").write_bytes(b"other")
        ask("sync", up, at)
        assert keys(store, "rclone") == files(up)
        ask("sync", at, down)
        alike(up, down)
        ask("moveto", at + "/large.bin", at + "/moved/large.bin")
        ask("check", "--download", "--one-way", "--include", "large.bin", up, at + "/moved")
        assert ask("cat", "--offset", "2", "--count", "3", at + "/ü.txt") == "her"
        link = ask("link", "--expire", "1h", at + "/ü.txt").strip()
        assert run(store, "curl", "-sS", "--fail", link) == "other"
        listed = json.loads(ask("lsjson", "-R", "--files-only", "--hash", at))
        assert "moved/large.bin" in [each["Path"] for each in listed]
    ask("purge", at)
    assert store.client.ask("HEAD", "/rclone").status == 404


# --- s3cmd ---

def s3cmd(store):
    environment(store)
    host = f"{store.s3[0]}:{store.s3[1]}"
    path = store.folder / "s3cfg"
    path.write_text("\n".join([
        "[default]", f"access_key = {store.client.key.id}", f"secret_key = {store.client.key.secret}",
        f"host_base = {host}", f"host_bucket = {host}", "use_https = False",
        "bucket_location = auto", "signature_v2 = False"]) + "\n")
    return lambda *words, **more: run(store, "s3cmd", "--no-progress", "-c", path, *words, **more)


@case(a_store_for_everybody)
def s3cmd_syncs_both_ways(store):
    ask, at = s3cmd(store), "s3://s3cmd"
    ask("mb", at)
    with folders(store, "s3cmd") as (up, down):
        ask("sync", "--multipart-chunk-size-mb=5", f"{up}/", at + "/")
        assert keys(store, "s3cmd") == files(up)
        assert "upload" not in ask("sync", "--multipart-chunk-size-mb=5", f"{up}/", at + "/")
        ask("sync", at + "/", f"{down}/")
        alike(up, down)
        (up / "a b.txt").unlink()
        ask("sync", "--delete-removed", f"{up}/", at + "/")
        assert keys(store, "s3cmd") == files(up)
        ask("cp", at + "/large.bin", at + "/copied.bin")
        whole = (up / "large.bin").read_bytes()
        target = down / "resumed"
        target.write_bytes(whole[:7 * MIB + 1])
        ask("get", "--continue", at + "/copied.bin", target)
        assert target.read_bytes() == whole
        assert re.search(r" 18874373 +\S+/copied.bin", ask("ls", at))
    ask("del", "--recursive", "--force", at)
    ask("rb", at)
    assert store.client.ask("HEAD", "/s3cmd").status == 404


# --- restic ---

@case(a_store_for_everybody)
def restic_keeps_backups(store):
    environment(store)
    env = {"RESTIC_PASSWORD": "only for this run", "RESTIC_CACHE_DIR": str(store.folder / "restic"),
           "RESTIC_REPOSITORY": f"s3:{store.endpoint}/restic"}

    def ask(*words):
        return run(store, "restic", *words, env=env)
    with folders(store, "backup") as (up, down):
        ask("init")
        ask("backup", up)
        (up / "a b.txt").write_bytes(b"changed")
        ask("backup", up)
        assert len(json.loads(ask("snapshots", "--json"))) == 2
        ask("check", "--read-data")
        ask("restore", "latest", "--target", down)
        alike(up, down / up.relative_to("/"))
        ask("forget", "--keep-last", "1", "--prune")
        ask("check", "--read-data")
        assert len(json.loads(ask("snapshots", "--json"))) == 1


# --- s3fs ---

@case(a_store_for_everybody)
def s3fs_is_a_folder(store):
    if not shutil.which("s3fs"):
        raise Skip("s3fs is not installed")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        raise Skip("there is no /dev/fuse")
    env = environment(store)
    assert store.client.ask("PUT", "/s3fs").status == 200
    place = store.folder / "mounted"
    place.mkdir()
    mounted = subprocess.Popen(
        ["s3fs", "s3fs", str(place), "-f", "-o", f"url={store.endpoint}", "-o",
         "use_path_request_style", "-o", "endpoint=auto", "-o", "sigv4", "-o", "multipart_size=5",
         "-o", f"tmpdir={store.folder}"], env={
             **env, "AWSACCESSKEYID": store.client.key.id,
             "AWSSECRETACCESSKEY": store.client.key.secret},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_for("it to be mounted", lambda: os.path.ismount(place) or mounted.poll() is not None)
        if mounted.poll() is not None:
            raise Skip("it cannot mount: " + mounted.stdout.read()[-200:].decode())
        use_folder(store, place)
    finally:
        subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        mounted.terminate()
        mounted.communicate(timeout=30)


def use_folder(store, place):
    data = random.Random(3).randbytes(12 * MIB)
    (place / "folder").mkdir()
    (place / "folder" / "small ü.txt").write_bytes(b"abc")
    (place / "large").write_bytes(data)
    assert store.client.get("/s3fs/folder/small ü.txt").body == b"abc"
    assert store.client.get("/s3fs/large").body == data
    with open(place / "large", "rb") as file:
        file.seek(11 * MIB)
        assert file.read(10) == data[11 * MIB:11 * MIB + 10]
    assert store.client.put("/s3fs/folder/from outside", b"def").status == 200
    wait_for("it to be seen", lambda: "from outside" in os.listdir(place / "folder"))
    assert (place / "folder" / "from outside").read_bytes() == b"def"
    (place / "folder" / "small ü.txt").rename(place / "renamed")
    assert (place / "renamed").read_bytes() == b"abc"
    with open(place / "renamed", "ab") as file:
        file.write(b"ghi")
    assert store.client.get("/s3fs/renamed").body == b"abcghi"
    shutil.rmtree(place / "folder")
    for name in ("large", "renamed"):
        (place / name).unlink()
    assert keys(store, "s3fs") == []
