"""Uploads in parts, from their beginning to their end."""
import base64
import hashlib
import io
import os
import random
import threading
import time
import zlib

from botocore.exceptions import ClientError

from boto import MIB, a_server_with_buckets, etag_of, md5, part_list, refused
from run import case, table

SEED = 7


class Upload:
    """One that has begun."""

    def __init__(self, place, bucket=None, key="k", **more):
        self.place, self.s3 = place, place.s3
        self.bucket, self.key = bucket or place.bucket(), key
        begun = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key, **more)
        self.id = begun["UploadId"]
        self.names = {"Bucket": self.bucket, "Key": key, "UploadId": self.id}

    def part(self, number, body, **more):
        return self.s3.upload_part(PartNumber=number, Body=body, **self.names, **more)

    def complete(self, *replies, **more):
        return self.s3.complete_multipart_upload(
            MultipartUpload=part_list(*replies), **self.names, **more)

    def named(self, *pairs, **more):
        """Completed with these numbers and ETags."""
        return self.s3.complete_multipart_upload(MultipartUpload={"Parts": [
            {"PartNumber": number, "ETag": etag} for number, etag in pairs]}, **self.names, **more)

    def raw(self, method, fields=(), body=b"", **params):
        return self.place.raw(method, f"/{self.bucket}/{self.key}", fields, body,
                              uploadId=self.id, **params)

    def raw_complete(self, *etags, fields=()):
        parts = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                        for number, etag in enumerate(etags, 1))
        return self.raw("POST", fields, f"<CompleteMultipartUpload>{parts}"
                                        "</CompleteMultipartUpload>".encode())

    def get(self, **more):
        return self.s3.get_object(Bucket=self.bucket, Key=self.key, **more)

    def bytes(self, **more):
        return self.get(**more)["Body"].read()


def random_parts(*sizes):
    return [os.urandom(size) for size in sizes]


# --- what becomes of parts ---

@case(a_server_with_buckets)
def parts_become_an_object(place):
    upload = Upload(place, key="a/k ü", ContentType="text/x", CacheControl="max-age=1",
                    Metadata={"who": "me"})
    datas = random_parts(5 * MIB, 5 * MIB + 1, 3)
    replies = [upload.part(number, data) for number, data in enumerate(datas, 1)]
    assert [reply["ETag"] for reply in replies] == [f'"{md5(data)}"' for data in datas], replies
    refused("NoSuchKey", 404, place.s3.get_object, Bucket=upload.bucket, Key=upload.key)
    done = upload.complete(*replies)
    assert done["ETag"] == etag_of(*datas), done
    assert (done["Bucket"], done["Key"]) == (upload.bucket, upload.key), done
    assert done["Location"] == f"{place.url}/{upload.bucket}/a/k%20%C3%BC", done
    found = upload.get()
    assert found["Body"].read() == b"".join(datas)
    assert found["ETag"] == done["ETag"] and found["Metadata"] == {"who": "me"}, found
    assert (found["ContentType"], found["CacheControl"]) == ("text/x", "max-age=1"), found
    assert "Uploads" not in place.s3.list_multipart_uploads(Bucket=upload.bucket)


@case(a_server_with_buckets)
def ranges_go_across_parts(place):
    upload = Upload(place)
    datas = random_parts(5 * MIB, 6 * MIB, 1000)
    upload.complete(*[upload.part(number, data) for number, data in enumerate(datas, 1)])
    whole = b"".join(datas)
    for first, last in ((0, 0), (5 * MIB - 1, 5 * MIB), (5 * MIB, 5 * MIB), (1, 11 * MIB + 998),
                        (11 * MIB - 1, 11 * MIB + 999), (11 * MIB + 999, 11 * MIB + 999)):
        assert upload.bytes(Range=f"bytes={first}-{last}") == whole[first:last + 1], (first, last)
    assert upload.bytes(Range="bytes=-1001") == whole[-1001:]
    for number, data in enumerate(datas, 1):
        found = upload.get(PartNumber=number)
        assert found["Body"].read() == data and found["PartsCount"] == 3, found
    refused("InvalidPartNumber", 416, upload.get, PartNumber=4)


