"""What expires, what is given up, and what is left of removed buckets: taken away by the sweep,
which begins a second after a start. Buckets that are removed while somebody writes to them."""
import datetime
import hashlib
import itertools
import os
import random
import threading
import time

from botocore.exceptions import ClientError

from rules import Store, code_of, refused
from run import case, fixture
from selvedge import wait_for

LARGE = b"x" * 200000  # a blob
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)


@fixture
def a_store_that_is_swept():
    store = Store()
    store.settings["s3"]["keep_replaced_s"] = 1
    with store:
        yield store


def expire(store, name, prefix, **when):
    store.s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [
        {"Filter": {"Prefix": prefix}, "Status": "Enabled", "Expiration": when}]})


def is_there(store, name, key):
    try:
        store.s3.head_object(Bucket=name, Key=key)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "404", error
        return False
    return True


# --- the sweep ---

@case(a_store_that_is_swept)
def what_has_expired_goes_and_the_rest_stays(store):
    one, two = store.bucket(), store.bucket()
    for key in ("logs/a", "logs/b", "log", "logs0", "z"):
        store.s3.put_object(Bucket=one, Key=key, Body=LARGE if key == "logs/b" else b"x")
        store.s3.put_object(Bucket=two, Key=key, Body=b"x")
    expire(store, one, "logs/", Date=PAST)
    expire(store, two, "logs/", Days=1)  # which nothing is old enough for
    assert len(store.blobs()) == 1
    store.restart()
    wait_for("what has expired to go", lambda: not is_there(store, one, "logs/a"))
    wait_for("its blob to go", lambda: not store.blobs())
    assert not is_there(store, one, "logs/b")
    assert all(is_there(store, one, key) for key in ("log", "logs0", "z"))
    assert all(is_there(store, two, key) for key in ("logs/a", "logs/b", "log", "logs0", "z"))


@case(a_store_that_is_swept)
def what_has_expired_may_be_written_again(store):
    name = store.bucket()
    expire(store, name, "", Date=PAST)
    for number in range(3):
        store.s3.put_object(Bucket=name, Key="k", Body=b"%d" % number)
        assert store.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"%d" % number
    store.restart()
    wait_for("it to expire", lambda: not is_there(store, name, "k"))


