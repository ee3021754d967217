"""A server with buckets that are told rules; who asks, by boto3 and by hand."""
import functools
import hashlib
import itertools
import json
import os
import re
import urllib.parse
import xml.etree.ElementTree

os.environ.pop("AWS_CA_BUNDLE", None)  # of other servers than ours
import boto3  # noqa: E402
from botocore.auth import S3SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

from selvedge import WAIT_S, Server, wait_for

FIRST = re.compile(r"account ([0-9a-f]{32}); its first API token, shown only now: (slv_\S+)")
CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "path"},
                retries={"max_attempts": 0}, read_timeout=WAIT_S, max_pool_connections=20)
LIMITS = {"requests_max": 1000000}


def refused(code, status, ask, **arguments):
    """boto3's call is answered with that error."""
    try:
        answer = ask(**arguments)
    except ClientError as error:
        told = error.response["Error"]["Code"]
        told_status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert (told, told_status) == (code, status), error
        return error.response["Error"]
    raise AssertionError(f"not refused: {answer}")


def code_of(reply):
    """What S3 calls the error of a raw reply."""
    return xml.etree.ElementTree.fromstring(reply.body).findtext("Code") if reply.body else None


class Key:
    """An S3 key: `s3` is boto3's client of it."""

    def __init__(self, url, token):
        self.url = url
        self.id, self.secret = token[4:36], hashlib.sha256(token.encode()).hexdigest()

    @functools.cached_property
    def s3(self):
        return boto3.client(
            "s3", endpoint_url=self.url, region_name="auto", config=CONFIG,
            aws_access_key_id=self.id, aws_secret_access_key=self.secret)

    def sign(self, method, target, fields=(), body=b""):
        """The fields of a signed request, without its length."""
        request = AWSRequest(method, self.url + target, data=body, headers={
            "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), **dict(fields)})
        S3SigV4Auth(Credentials(self.id, self.secret), "s3", "auto").add_auth(request)
        return [(name, value) for name, value in request.headers.items()
                if name.lower() not in ("content-length", "host")]


class Store(Server):
    """A server with an S3 listener and one that serves pages; `key` may do everything."""

    def __init__(self):
        super().__init__(None)
        root = self.folder / "root"
        root.mkdir()
        (root / "index.html").write_text("<!doctype html><title>page</title>")
        self.settings = {
            "sites": [{"hosts": ["*"], "routes": [{"path": "/", "files": {"root": str(root)}}]}],
            "s3": {"enabled": True, "hosts": ["s3.test"], "listen": {"limits": LIMITS}}}
        self.token = None
        self.numbers = itertools.count(1)

    def start(self):
        super().start()
        if not self.token:
            self.account, self.token = wait_for(
                "the first token", lambda: FIRST.search(self.errors())).groups()
        self.url = "http://{}:{}".format(*self.addresses[-2])
        self.key = Key(self.url, self.token)

    @property
    def s3(self):
        return self.key.s3

    def restart(self):
        self.stop()
        self.start()

    def bucket(self):
        """A new one; its name."""
        name = f"bucket-{next(self.numbers)}"
        self.s3.create_bucket(Bucket=name)
        return name

    @property
    def host(self):
        return self.url.partition("//")[2]

    def raw(self, method, target, fields=(), body=b"", key=None):
        """A signed request."""
        signed = (key or self.key).sign(method, target, fields, body)
        return self.ask(target, method, listener=-2, fields=signed, body=body, host=self.host)

    def unsigned(self, method, target, fields=(), host=None):
        return self.ask(target, method, listener=-2, fields=list(fields), host=host or self.host)

    def key_of(self, bucket, right):
        """Of a token that may do that to this bucket's objects only."""
        group = {"read": "6a018a9f2fc74eb6b293b0c548f38b39",
                 "write": "2efd5506f9c8494dacb1fa10a3e7d5b6"}[right]
        resource = f"com.cloudflare.edge.r2.bucket.{self.account}_default_{bucket}"
        body = {"name": "one", "policies": [{
            "effect": "allow", "permission_groups": [{"id": group}],
            "resources": {resource: "*"}}]}
        reply = self.ask_admin(
            f"/client/v4/accounts/{self.account}/tokens", "POST", body=json.dumps(body).encode(),
            fields={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        assert reply.status == 200, reply
        return Key(self.url, json.loads(reply.body)["result"]["value"])

    def maps(self):
        """The names of the maps of buckets that have a file."""
        return sorted(path.name for path in (self.folder / "data").rglob("s3-*.db"))

    def blobs(self):
        return [path for path in (self.folder / "data" / "blobs").rglob("*") if path.is_file()]


def quote(text):
    return urllib.parse.quote(text, safe="")
