"""Copies of objects, and of parts of them."""
import base64
import hashlib
import os

from boto import MIB, a_server_with_buckets, etag_of, md5, part_list, refused
from run import Skip, case, table
from selvedge import SLOW


def put(place, bucket, key, body, **more):
    return place.s3.put_object(Bucket=bucket, Key=key, Body=body, **more)


def put_parts(place, bucket, key, *datas, **more):
    """An object that was uploaded in parts."""
    names = {"Bucket": bucket, "Key": key, "UploadId": place.s3.create_multipart_upload(
        Bucket=bucket, Key=key, **more)["UploadId"]}
    replies = [place.s3.upload_part(PartNumber=number, Body=data, **names)
               for number, data in enumerate(datas, 1)]
    return place.s3.complete_multipart_upload(MultipartUpload=part_list(*replies), **names)


def begin(place, bucket, **more):
    return {"Bucket": bucket, "Key": "whole", "UploadId": place.s3.create_multipart_upload(
        Bucket=bucket, Key="whole", **more)["UploadId"]}


def copy(place, bucket, key, source=None, **more):
    return place.s3.copy_object(Bucket=bucket, Key=key, **more,
                                CopySource={"Bucket": bucket, "Key": source or "k"})


def raw_copy(place, bucket, key, source, fields=(), **params):
    return place.raw("PUT", f"/{bucket}/{key}", {"x-amz-copy-source": source, **dict(fields)},
                     **params)


def get(place, bucket, key):
    found = place.s3.get_object(Bucket=bucket, Key=key)
    return found["Body"].read(), found


# --- bytes ---

@table(a_server_with_buckets, [
    ("no byte", 0), ("one byte", 1), ("64 KiB", 1 << 16), ("a byte more", (1 << 16) + 1),
    ("3 MiB", 3 * MIB + 1),
])
def a_copy_is_as_its_source(place, size):
    bucket, data = place.bucket(), os.urandom(size)
    there = put(place, bucket, "k", data, ContentType="text/x", Metadata={"a": "b"},
                ChecksumAlgorithm="SHA256")
    done = copy(place, bucket, "copy")["CopyObjectResult"]
    assert done["ETag"] == there["ETag"] == f'"{md5(data)}"', done
    assert done["ChecksumSHA256"] == there["ChecksumSHA256"], done
    bytes_there, found = get(place, bucket, "copy")
    assert bytes_there == data and found["ETag"] == there["ETag"], found
    assert found["ContentType"] == "text/x" and found["Metadata"] == {"a": "b"}, found
    assert found["LastModified"] == done["LastModified"].replace(microsecond=0), found


@case(a_server_with_buckets)
def a_copy_lives_without_its_source(place):
    bucket = place.bucket()
    blobs = place.blobs()
    data = os.urandom(MIB)
    put(place, bucket, "k", data)
    copy(place, bucket, "copy")
    assert place.blobs() == blobs + 2
    place.s3.delete_object(Bucket=bucket, Key="k")
    place.blobs_are(blobs + 1)
    assert get(place, bucket, "copy")[0] == data
    put(place, bucket, "k", b"small")
    copy(place, bucket, "copy")  # what it replaces goes
    place.blobs_are(blobs)
    assert get(place, bucket, "copy")[0] == b"small"


@case(a_server_with_buckets)
def a_copy_of_parts_is_one_piece(place):
    bucket = place.bucket()
    datas = [os.urandom(5 * MIB), os.urandom(5 * MIB + 9), b"end"]
    put_parts(place, bucket, "k", *datas, ChecksumAlgorithm="SHA256")
    done = copy(place, bucket, "copy")["CopyObjectResult"]
    whole = b"".join(datas)
    assert done["ETag"] == f'"{md5(whole)}"', done
    assert get(place, bucket, "copy")[0] == whole
    put_parts(place, bucket, "small", b"x")
    assert copy(place, bucket, "copy", "small")["CopyObjectResult"]["ETag"] == f'"{md5(b"x")}"'
    assert get(place, bucket, "copy")[0] == b"x"