@case(a_server_with_buckets)
def parts_come_in_any_order_and_again(place):
    upload = Upload(place)
    first, old, new, last, spare = random_parts(5 * MIB, 5 * MIB, 5 * MIB + 7, 10, 20)
    blobs = place.blobs()
    replies = {9: upload.part(9, last), 1: upload.part(1, first), 4: upload.part(4, old)}
    replies[4] = upload.part(4, new)
    upload.part(10000, spare)
    upload.part(3, spare)
    place.blobs_are(blobs + 5)  # what was replaced has gone
    done = upload.named(*[(number, replies[number]["ETag"]) for number in (1, 4, 9)])
    assert done["ETag"] == etag_of(first, new, last), done
    assert upload.bytes() == first + new + last
    place.blobs_are(blobs + 3)  # and so has what was not named


@case(a_server_with_buckets)
def one_small_part_is_enough(place):
    for data in b"x", b"":
        upload = Upload(place)
        done = upload.complete(upload.part(1, data))
        assert done["ETag"] == etag_of(data) and upload.bytes() == data, done


@case(a_server_with_buckets)
def uploads_of_one_key_do_not_meet(place):
    bucket = place.bucket()
    uploads = [Upload(place, bucket) for _ in range(3)]
    replies = [upload.part(1, str(number).encode()) for number, upload in enumerate(uploads)]
    blobs = place.blobs()
    for number in 2, 0, 1:
        uploads[number].complete(replies[number])
        assert uploads[number].bytes() == str(number).encode()
    place.blobs_are(blobs - 2)  # each replaced the one before
    place.s3.delete_object(Bucket=bucket, Key="k")
    place.blobs_are(blobs - 3)


@case(a_server_with_buckets)
def the_transfer_manager_uploads_and_downloads(place):
    bucket, data = place.bucket(), os.urandom(20 * MIB + 5)
    place.s3.upload_fileobj(io.BytesIO(data), bucket, "k")
    found = io.BytesIO()
    place.s3.download_fileobj(bucket, "k", found)
    assert found.getvalue() == data
    assert place.s3.head_object(Bucket=bucket, Key="k")["ETag"].endswith('-3"')


# --- what is refused ---

@case(a_server_with_buckets)
def only_the_last_part_may_be_small(place):
    upload = Upload(place)
    replies = [upload.part(1, b"x" * (5 * MIB - 1)), upload.part(2, b"y")]
    try:
        upload.complete(*replies)
        raise AssertionError("completed")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "EntityTooSmall", error
    replies[0] = upload.part(1, b"x" * 5 * MIB)
    upload.complete(*replies)


@case(a_server_with_buckets)
def parts_must_be_those_that_are_there(place):
    upload = Upload(place)
    etags = [upload.part(number, data)["ETag"]
             for number, data in ((1, b"x" * 5 * MIB), (2, b"y"))]
    for pairs in [(1, etags[1])], [(1, etags[0]), (3, etags[1])], [(3, etags[0])], \
            [(1, '"x"')], [(1, etags[0].strip('"') + "-1")]:
        refused("InvalidPart", 400, lambda pairs=pairs: upload.named(*pairs))
    refused("InvalidPartOrder", 400, lambda: upload.named((2, etags[1]), (1, etags[0])))
    refused("InvalidPartOrder", 400, lambda: upload.named((1, etags[0]), (1, etags[0])))
    assert upload.raw("POST", body=b"<CompleteMultipartUpload/>").code == "MalformedXML"
    assert upload.raw("POST", body=b"<x").code == "MalformedXML"
    upload.named((1, etags[0].strip('"')), (2, etags[1]))  # quotes are no matter


@case(a_server_with_buckets)
def ten_thousand_parts_can_be_named(place):
    upload = Upload(place)
    etag = upload.part(1, b"x")["ETag"]
    answer = upload.raw_complete(*[etag.replace('"', "&quot;")] * 10000)
    assert answer.code == "EntityTooSmall", answer
    assert upload.raw_complete(*[etag] * 10001).status == 400


