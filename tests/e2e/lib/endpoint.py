"""Endpoints of S3 for the blobs of a server under test: other people's, and how they are named."""
import contextlib
import re
import subprocess
import tempfile

import s3
from run import Skip
from selvedge import ROOT, wait_for

BUCKET = "blobs"


@contextlib.contextmanager
def s3rver():
    """npm's s3rver: its address and its key, which is always the same."""
    program = ROOT / "node_modules" / ".bin" / "s3rver"
    if not program.exists():
        raise Skip("s3rver is not installed")
    with tempfile.TemporaryDirectory(prefix="selvedge-s3rver-") as folder, \
            open(f"{folder}/out", "w+b") as out, \
            subprocess.Popen([program, "-d", f"{folder}/data", "-a", "127.0.0.1", "-p", "0",
                              "--silent", "--no-vhost-buckets"], stdout=out, stderr=out) as process:
        try:
            found = wait_for("s3rver", lambda: re.search(
                r"listening on 127\.0\.0\.1:(\d+)", open(f"{folder}/out").read()))
            yield ("127.0.0.1", int(found[1])), s3.Key("S3RVER", "S3RVER")
        finally:
            process.terminate()


def make_bucket(address, key):
    reply = s3.Client(address, key).ask("PUT", f"/{BUCKET}")
    assert reply.status == 200, reply


def url(address, key, prefix="kept"):
    """For store.blobs."""
    return f"s3://{key.id}@{address[0]}:{address[1]}/{BUCKET}/{prefix}?region=auto&tls=false"
