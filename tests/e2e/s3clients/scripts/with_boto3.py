"""What a program does with boto3, whichever version runs this: with_boto3.py ENDPOINT [CA]

Credentials are in the environment. Each step that holds prints its name, the last one "done".
"""
import hashlib
import io
import os
import ssl
import sys
import tempfile
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1 << 20
BUCKET = "boto"
endpoint, ca = sys.argv[1], (sys.argv + [None])[2]
trust = ssl.create_default_context(cafile=ca) if ca else None


def client(**more):
    return boto3.client("s3", endpoint_url=endpoint, verify=ca or True, config=Config(
        signature_version="s3v4", **more))


s3 = client()
new = tuple(map(int, boto3.__version__.split(".")[:2])) >= (1, 36)


def step(function):
    function()
    print(function.__name__, flush=True)


def refused(status, error, function, **arguments):
    try:
        function(**arguments)
    except ClientError as failed:
        got = failed.response["ResponseMetadata"]["HTTPStatusCode"], failed.response["Error"]["Code"]
        assert got == (status, error), got
    else:
        raise AssertionError(f"{arguments} was not refused")


def read(key, **more):
    return s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()


def fetch(url, method="GET", body=None, headers=None):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    with urllib.request.urlopen(request, context=trust) as reply:
        return reply.read()


@step
def bucket():
    s3.create_bucket(Bucket=BUCKET)
    s3.head_bucket(Bucket=BUCKET)
    assert BUCKET in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    refused(409, "BucketAlreadyOwnedByYou", s3.create_bucket, Bucket=BUCKET)


@step
def objects():
    for body in (b"", b"abc", os.urandom(300_000)):
        s3.put_object(Bucket=BUCKET, Key="a/ü +%.txt", Body=body, Metadata={"one": "two"},
                      ContentType="text/plain", CacheControl="no-cache")
        reply = s3.get_object(Bucket=BUCKET, Key="a/ü +%.txt")
        assert reply["Body"].read() == body
        assert (reply["Metadata"], reply["ContentType"], reply["CacheControl"]) == (
            {"one": "two"}, "text/plain", "no-cache")
        assert reply["ETag"].strip('"') == hashlib.md5(body).hexdigest()
    s3.put_object(Bucket=BUCKET, Key="stream", Body=io.BytesIO(b"x" * MIB))
    assert read("stream") == b"x" * MIB
    refused(404, "NoSuchKey", s3.get_object, Bucket=BUCKET, Key="none")
    refused(404, "404", s3.head_object, Bucket=BUCKET, Key="none")


@step
def checksums():
    for name in ("CRC32", "SHA1", "SHA256") + (("CRC64NVME",) if new else ()):
        try:
            reply = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"abc", ChecksumAlgorithm=name)
        except Exception as error:  # noqa: BLE001 (a checksum that needs awscrt)
            if "MissingDependency" not in type(error).__name__:
                raise
            continue
        head = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        assert head["Checksum" + name] == reply["Checksum" + name]
        assert read("sum", ChecksumMode="ENABLED") == b"abc"


@step
def ranges():
    assert read("stream", Range="bytes=10-19") == b"x" * 10
    assert read("stream", Range="bytes=-5") == b"x" * 5
    refused(416, "InvalidRange", s3.get_object, Bucket=BUCKET, Key="stream", Range="bytes=9999999-")


@step
def conditions():
    etag = s3.head_object(Bucket=BUCKET, Key="stream")["ETag"]
    assert read("stream", IfMatch=etag)
    refused(304, "304", s3.get_object, Bucket=BUCKET, Key="stream", IfNoneMatch=etag)
    refused(412, "PreconditionFailed", s3.get_object, Bucket=BUCKET, Key="stream", IfMatch='"a"')
    if new:
        refused(412, "PreconditionFailed", s3.put_object, Bucket=BUCKET, Key="stream", Body=b"",
                IfNoneMatch="*")
        s3.put_object(Bucket=BUCKET, Key="stream", Body=b"y" * MIB, IfMatch=etag)
        assert read("stream") == b"y" * MIB


@step
def transfers():
    """Large ones: the transfer manager uploads and downloads in parts, several at once."""
    settings = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    data = os.urandom(17 * MIB + 3)
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/up", "wb") as file:
            file.write(data)
        s3.upload_file(folder + "/up", BUCKET, "large", Config=settings)
        assert s3.head_object(Bucket=BUCKET, Key="large")["ETag"].endswith('-4"')
        s3.download_file(BUCKET, "large", folder + "/down", Config=settings)
        with open(folder + "/down", "rb") as file:
            assert file.read() == data
    s3.upload_fileobj(io.BytesIO(data), BUCKET, "large2", Config=settings)
    assert read("large2") == data
    assert read("large", Range=f"bytes={5 * MIB - 2}-{5 * MIB + 1}") == data[5 * MIB - 2:5 * MIB + 2]
    assert read("large", PartNumber=2) == data[5 * MIB:10 * MIB]


@step
def resumed():
    """An upload that is taken up by somebody who knows only its id."""
    data = os.urandom(11 * MIB)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="resumed")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "resumed", "UploadId": upload}
    s3.upload_part(**where, PartNumber=1, Body=data[:5 * MIB])
    assert upload in [each["UploadId"] for each in
                      s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]]
    have = [part["PartNumber"] for part in s3.list_parts(**where)["Parts"]]
    assert have == [1]
    for number in (2, 3):
        s3.upload_part(**where, PartNumber=number,
                       Body=data[(number - 1) * 5 * MIB:number * 5 * MIB])
    parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
             for part in s3.list_parts(**where)["Parts"]]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert read("resumed") == data
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="given up")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "given up", "UploadId": upload}
    s3.upload_part(**where, PartNumber=1, Body=b"abc")
    s3.abort_multipart_upload(**where)
    refused(404, "NoSuchUpload", s3.list_parts, **where)


@step
def copies():
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "a/ü +%.txt"})
    assert s3.head_object(Bucket=BUCKET, Key="copy")["Metadata"] == {"one": "two"}
    s3.copy({"Bucket": BUCKET, "Key": "large"}, BUCKET, "large copy", Config=TransferConfig(
        multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB))
    assert read("large copy") == read("large")


@step
def lists():
    for number in range(25):
        s3.put_object(Bucket=BUCKET, Key=f"list/{number:02}/é", Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 10})
    assert [each["Key"] for page in pages for each in page["Contents"]] == [
        f"list/{number:02}/é" for number in range(25)]
    reply = s3.list_objects(Bucket=BUCKET, Delimiter="/")
    assert {each["Prefix"] for each in reply["CommonPrefixes"]} == {"a/", "list/"}


@step
def links():
    url = s3.generate_presigned_url("put_object", {
        "Bucket": BUCKET, "Key": "link", "ContentType": "text/x"}, ExpiresIn=60)
    fetch(url, "PUT", b"by a link", {"Content-Type": "text/x"})
    url = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "link"})
    assert fetch(url) == b"by a link"
    assert fetch(s3.generate_presigned_url("head_object", {
        "Bucket": BUCKET, "Key": "link"}), "HEAD") == b""
    fetch(s3.generate_presigned_url("delete_object", {"Bucket": BUCKET, "Key": "link"}), "DELETE")
    refused(404, "NoSuchKey", s3.get_object, Bucket=BUCKET, Key="link")


@step
def end():
    while True:
        keys = [{"Key": each["Key"]} for each in
                s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        if not keys:
            break
        reply = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})
        assert len(reply["Deleted"]) == len(keys) and not reply.get("Errors")
    s3.delete_bucket(Bucket=BUCKET)


print("done")