@table(a_server_with_buckets, [
    ("none", {}), ("0", {"partNumber": 0}), ("10001", {"partNumber": 10001}),
    ("x", {"partNumber": "x"}), ("-1", {"partNumber": "-1"}),
])
def a_part_has_a_number_from_1_to_10000(place, params):
    upload = Upload(place)
    answer = upload.raw("PUT", body=b"x", **params)
    assert (answer.status, answer.code) == (400, "InvalidArgument"), answer


@case(a_server_with_buckets)
def what_is_not_begun_is_no_upload(place):
    upload = Upload(place)
    other = {**upload.names, "Key": "other"}
    blobs = place.blobs()
    for names in other, {**upload.names, "UploadId": "0" * 32}, {**upload.names, "UploadId": "x"}:
        refused("NoSuchUpload", 404, place.s3.upload_part, PartNumber=1, Body=b"x", **names)
        refused("NoSuchUpload", 404, place.s3.abort_multipart_upload, **names)
        refused("NoSuchUpload", 404, place.s3.complete_multipart_upload,
                MultipartUpload=part_list({"ETag": md5(b"x")}), **names)
    assert place.blobs() == blobs


@case(a_server_with_buckets)
def an_upload_that_is_given_up_leaves_nothing(place):
    blobs = place.blobs()
    upload = Upload(place)
    replies = [upload.part(number, b"x" * number) for number in range(1, 4)]
    assert place.blobs() == blobs + 3
    answer = place.s3.abort_multipart_upload(**upload.names)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204, answer
    place.blobs_are(blobs)
    refused("NoSuchUpload", 404, place.s3.list_parts, **upload.names)
    refused("NoSuchUpload", 404, lambda: upload.part(1, b"x"))
    refused("NoSuchUpload", 404, lambda: upload.complete(*replies))
    refused("NoSuchUpload", 404, place.s3.abort_multipart_upload, **upload.names)
    assert place.blobs() == blobs


@case(a_server_with_buckets)
def what_is_asked_for_and_not_done_is_refused(place):
    bucket = place.bucket()
    for fields, code in (({"x-amz-acl": "public-read"}, "NotImplemented"),
                         ({"x-amz-checksum-type": "COMPOSITE"}, "InvalidRequest"),
                         ({"x-amz-checksum-algorithm": "MD5"}, "InvalidRequest"),
                         ({"x-amz-checksum-algorithm": "SHA256",
                           "x-amz-checksum-type": "FULL_OBJECT"}, "InvalidRequest"),
                         ({"x-amz-checksum-algorithm": "CRC64NVME",
                           "x-amz-checksum-type": "COMPOSITE"}, "InvalidRequest"),
                         ({"x-amz-checksum-algorithm": "CRC32",
                           "x-amz-checksum-type": "x"}, "InvalidRequest")):
        answer = place.raw("POST", f"/{bucket}/k", fields, uploads="")
        assert answer.code == code, (fields, answer)


# --- again, and at once ---

@case(a_server_with_buckets)
def who_asks_again_hears_the_same(place):
    upload = Upload(place)
    etag = upload.part(1, b"x")["ETag"]
    first, second = upload.named((1, etag)), upload.named((1, etag))
    assert first["ETag"] == second["ETag"] and upload.bytes() == b"x"
    other = f'"{md5(b"y")}"'
    refused("NoSuchUpload", 404, lambda: upload.named((1, other)))
    place.s3.put_object(Bucket=upload.bucket, Key="k", Body=b"other")
    refused("NoSuchUpload", 404, lambda: upload.named((1, etag)))
    assert upload.bytes() == b"other"