@case(a_server_with_buckets)
def a_copy_is_never_all_in_memory(place):
    if SLOW > 1:
        raise Skip("a sanitizer keeps what was freed")
    bucket = place.bucket()
    part = os.urandom(16 * MIB)
    there = put_parts(place, bucket, "k", *[part] * 4)
    before = place.server.memory()
    copy(place, bucket, "copy")
    copy(place, bucket, "copy again", "copy")
    names = begin(place, bucket)
    reply = place.s3.upload_part_copy(PartNumber=1, CopySource={"Bucket": bucket, "Key": "k"},
                                      **names)["CopyPartResult"]
    assert place.server.memory() - before < 16 * MIB, (before, place.server.memory())
    assert reply["ETag"] == f'"{md5(part * 4)}"' and there["ETag"] == etag_of(*[part] * 4)


@case(a_server_with_buckets)
def it_goes_from_bucket_to_bucket(place):
    source, target = place.bucket(), place.bucket()
    put(place, source, "a/ü +%2F", b"x")
    place.s3.copy_object(Bucket=target, Key="b", CopySource={"Bucket": source, "Key": "a/ü +%2F"})
    assert get(place, target, "b")[0] == b"x"
    for name in f"/{source}/a/%C3%BC%20%2B%252F", f"{source}%2Fa%2F%C3%BC%20%2B%252F":
        assert raw_copy(place, target, "c", name).status == 200, name
    refused("NoSuchKey", 404, copy, place=place, bucket=target, key="c", source="none")
    refused("NoSuchBucket", 404, place.s3.copy_object, Bucket=target, Key="c",
            CopySource={"Bucket": "no-such-bucket", "Key": "k"})
    refused("NoSuchBucket", 404, place.s3.copy_object, Bucket="no-such-bucket", Key="c",
            CopySource={"Bucket": source, "Key": "k"})


@table(a_server_with_buckets, [
    ("a version", "/{}/k?versionId=1", 501, "NotImplemented"),
    ("no key", "/{}", 400, "InvalidArgument"),
    ("an empty key", "/{}/", 400, "InvalidArgument"),
    ("nothing", "/", 400, "InvalidArgument"),
    ("a bad escape", "/{}/%zz", 400, "InvalidArgument"),
    ("a NUL", "/{}/%00", 400, "InvalidArgument"),
    ("a key that is too long", "/{}/" + "k" * 1025, 400, "KeyTooLongError"),
    ("a bucket that cannot be", "b" * 64 + "/k", 404, "NoSuchBucket"),
])
def no_source_is(place, source, status, code):
    bucket = place.bucket()
    put(place, bucket, "k", b"x")
    answer = raw_copy(place, bucket, "copy", source.format(bucket))
    assert (answer.status, answer.code) == (status, code), answer


# --- what is said of it ---

@case(a_server_with_buckets)
def what_is_said_is_copied_replaced_or_merged(place):
    bucket = place.bucket()
    put(place, bucket, "k", b"x", ContentType="text/x", CacheControl="max-age=1",
        Metadata={"a": "1", "b": "2"})
    said = {"Metadata": {"b": "3", "c": "4"}, "ContentType": "text/y"}

    def after(directive):
        answer = raw_copy(place, bucket, "copy", f"{bucket}/k", {
            "x-amz-metadata-directive": directive, "content-type": "text/y",
            "x-amz-meta-b": "3", "x-amz-meta-c": "4"})
        assert answer.status == 200, answer
        found = place.s3.head_object(Bucket=bucket, Key="copy")
        return found["Metadata"], found["ContentType"], found.get("CacheControl")

    assert after("COPY") == ({"a": "1", "b": "2"}, "text/x", "max-age=1")
    assert after("REPLACE") == (said["Metadata"], "text/y", None)
    assert after("MERGE") == ({"a": "1", "b": "3", "c": "4"}, "text/y", "max-age=1")
    answer = raw_copy(place, bucket, "copy", f"{bucket}/k", {"x-amz-metadata-directive": "x"})
    assert answer.code == "InvalidArgument", answer


@case(a_server_with_buckets)
def merged_metadata_have_a_bound(place):
    bucket = place.bucket()
    put(place, bucket, "k", b"x", Metadata={"a": "x" * 5000})
    merged = {"x-amz-metadata-directive": "MERGE", "x-amz-meta-b": "y" * 5000}
    assert raw_copy(place, bucket, "copy", f"{bucket}/k", merged).code == "MetadataTooLarge"
    assert raw_copy(place, bucket, "copy", f"{bucket}/k", {
        **merged, "x-amz-metadata-directive": "REPLACE"}).status == 200