def put_in_parts(store, name, *parts):
    upload = store.s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    told = [{"PartNumber": number, "ETag": store.s3.upload_part(
        Bucket=name, Key="k", UploadId=upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in parts]
    store.s3.complete_multipart_upload(Bucket=name, Key="k", UploadId=upload,
                                       MultipartUpload={"Parts": told})


@case(a_store_that_is_swept)
def who_downloads_what_is_replaced_downloads_it_to_its_end(store):
    name = store.bucket()
    before = len(store.blobs())
    parts = [(number, os.urandom(5 << 20)) for number in range(1, 5)]
    put_in_parts(store, name, *parts)
    download = store.s3.get_object(Bucket=name, Key="k")["Body"]
    first = download.read(1)
    store.s3.put_object(Bucket=name, Key="k", Body=LARGE)
    store.s3.delete_object(Bucket=name, Key="k")
    wait_for("the file of the second to go", lambda: len(store.blobs()) == before + len(parts))
    assert first + download.read() == b"".join(body for _, body in parts)
    store.restart()  # which takes longer than they have to stay
    wait_for("its parts to go", lambda: len(store.blobs()) == before)


@case(a_store_that_is_swept)
def an_object_in_parts_goes_with_its_parts(store):
    name = store.bucket()
    before = len(store.blobs())
    put_in_parts(store, name, (1, bytes(5 << 20)), (7, LARGE))
    open_upload = store.s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    store.s3.upload_part(Bucket=name, Key="k", UploadId=open_upload, PartNumber=1, Body=LARGE)
    assert len(store.blobs()) == before + 3
    expire(store, name, "", Date=PAST)
    store.restart()
    wait_for("it to expire", lambda: not is_there(store, name, "k"))
    assert len(store.blobs()) == before + 3  # somebody may be downloading it
    store.restart()
    wait_for("its parts to go", lambda: len(store.blobs()) == before + 1)
    # An upload that goes on is young, and no rule is about it.
    told = store.s3.list_parts(Bucket=name, Key="k", UploadId=open_upload)["Parts"]
    assert [part["Size"] for part in told] == [len(LARGE)], told
    store.s3.abort_multipart_upload(Bucket=name, Key="k", UploadId=open_upload)
    wait_for("the last part to go", lambda: len(store.blobs()) == before)


@case(a_store_that_is_swept)
def of_removed_buckets_nothing_stays_on_the_disk(store):
    before = set(store.maps())
    name, kept = store.bucket(), store.bucket()
    store.s3.put_object(Bucket=name, Key="k", Body=b"x")
    store.s3.put_object(Bucket=kept, Key="k", Body=b"x")
    assert len(set(store.maps()) - before) == 2
    store.s3.delete_object(Bucket=name, Key="k")
    store.s3.delete_bucket(Bucket=name)
    store.restart()
    wait_for("its map to go", lambda: len(set(store.maps()) - before) == 1)
    assert is_there(store, kept, "k")
    # Its name may be had again, and it is another one.
    store.s3.create_bucket(Bucket=name)
    assert not is_there(store, name, "k")


# --- buckets that are removed while somebody writes ---

class Upload:
    """A put of which half has been sent."""

    def __init__(self, store, name, key, body=LARGE):
        self.body = body
        target = f"/{name}/{key}"
        fields = store.key.sign("PUT", target, {}, body)
        lines = [f"PUT {target} HTTP/1.1", f"Host: {store.host}", f"Content-Length: {len(body)}",
                 *(f"{field}: {value}" for field, value in fields)]
        self.conn = store.connect(-2)
        self.conn.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body[:len(body) // 2])

    def finish(self):
        self.conn.send(self.body[len(self.body) // 2:])
        reply = self.conn.reply("PUT")
        self.conn.close()
        return reply


def is_under_way(store, blobs=1):
    """The server has found the bucket, and has bytes of a put."""
    wait_for("the put to be under way", lambda: len(store.blobs()) >= blobs)


@case(a_store_that_is_swept)
def a_put_that_ends_after_its_bucket_was_removed_is_refused(store):
    name = store.bucket()
    upload = Upload(store, name, "k", LARGE * 5)
    is_under_way(store)
    store.s3.delete_bucket(Bucket=name)
    reply = upload.finish()
    assert (reply.status, code_of(reply)) == (404, "NoSuchBucket"), reply
    wait_for("its blob to go", lambda: not store.blobs())


@case(a_store_that_is_swept)
def nor_does_it_get_into_the_next_bucket_of_that_name(store):
    name = store.bucket()
    upload = Upload(store, name, "k", LARGE * 5)
    is_under_way(store)
    store.s3.delete_bucket(Bucket=name)
    store.s3.create_bucket(Bucket=name)
    reply = upload.finish()
    assert (reply.status, code_of(reply)) == (404, "NoSuchBucket"), reply
    assert not is_there(store, name, "k")


def is_swept_under(store, name):
    """Remove the bucket while a put into it is under way, and let the sweep take its map away
    before the put ends. False: the sweep had come by before. The put is refused either way."""
    before = set(store.maps())
    store.s3.create_bucket(Bucket=name)
    store.restart()  # the sweep begins a second later, and looks at removed buckets last
    upload = Upload(store, name, "k", LARGE * 5)
    is_under_way(store)
    assert store.raw("DELETE", f"/{name}").status == 204
    end = time.monotonic() + 5
    while set(store.maps()) - before and time.monotonic() < end:
        time.sleep(0.02)
    swept = not set(store.maps()) - before
    reply = upload.finish()
    assert (reply.status, code_of(reply)) == (404, "NoSuchBucket"), reply
    return swept


@case(a_store_that_is_swept)
def nor_once_the_removed_bucket_has_been_swept_away(store):
    assert any(is_swept_under(store, f"swept-{number}") for number in range(5))


@case(a_store_that_is_swept)
def a_bucket_that_is_not_empty_stays_open(store):
    name = store.bucket()
    upload = Upload(store, name, "late", LARGE * 5)
    store.s3.put_object(Bucket=name, Key="k", Body=b"x")
    is_under_way(store)
    for _ in range(3):
        refused("BucketNotEmpty", 409, store.s3.delete_bucket, Bucket=name)
        store.s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert upload.finish().status == 200
    assert is_there(store, name, "late")
    store.s3.delete_object(Bucket=name, Key="late")
    store.s3.delete_object(Bucket=name, Key="k")
    store.s3.delete_bucket(Bucket=name)
    refused("NoSuchBucket", 404, store.s3.delete_bucket, Bucket=name)


@case(a_store_that_is_swept)
def a_bucket_with_an_upload_in_it_is_not_empty(store):
    name = store.bucket()
    upload = store.s3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    refused("BucketNotEmpty", 409, store.s3.delete_bucket, Bucket=name)
    part = store.s3.upload_part(Bucket=name, Key="k", UploadId=upload, PartNumber=1, Body=b"x")
    assert part["ETag"]
    store.s3.abort_multipart_upload(Bucket=name, Key="k", UploadId=upload)
    store.s3.delete_bucket(Bucket=name)


ROUNDS = 60
PUTTERS, REMOVERS = 4, 2


def race(store, name, seed):
    """Puts and removals of one bucket at once. Nobody removes objects: so once a put was told to be
    stored, the bucket is not empty and can no more be removed, and all that was told to be stored
    must be there at the end. Returns how many puts were stored and refused, and the removals."""
    stored, refusals, removals, wrong = {}, [], [], []
    go = threading.Barrier(PUTTERS + REMOVERS)

    def put(number):
        rolls = random.Random(f"{seed} put {number}")
        go.wait()
        for turn in range(6):
            time.sleep(rolls.random() * 0.004)
            key, body = f"{number}-{turn}", rolls.randbytes(rolls.choice([10, 100000]))
            reply = store.raw("PUT", f"/{name}/{key}", body=body)
            if reply.status == 200:
                stored[key] = hashlib.md5(body).hexdigest()
            elif (reply.status, code_of(reply)) == (404, "NoSuchBucket"):
                refusals.append(key)
            else:
                wrong.append(reply)

    def remove(number):
        rolls = random.Random(f"{seed} remove {number}")
        go.wait()
        for _ in range(6):
            time.sleep(rolls.random() * 0.004)
            had = set(stored)
            reply = store.raw("DELETE", f"/{name}")
            if reply.status == 204:
                removals.append(had)
                reply = store.raw("PUT", f"/{name}")
                if reply.status not in (200, 409):
                    wrong.append(reply)
            elif code_of(reply) not in ("BucketNotEmpty", "NoSuchBucket", "OperationAborted"):
                wrong.append(reply)

    threads = [threading.Thread(target=target, args=(number,))
               for target, count in ((put, PUTTERS), (remove, REMOVERS))
               for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, (seed, wrong)
    assert not any(removals), f"seed {seed}: removed though it had {removals}"
    for key, digest in stored.items():
        reply = store.raw("GET", f"/{name}/{key}")
        assert reply.status == 200, f"seed {seed}: {key} was stored, and is gone: {reply}"
        assert hashlib.md5(reply.body).hexdigest() == digest, (seed, key)
    return len(stored), len(refusals), len(removals)


@case(a_store_that_is_swept)
def what_was_told_to_be_stored_is_there_whoever_removes_the_bucket(store):
    totals = [0, 0, 0]
    for seed in itertools.islice(itertools.count(random.randrange(1 << 30)), ROUNDS):
        totals = [a + b for a, b in zip(totals, race(store, store.bucket(), seed))]
    stored, refusals, removals = totals
    # Both happened, so that they met.
    assert stored > ROUNDS and refusals > 5 and removals > ROUNDS / 4, totals