@case(a_server_with_buckets)
def of_many_that_complete_one_object_comes(place):
    for _ in range(5):
        upload = Upload(place)
        etag = upload.part(1, b"x" * 100)["ETag"]
        results = []

        def complete(upload=upload, etag=etag, results=results):
            try:
                results.append(upload.named((1, etag))["ETag"])
            except ClientError as error:
                results.append(error)

        threads = [threading.Thread(target=complete) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [etag_of(b"x" * 100)] * 8, results
        assert upload.bytes() == b"x" * 100


@case(a_server_with_buckets)
def parts_that_come_meanwhile_are_in_it_or_refused(place):
    """The object is always of the parts that its completion named."""
    chance = random.Random(SEED)
    bucket = place.bucket()
    blobs = place.blobs()
    done = 0
    for number in range(60):
        upload = Upload(place, bucket, f"k{number}")
        etag = upload.part(1, b"old")["ETag"]
        results = []

        def replace(wait_s, upload=upload, results=results):
            time.sleep(wait_s)
            try:
                upload.part(1, b"new")
                results.append("replaced")
            except ClientError as error:
                results.append(error.response["Error"]["Code"])

        first_s = chance.uniform(0, 0.008)
        threads = [threading.Thread(target=replace, args=[first_s + 0.001 * turn])
                   for turn in range(4)]
        for thread in threads:
            thread.start()
        try:
            upload.named((1, etag))
            completed = True
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidPart", error
            completed = False
        for thread in threads:
            thread.join()
        if completed:
            done += 1
            assert upload.bytes() == b"old", f"seed {SEED}, {number}: {results}"
        told = {"NoSuchUpload" if completed else "replaced"}
        assert set(results) == told, f"seed {SEED}, {number}: {completed}, {results}"
    assert 0 < done < 60, f"seed {SEED}: {done} were completed, so that nothing was seen"
    place.blobs_are(blobs + 60)  # no part that lost is left


# --- conditions ---

def status_of(upload, etag, **fields):
    answer = upload.raw_complete(etag, fields={
        name.replace("_", "-"): value for name, value in fields.items()})
    return answer.status, answer.code


@case(a_server_with_buckets)
def an_object_is_replaced_if_it_may_be(place):
    bucket = place.bucket()
    upload = Upload(place, bucket)
    etag = upload.part(1, b"x")["ETag"]
    assert status_of(upload, etag, If_Match=etag) == (404, "NoSuchKey")
    assert status_of(upload, etag, If_None_Match="*") == (200, None)
    upload = Upload(place, bucket)
    etag = upload.part(1, b"y")["ETag"]
    assert status_of(upload, etag, If_None_Match="*") == (412, "PreconditionFailed")
    assert status_of(upload, etag, If_Match='"other"') == (412, "PreconditionFailed")
    assert upload.bytes() == b"x"
    there = upload.get()["ETag"]
    assert status_of(upload, etag, If_Match=there) == (200, None)
    assert upload.bytes() == b"y"


@case(a_server_with_buckets)
def the_size_that_is_told_must_be_right(place):
    upload = Upload(place)
    etag = upload.part(1, b"x")["ETag"]
    for size in "2", "x", "":
        assert status_of(upload, etag, x_amz_mp_object_size=size) == (400, "InvalidRequest"), size
    assert status_of(upload, etag, x_amz_mp_object_size="1") == (200, None)


# --- checksums ---

def base64_of(data):
    return base64.b64encode(data).decode()


def crc32(data):
    return base64_of(zlib.crc32(data).to_bytes(4, "big"))


@case(a_server_with_buckets)
def a_composite_checksum_is_of_the_parts(place):
    upload = Upload(place, ChecksumAlgorithm="SHA256")
    datas = random_parts(5 * MIB, 100)
    replies = [upload.part(number, data, ChecksumAlgorithm="SHA256")
               for number, data in enumerate(datas, 1)]
    sums = [hashlib.sha256(data).digest() for data in datas]
    assert [reply["ChecksumSHA256"] for reply in replies] == [base64_of(one) for one in sums]
    listed = place.s3.list_parts(**upload.names)
    assert [part["ChecksumSHA256"] for part in listed["Parts"]] == [base64_of(one) for one in sums]
    assert listed["ChecksumAlgorithm"] == "SHA256", listed
    done = place.s3.complete_multipart_upload(MultipartUpload={"Parts": [
        {"PartNumber": number, "ETag": reply["ETag"], "ChecksumSHA256": reply["ChecksumSHA256"]}
        for number, reply in enumerate(replies, 1)]}, **upload.names)
    whole = base64_of(hashlib.sha256(b"".join(sums)).digest()) + "-2"
    assert done["ChecksumSHA256"] == whole, done
    head = place.s3.head_object(Bucket=upload.bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == whole, head


@case(a_server_with_buckets)
def a_checksum_of_all_bytes_is_joined(place):
    """Told for some parts and not for others; the client may tell the whole's."""
    bucket = place.bucket()
    begun = place.raw("POST", f"/{bucket}/k", {"x-amz-checksum-algorithm": "CRC32",
                                               "x-amz-checksum-type": "FULL_OBJECT"}, uploads="")
    assert begun.get("x-amz-checksum-type") == "FULL_OBJECT", begun
    upload = Upload(place, bucket)
    upload.id = begun.text("UploadId")
    datas = random_parts(5 * MIB, 5 * MIB + 3, 77)
    etags = []
    for number, data in enumerate(datas, 1):
        told = {"x-amz-checksum-crc32": crc32(data)} if number == 2 else {}
        part = upload.raw("PUT", told, data, partNumber=number)
        assert part.get("x-amz-checksum-crc32") == crc32(data), part
        etags.append(part.get("ETag"))
    whole = crc32(b"".join(datas))
    wrong = upload.raw_complete(*etags, fields={"x-amz-checksum-crc32": crc32(b"")})
    assert wrong.code == "BadDigest", wrong
    done = upload.raw_complete(*etags, fields={"x-amz-checksum-crc32": whole})
    assert done.text("ChecksumCRC32") == whole, done
    assert done.text("ChecksumType") == "FULL_OBJECT", done
    head = place.raw("HEAD", f"/{bucket}/k", {"x-amz-checksum-mode": "ENABLED"})
    assert head.get("x-amz-checksum-crc32") == whole, head


@case(a_server_with_buckets)
def a_part_with_a_wrong_checksum_is_not_kept(place):
    upload = Upload(place, ChecksumAlgorithm="CRC32")
    blobs = place.blobs()
    for fields, code in (({"x-amz-checksum-crc32": crc32(b"y")}, "BadDigest"),
                         ({"x-amz-checksum-sha1": base64_of(hashlib.sha1(b"x").digest())},
                          "InvalidRequest"),
                         ({"content-md5": base64_of(hashlib.md5(b"y").digest())}, "BadDigest"),
                         ({"content-md5": "x"}, "InvalidDigest")):
        answer = upload.raw("PUT", fields, b"x", partNumber=1)
        assert (answer.status, answer.code) == (400, code), (fields, answer)
    assert "Parts" not in place.s3.list_parts(**upload.names)
    place.blobs_are(blobs)


@case(a_server_with_buckets)
def a_checksum_that_completing_names_must_hold(place):
    upload = Upload(place, ChecksumAlgorithm="SHA1")
    part = upload.part(1, b"x", ChecksumAlgorithm="SHA1")
    wrong = {"PartNumber": 1, "ETag": part["ETag"],
             "ChecksumSHA1": base64_of(hashlib.sha1(b"y").digest())}
    refused("InvalidPart", 400, place.s3.complete_multipart_upload,
            MultipartUpload={"Parts": [wrong]}, **upload.names)
    upload.complete(part)


# --- rights ---

@case(a_server_with_buckets)
def who_may_only_read_uploads_nothing(place):
    upload = Upload(place)
    part = upload.part(1, b"x")
    s3 = place.key_of(upload.bucket).s3
    s3.list_parts(**upload.names)
    refused("AccessDenied", 403, s3.create_multipart_upload, Bucket=upload.bucket, Key="k")
    refused("AccessDenied", 403, s3.upload_part, PartNumber=1, Body=b"x", **upload.names)
    refused("AccessDenied", 403, s3.abort_multipart_upload, **upload.names)
    refused("AccessDenied", 403, s3.complete_multipart_upload, MultipartUpload=part_list(part),
            **upload.names)