@case(a_server_with_buckets)
def onto_itself_only_what_is_said_changes(place):
    bucket = place.bucket()
    datas = [os.urandom(5 * MIB), b"tail"]
    for key, etag in (("small", put(place, bucket, "small", b"x")["ETag"]),
                      ("large", put(place, bucket, "large", b"x" * MIB)["ETag"]),
                      ("parts", put_parts(place, bucket, "parts", *datas)["ETag"])):
        before, _ = get(place, bucket, key)
        blobs = place.blobs()
        refused("InvalidRequest", 400, copy, place=place, bucket=bucket, key=key, source=key)
        done = copy(place, bucket, key, key, MetadataDirective="REPLACE", Metadata={"a": "b"})
        assert done["CopyObjectResult"]["ETag"] == etag, (key, done)
        after, found = get(place, bucket, key)
        assert after == before and found["Metadata"] == {"a": "b"}, found
        assert place.blobs() == blobs, key
    assert etag == etag_of(*datas)
    place.s3.delete_object(Bucket=bucket, Key="parts")
    place.blobs_are(blobs - 2)


@case(a_server_with_buckets)
def another_checksum_can_be_asked_for(place):
    bucket, data = place.bucket(), os.urandom(MIB)
    put(place, bucket, "k", data, ChecksumAlgorithm="CRC32")
    for key in "copy", "k":
        done = copy(place, bucket, key, ChecksumAlgorithm="SHA1")["CopyObjectResult"]
        assert "ChecksumCRC32" not in done, done
        assert done["ChecksumSHA1"] == base64.b64encode(hashlib.sha1(data).digest()).decode()
        assert get(place, bucket, key)[0] == data
    assert raw_copy(place, bucket, "copy", f"{bucket}/k", {
        "x-amz-checksum-algorithm": "x"}).code == "InvalidRequest"


# --- conditions ---

DAY = "Thu, 01 Jan 2026 00:00:00 GMT"
LATER = "Thu, 01 Jan 2099 00:00:00 GMT"


@table(a_server_with_buckets, [
    ("match", {"if-match": "{}"}, 200), ("no match", {"if-match": '"x"'}, 412),
    ("any", {"if-match": "*"}, 200),
    ("none match", {"if-none-match": '"x"'}, 200), ("it matches", {"if-none-match": "{}"}, 412),
    ("modified since", {"if-modified-since": DAY}, 200),
    ("not modified since", {"if-unmodified-since": DAY}, 412),
    ("unmodified since", {"if-unmodified-since": LATER}, 200),
    ("the ETag counts more", {"if-match": "{}", "if-unmodified-since": DAY}, 200),
    ("and so does none", {"if-none-match": "{}", "if-modified-since": DAY}, 412),
])
def the_source_is_copied_if(place, conditions, status):
    bucket = place.bucket()
    etag = put(place, bucket, "k", b"x")["ETag"]
    answer = raw_copy(place, bucket, "copy", f"{bucket}/k", {
        f"x-amz-copy-source-{name}": value.format(etag) for name, value in conditions.items()})
    assert answer.status == status, answer
    assert status == 200 or answer.code == "PreconditionFailed", answer


@table(a_server_with_buckets, [
    ("match", {"if-match": "{}"}, 200), ("no match", {"if-match": '"x"'}, 412),
    ("none match", {"if-none-match": '"x"'}, 200), ("nothing there", {"if-none-match": "*"}, 412),
    ("modified since", {"if-modified-since": DAY}, 200),
    ("not modified since", {"if-modified-since": "{now}"}, 412),
    ("not unmodified since", {"if-unmodified-since": DAY}, 412),
])
def the_target_is_replaced_if(place, conditions, status):
    bucket = place.bucket()
    put(place, bucket, "k", b"new")
    etag = put(place, bucket, "copy", b"old")["ETag"]
    now = place.raw("HEAD", f"/{bucket}/copy").get("Last-Modified")
    answer = raw_copy(place, bucket, "copy", f"{bucket}/k", {
        f"cf-copy-destination-{name}": value.format(etag, now=now)
        for name, value in conditions.items()})
    assert answer.status == status, answer
    assert get(place, bucket, "copy")[0] == (b"new" if status == 200 else b"old")


