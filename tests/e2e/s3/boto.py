"""A server with buckets, and boto3 as its client."""
import hashlib
import itertools
import os
import urllib.parse
import xml.etree.ElementTree

os.environ.pop("AWS_CA_BUNDLE", None)  # of other servers than ours
import boto3  # noqa: E402
from botocore.auth import S3SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

from run import fixture
from selvedge import wait_for
from site_s3 import Store

MIB = 1 << 20
NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "path"},
                retries={"max_attempts": 0}, read_timeout=120, max_pool_connections=20)
ITEM = {"read": "6a018a9f2fc74eb6b293b0c548f38b39", "write": "2efd5506f9c8494dacb1fa10a3e7d5b6"}


def md5(data):
    return hashlib.md5(data).hexdigest()


def etag_of(*parts):
    """Of an upload in these parts."""
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{md5(digests)}-{len(parts)}"'


def part_list(*replies):
    """What CompleteMultipartUpload wants to know, of replies to parts 1, 2, …"""
    return {"Parts": [{"PartNumber": number, "ETag": reply["ETag"]}
                      for number, reply in enumerate(replies, 1)]}


def refused(code, status, ask, **arguments):
    """It is answered with that error."""
    try:
        answer = ask(**arguments)
    except ClientError as error:
        told = error.response["Error"]["Code"]
        told_status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert (told, told_status) == (code, status), error
        return error
    raise AssertionError(f"not refused: {answer}")


class Raw:
    """A reply as it came."""

    def __init__(self, reply):
        self.status, self.body, self.get = reply.status, reply.body, reply.get
        self.xml = None
        if (reply.get("Content-Type") or "").startswith("application/xml") and reply.body:
            self.xml = xml.etree.ElementTree.fromstring(reply.body)

    def text(self, path):
        """Of the element at a path below the first; None: there is none."""
        found = self.xml.find("/".join(NS + name for name in path.split("/")))
        return None if found is None else found.text or ""

    def texts(self, path):
        return [found.text or "" for found in
                self.xml.findall("/".join(NS + name for name in path.split("/")))]

    @property
    def code(self):
        return self.xml.findtext("Code") if self.xml is not None else None

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class Key:
    """Who asks: an S3 key."""

    def __init__(self, place, token):
        self.place = place
        self.id, self.secret = token[4:36], hashlib.sha256(token.encode()).hexdigest()
        self.s3 = boto3.client(
            "s3", endpoint_url=place.url, region_name="auto", config=CONFIG,
            aws_access_key_id=self.id, aws_secret_access_key=self.secret)

    def raw(self, method, path, fields=(), body=b"", **params):
        """A signed request; what is None in `params` has no value."""
        query = "&".join(urllib.parse.quote(name) + "=" + urllib.parse.quote(str(value), safe="")
                         for name, value in sorted(params.items()))
        target = urllib.parse.quote(path) + ("?" + query if query else "")
        request = AWSRequest(method, self.place.url + target, data=body, headers={
            "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), **dict(fields)})
        S3SigV4Auth(Credentials(self.id, self.secret), "s3", "auto").add_auth(request)
        host = self.place.url.partition("//")[2]
        pairs = [(name, value) for name, value in request.headers.items()
                 if name.lower() not in ("content-length", "host")]
        return Raw(self.place.server.ask(target, method, listener=self.place.listener,
                                         fields=pairs, body=body, host=host))


class Place:
    """A server, as its first key sees it."""

    def __init__(self, store):
        self.server, self.token, self.account = store, store.token, store.account
        self.listener = store.addresses.index(store.s3)
        self.url = "http://{}:{}".format(*store.s3)
        self.key = Key(self, store.token)
        self.s3, self.raw = self.key.s3, self.key.raw
        self.numbers = itertools.count(1)

    def bucket(self):
        """A new one; its name."""
        name = f"bucket-{next(self.numbers)}"
        self.s3.create_bucket(Bucket=name)
        return name

    def blobs(self):
        """How many blobs there are."""
        return len(self.server.blobs())

    def blobs_are(self, count):
        """So many are left, once what is superfluous has gone."""
        wait_for(f"{count} blobs", lambda: self.blobs() == count)

    def key_of(self, bucket, prefix=None, right="read"):
        """Of a token that may do that to this bucket only, or to what begins with `prefix`."""
        resource = f"com.cloudflare.edge.r2.bucket.{self.account}_default_{bucket}"
        record = self.server.api(f"/accounts/{self.account}/tokens", "POST", {
            "name": "one", "policies": [{
                "effect": "allow", "permission_groups": [{"id": ITEM[right]}],
                "resources": {resource: {f"{prefix}*": "*"} if prefix else "*"}}]})
        return Key(self, record["value"])


@fixture
def a_server_with_buckets():
    # A machine that has much else to do is not what is tried here.
    store = Store({"overload": {"lag_ms": 0}}, listen={"limits": {"requests_max": 1000000}})
    store.settings["s3"]["keep_replaced_s"] = 0  # what is left can be counted at once
    with store:
        yield Place(store)