@case(a_server_with_buckets)
def a_target_that_is_not_there_has_no_etag(place):
    bucket = place.bucket()
    put(place, bucket, "k", b"x" * MIB)
    blobs = place.blobs()
    name = "cf-copy-destination-if-"
    answer = raw_copy(place, bucket, "copy", f"{bucket}/k", {name + "match": '"x"'})
    assert (answer.status, answer.code) == (404, "NoSuchKey"), answer
    place.blobs_are(blobs)
    answer = raw_copy(place, bucket, "copy", f"{bucket}/k", {name + "none-match": "*"})
    assert answer.status == 200, answer
    answer = raw_copy(place, bucket, "copy", f"{bucket}/k", {"if-none-match": "*"})
    assert answer.status == 412, answer


# --- rights ---

@case(a_server_with_buckets)
def the_source_must_be_readable_and_the_target_writable(place):
    source, target = place.bucket(), place.bucket()
    put(place, source, "k", b"x")
    for key in place.key_of(target, right="write"), place.key_of(source, right="read"):
        refused("AccessDenied", 403, key.s3.copy_object, Bucket=target, Key="k",
                CopySource={"Bucket": source, "Key": "k"})
    key = place.key_of(source, prefix="k", right="write")
    key.s3.copy_object(Bucket=source, Key="k2", CopySource={"Bucket": source, "Key": "k"})
    refused("AccessDenied", 403, key.s3.copy_object, Bucket=source, Key="x",
            CopySource={"Bucket": source, "Key": "k"})


# --- parts ---

@case(a_server_with_buckets)
def parts_are_copied_from_all_kinds_of_objects(place):
    bucket = place.bucket()
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB)]
    large, small = os.urandom(7 * MIB), b"0123456789"
    put_parts(place, bucket, "parts", *parts)
    put(place, bucket, "large", large)
    put(place, bucket, "small", small)
    whole = b"".join(parts)
    names = begin(place, bucket, ChecksumAlgorithm="SHA256")
    expected, replies = [], []
    for number, (key, data, first, last) in enumerate((
            ("parts", whole, None, None), ("parts", whole, 5, 9 * MIB),
            ("large", large, None, None), ("large", large, MIB, 7 * MIB - 1),
            ("small", small, 3, 6)), 1):
        part = data if first is None else data[first:last + 1]
        more = {} if first is None else {"CopySourceRange": f"bytes={first}-{last}"}
        reply = place.s3.upload_part_copy(
            PartNumber=number, CopySource={"Bucket": bucket, "Key": key}, **more,
            **names)["CopyPartResult"]
        assert reply["ETag"] == f'"{md5(part)}"', (number, reply)
        assert reply["ChecksumSHA256"], reply
        expected.append(part)
        replies.append(reply)
    done = place.s3.complete_multipart_upload(MultipartUpload=part_list(*replies), **names)
    assert done["ETag"] == etag_of(*expected), done
    assert get(place, bucket, "whole")[0] == b"".join(expected)


@table(a_server_with_buckets, [
    (text, text) for text in ("bytes=0-10", "bytes=10-10", "bytes=5-4", "bytes=2-", "bytes=-2",
                              "0-2", "bytes=0", "bytes=a-b", "bytes=0-1,3-4", "bytes= 0-1",
                              "bytes=0-99999999999999999999")
])
def no_range_of_ten_bytes_is(place, text):
    bucket = place.bucket()
    put(place, bucket, "k", b"0123456789")
    names = begin(place, bucket)
    refused("InvalidArgument", 400, place.s3.upload_part_copy, PartNumber=1, CopySourceRange=text,
            CopySource={"Bucket": bucket, "Key": "k"}, **names)
    assert "Parts" not in place.s3.list_parts(**names)


@case(a_server_with_buckets)
def a_part_is_copied_for_an_upload_that_is_there(place):
    bucket = place.bucket()
    put(place, bucket, "k", b"x")
    blobs = place.blobs()
    names = begin(place, bucket)
    source = {"Bucket": bucket, "Key": "k"}
    refused("NoSuchUpload", 404, place.s3.upload_part_copy, PartNumber=1, CopySource=source,
            **{**names, "Key": "other"})
    refused("InvalidArgument", 400, place.s3.upload_part_copy, PartNumber=0, CopySource=source,
            **names)
    refused("NoSuchKey", 404, place.s3.upload_part_copy, PartNumber=1,
            CopySource={"Bucket": bucket, "Key": "none"}, **names)
    refused("PreconditionFailed", 412, place.s3.upload_part_copy, PartNumber=1, CopySource=source,
            CopySourceIfMatch='"x"', **names)
    place.blobs_are(blobs)
