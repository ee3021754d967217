"""Objects: of every size, under every key, read in part, under conditions, and kept."""
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import s3
from run import Skip, case, fixture, table
from selvedge import SLOW, wait_for
from site_s3 import BUCKET, Store, a_store, key, make_bucket

LETTERS = b"abcdefghijklmnopqrstuvwxyz"
MIB = 1 << 20


def there(client, path, data):
    reply = client.get(path)
    assert (reply.status, reply.body) == (200, data), (reply.status, len(reply.body))


def nothing(client, path):
    assert s3.told(client.get(path)) == (404, "NoSuchKey")
    assert client.head(path).status == 404


# --- round trips ---

@table(a_store, [(str(size), size) for size in (
    0, 1, 65535, 65536, 65537, 262144, 262145, MIB, 5 * MIB)])
def an_object_comes_back(store, size):
    path, data = key(), random.Random(size).randbytes(size)
    reply = store.client.put(path, data)
    assert (reply.status, reply.get("ETag")) == (200, s3.etag(data)), reply
    reply = store.client.get(path)
    assert (reply.status, reply.body, reply.get("ETag")) == (200, data, s3.etag(data))
    assert reply.get("Content-Type") == "binary/octet-stream"
    assert reply.get("Accept-Ranges") == "bytes" and reply.get("Last-Modified")
    head = store.client.head(path)
    hidden = ("date", "x-amz-request-id")
    assert [pair for pair in head.fields if pair[0] not in hidden] == [
        pair for pair in reply.fields if pair[0] not in hidden]
    assert store.client.delete(path).status == 204
    nothing(store.client, path)
    assert store.client.delete(path).status == 204  # as S3: it is gone, whoever did it


@case(a_store)
def what_is_said_of_an_object_is_told(store):
    path = key()
    said = {"Content-Type": "text/x-test; charset=utf-8", "Cache-Control": "max-age=60",
            "Content-Disposition": 'attachment; filename="a b.txt"', "Content-Language": "de, en",
            "Content-Encoding": "gzip", "Expires": "Thu, 01 Jan 2026 00:00:00 GMT",
            "x-amz-meta-one": "1", "X-Amz-Meta-Two": "two words", "x-amz-meta-empty": "",
            "x-amz-meta-utf": "=?UTF-8?B?w7w=?="}
    assert store.client.put(path, LETTERS, fields=said).status == 200
    for reply in (store.client.get(path), store.client.head(path)):
        assert {name: reply.get(name) for name in said} == said, reply
    assert store.client.put(path, LETTERS).status == 200
    reply = store.client.head(path)
    assert all(reply.get(name) is None for name in said if name != "Content-Type"), reply


@case(a_store)
def a_bucket_that_there_is_not(store):
    for method, data in (("GET", None), ("PUT", b"abc"), ("DELETE", None)):
        made = store.client.upload("/nobody/key", data or b"", method=method)
        made.pieces = [data] if data else []
        assert s3.told(store.client.send(made)) == (404, "NoSuchBucket")


# --- keys ---

KEYS = ["a", "a/b/c", "a//b", "//", "/a", "a/", ".", "..", "../a", "a/../b", "a/./b", "...",
        "a b", " a", "a ", "a+b", "a%2Fb", "a%", "%41", "%2e%2e", "a?b", "a#b", "a&b=c", "a;b",
        "a:b", "a@b", "a,b", "a*b", "(a)", "[a]", "{a}", "'a'", '"a"', "a\\b", "a|b", "a^b", "a`b",
        "~a", "$a", "!a", "=a", "<a>", "ü", "€", "日本", "😀", "e\u0301", "\u00e9", "\u200f", "\ufeff",
        "\uffff", "a\nb", "a\rb", "a\tb", "\x01", "\x1f", "\x7f", "con", "x" * 255,
        "y/" * 500, "a?acl", "?uploads", "a?versionId=1"]


@case(a_store)
def every_odd_key_is_one_of_its_own(store):
    conn = store.client.connect()
    for name in KEYS:
        reply = store.client.put(f"{BUCKET}/odd/{name}", name.encode(), conn=conn)
        assert reply.status == 200, (name, reply)
    for name in KEYS:
        reply = store.client.get(f"{BUCKET}/odd/{name}", conn=conn)
        assert (reply.status, reply.body) == (200, name.encode()), (name, reply)
    for number, name in enumerate(KEYS):
        assert store.client.ask("DELETE", f"{BUCKET}/odd/{name}", conn=conn).status == 204, name
        reply = store.client.get(f"{BUCKET}/odd/{name}", conn=conn)
        assert reply.status == 404, (name, reply)
        for other in KEYS[number + 1:number + 3]:
            assert store.client.get(f"{BUCKET}/odd/{other}", conn=conn).status == 200, other
    conn.close()


@case(a_store)
def keys_that_are_no_UTF_8(store):
    for name in (b"\xff", b"a\x80b", b"\xc0\xaf", b"\xed\xa0\x80"):
        path = BUCKET.encode() + b"/bytes/" + name
        assert store.client.put(path, name).status == 200, name
        assert store.client.get(path).body == name


@case(a_store)
def a_key_may_be_escaped_in_many_ways(store):
    """The path is signed as it is meant, not as it is spelt."""
    path = key("/a b+c~d-e.f")
    assert store.client.put(path, LETTERS).status == 200
    for spelt in ("/a%20b%2Bc~d-e.f", "/a%20b+c%7Ed%2De%2Ef", "%2Fa%20b%2bc~d-e.f",
                  "/%61%20b+c%7ed-e.f"):
        made = store.client.call("GET", path)
        made.path = path.partition("/a")[0] + spelt
        reply = store.client.send(made)
        assert (reply.status, reply.body) == (200, LETTERS), (spelt, reply)
    for spelt in ("/a%20b%252Bc", "/a%2", "/a%zz", "/a%00b"):
        made = store.client.call("GET", path)
        made.path += spelt
        reply = store.client.send(made)
        assert reply.status in (400, 403), (spelt, reply)


@case(a_store)
def the_longest_key(store):
    for name in ("k" * 1024, "ü" * 512, "/" * 1024, "%" * 1024):
        path = f"{BUCKET}/{name}"
        assert store.client.put(path, LETTERS).status == 200, name[:4]
        there(store.client, path, LETTERS)
        for made in (store.client.upload(path + "k", LETTERS), store.client.call("GET", path + "k"),
                     store.client.call("DELETE", path + "k")):
            assert s3.told(store.client.send(made)) == (400, "KeyTooLongError")


@case(a_store)
def the_most_metadata(store):
    """Names without their prefix and values are counted: 8192 bytes of both."""
    path = key()
    for count, size, status in ((1, 7000, 200), (3, 2727, 200), (8, 1021, 200), (8, 1022, 400)):
        fields = {f"x-amz-meta-{number:03}": "v" * size for number in range(count)}
        if (count, status) == (8, 200):
            assert sum(3 + len(value) for value in fields.values()) == 8192
        reply = store.client.put(path, LETTERS, fields=fields)
        assert reply.status == status, (count, size, reply)
        if status == 400:
            assert s3.code(reply) == "MetadataTooLarge"
        else:
            head = store.client.head(path)
            assert {name: head.get(name) for name in fields} == fields
    fields["x-amz-meta-000"] = "v" * 1014
    assert sum(3 + len(value) for value in fields.values()) == 8192
    assert store.client.put(path, LETTERS, fields=fields).status == 200
    fields["x-amz-meta-000"] = "v" * 1015
    assert s3.told(store.client.put(path, LETTERS, fields=fields)) == (400, "MetadataTooLarge")


# --- ranges ---

RANGES = [("bytes=0-0", 0, 1), ("bytes=0-", 0, 26), ("bytes=5-", 5, 26), ("bytes=5-9", 5, 10),
          ("bytes=25-25", 25, 26), ("bytes=25-99", 25, 26), ("bytes=-1", 25, 26),
          ("bytes=-26", 0, 26), ("bytes=-99", 0, 26), ("bytes=0-18446744073709551615", 0, 26)]


@table(a_store, [("small", 1), ("large", 40_000)])
def ranges(store, times):
    """Of a row, and of a blob."""
    path, data = key(), LETTERS * times
    assert store.client.put(path, data).status == 200
    last = len(data) - 1
    cases = RANGES if times == 1 else [
        ("bytes=0-0", 0, 1), ("bytes=262143-262144", 262143, 262145), (f"bytes={last}-", last,
         last + 1), ("bytes=-300000", last - 299999, last + 1), ("bytes=1-", 1, last + 1)]
    for text, begin, end in cases:
        for method in ("GET", "HEAD"):
            reply = store.client.ask(method, path, fields={"Range": text})
            assert reply.status == 206, (text, reply)
            assert reply.get("Content-Range") == f"bytes {begin}-{end - 1}/{len(data)}", text
            assert reply.get("Content-Length") == str(end - begin)
            assert method == "HEAD" or reply.body == data[begin:end], text
    for text in (f"bytes={len(data)}-", f"bytes={len(data)}-{len(data) + 9}", "bytes=-0",
                 "bytes=99999999999-"):
        reply = store.client.get(path, {"Range": text})
        assert s3.told(reply) == (416, "InvalidRange"), (text, reply)
        assert reply.get("Content-Range") == f"bytes */{len(data)}", (text, reply)
    for text in ("bytes=5-4", "bytes=x-", "bytes=", "lines=1-2", "bytes=1-2,4-5", "5-9"):
        reply = store.client.get(path, {"Range": text})  # none, or too much: all of it
        assert (reply.status, reply.body) == (200, data), (text, reply.status)


@case(a_store)
def the_checksum_of_all_is_not_that_of_a_part(store):
    path, mode = key(), {"x-amz-checksum-mode": "ENABLED"}
    field, right = "x-amz-checksum-crc32", s3.checksum("crc32", LETTERS)
    assert store.client.put(path, LETTERS, fields={field: right}).status == 200
    for method in ("GET", "HEAD"):
        assert store.client.ask(method, path, fields=mode).get(field) == right
        reply = store.client.ask(method, path, fields={**mode, "Range": "bytes=0-4"})
        assert (reply.status, reply.get(field)) == (206, None), reply


@case(a_store)
def ranges_of_nothing(store):
    path = key()
    assert store.client.put(path, b"").status == 200
    for text in ("bytes=0-0", "bytes=0-", "bytes=1-"):
        assert s3.told(store.client.get(path, {"Range": text})) == (416, "InvalidRange"), text
    assert store.client.get(path).status == 200


@case(a_store)
def a_range_of_what_has_changed(store):
    path = key()
    assert store.client.put(path, LETTERS).status == 200
    for tag, status in ((s3.etag(LETTERS), 206), (s3.etag(b"other"), 200)):
        reply = store.client.get(path, {"Range": "bytes=1-2", "If-Range": tag})
        assert reply.status == status, (tag, reply)


@case(a_store)
def the_part_of_an_object_without_parts(store):
    path = key()
    assert store.client.put(path, LETTERS).status == 200
    reply = store.client.get(path, query="partNumber=1")
    assert (reply.status, reply.body, reply.get("x-amz-mp-parts-count")) == (206, LETTERS, "1")
    assert reply.get("Content-Range") == "bytes 0-25/26"
    assert s3.told(store.client.get(path, query="partNumber=2")) == (416, "InvalidPartNumber")
    for number in ("0", "10001", "x", "-1", ""):
        assert s3.told(store.client.get(path, query="partNumber=" + number)) == (
            400, "InvalidArgument"), number
    reply = store.client.get(path, {"Range": "bytes=0-1"}, "partNumber=1")
    assert s3.told(reply) == (400, "InvalidArgument")
    assert store.client.put(path, b"").status == 200
    reply = store.client.get(path, query="partNumber=1")
    assert (reply.status, reply.get("Content-Range")) == (200, None), reply


# --- conditions ---

PAST, FUTURE = "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
GOOD, WRONG = s3.etag(LETTERS), s3.etag(b"other")
CONDITIONS = [
    ({"If-Match": GOOD}, 200), ({"If-Match": WRONG}, 412), ({"If-Match": "*"}, 200),
    ({"If-Match": f"{WRONG}, {GOOD}"}, 200), ({"If-Match": "W/" + GOOD}, 412),
    ({"If-Match": GOOD.strip('"')}, 200), ({"If-None-Match": GOOD}, 304),
    ({"If-None-Match": WRONG}, 200), ({"If-None-Match": "*"}, 304),
    ({"If-None-Match": "W/" + GOOD}, 304), ({"If-None-Match": f"{WRONG}, {GOOD}"}, 304),
    ({"If-None-Match": GOOD.strip('"')}, 304),
    ({"If-Modified-Since": PAST}, 200), ({"If-Modified-Since": FUTURE}, 304),
    ({"If-Modified-Since": "now"}, 304), ({"If-Unmodified-Since": PAST}, 412),
    ({"If-Unmodified-Since": FUTURE}, 200), ({"If-Unmodified-Since": "now"}, 200),
    ({"If-Modified-Since": "rubbish"}, 200), ({"If-Unmodified-Since": "rubbish"}, 200),
    ({"If-Match": GOOD, "If-Unmodified-Since": PAST}, 200),
    ({"If-None-Match": WRONG, "If-Modified-Since": "now"}, 200),
    ({"If-None-Match": GOOD, "If-Modified-Since": PAST}, 304),
    ({"If-Match": WRONG, "If-None-Match": WRONG}, 412)]


@table(a_store, [(", ".join(f"{name}: {value}" for name, value in fields.items()), fields, status)
                 for fields, status in CONDITIONS])
def a_condition_on_reading(store, fields, status):
    path = key()
    assert store.client.put(path, LETTERS).status == 200
    modified = store.client.head(path).get("Last-Modified")
    fields = {name: modified if value == "now" else value for name, value in fields.items()}
    for method in ("GET", "HEAD"):
        reply = store.client.ask(method, path, fields=fields)
        assert reply.status == status, (method, reply)
        if status == 304:
            assert (reply.get("ETag"), reply.body) == (GOOD, b""), reply
        elif status == 412 and method == "GET":
            assert s3.code(reply) == "PreconditionFailed"


@case(a_store)
def a_condition_on_writing(store):
    path = key()
    for fields, expected in (
            ({"If-Match": GOOD}, (404, "NoSuchKey")), ({"If-Match": "*"}, (404, "NoSuchKey")),
            ({"If-None-Match": "*"}, (200, None)), ({"If-None-Match": "*"}, (412,
             "PreconditionFailed")), ({"If-Match": WRONG}, (412, "PreconditionFailed")),
            ({"If-Match": GOOD}, (200, None)), ({"If-Match": "*"}, (200, None)),
            ({"If-None-Match": GOOD}, (412, "PreconditionFailed")),
            ({"If-None-Match": WRONG}, (200, None)),
            ({"If-Unmodified-Since": PAST}, (412, "PreconditionFailed")),
            ({"If-Unmodified-Since": FUTURE}, (200, None))):
        for streamed in (False, True):
            if streamed and expected[0] == 200:
                continue
            reply = store.client.put(path, LETTERS, s3.UNSIGNED_TRAILER, fields=fields,
                                     streamed=streamed, waits=streamed)
            assert s3.told(reply) == expected, (fields, reply)
            assert not reply.interim or not streamed, fields


@table(a_store, [("small", 100), ("large", 300_000)])
def of_many_that_want_to_be_first_one_is(store, size):
    path = key()
    bodies = [bytes([number]) * size for number in range(16)]
    with concurrent.futures.ThreadPoolExecutor(16) as several:
        replies = list(several.map(lambda data: store.client.put(
            path, data, fields={"If-None-Match": "*"}), bodies))
    won = [number for number, reply in enumerate(replies) if reply.status == 200]
    assert len(won) == 1, [reply.status for reply in replies]
    for number, reply in enumerate(replies):
        assert number in won or s3.told(reply) in (
            (412, "PreconditionFailed"), (409, "ConditionalRequestConflict")), reply
    there(store.client, path, bodies[won[0]])


@table(a_store, [("small", 8), ("large", 100_000)])
def a_counter_that_many_count_up(store, size):
    """Read, then written only if it is still what was read: nothing is lost."""
    path, people, times = key(), 4, 5
    store.client.put(path, b"0".zfill(size))

    def count(_):
        done = 0
        while done < times:
            now = store.client.get(path)
            reply = store.client.put(path, str(value_of(now) + 1).encode().zfill(size),
                                     fields={"If-Match": now.get("ETag")})
            assert reply.status in (200, 412, 409), reply
            done += reply.status == 200
    with concurrent.futures.ThreadPoolExecutor(people) as several:
        list(several.map(count, range(people)))
    assert value_of(store.client.get(path)) == people * times


def value_of(reply):
    return int(reply.body[-9:])


# --- files ---

@case(a_store)
def what_is_replaced_or_removed_leaves_no_file(store):
    before, path = store.blobs(), key()
    for data in (b"a" * 200_000, b"b" * 200_000, b"c", b"d" * 200_000):
        assert store.client.put(path, data).status == 200
        wait_for("one file or none", lambda: len(store.blobs()) == len(before) + (len(data) > 1))
        there(store.client, path, data)
    assert store.client.delete(path).status == 204
    wait_for("no file", lambda: store.blobs() == before)
    names = [f"many/{number}" for number in range(5)]
    for name in names:
        assert store.client.put(f"{BUCKET}/{name}", b"e" * 70_000).status == 200
    xml = "<Delete>" + "".join(f"<Object><Key>{name}</Key></Object>" for name in names) + \
        "</Delete>"
    reply = store.client.post(BUCKET, xml.encode(), "delete")
    assert reply.status == 200 and reply.body.count(b"<Deleted>") == 5, reply
    wait_for("no file", lambda: store.blobs() == before)


@case(a_store)
def who_reads_what_is_replaced_reads_it_to_its_end(store):
    path, data = key(), os.urandom(8 * MIB)
    assert store.client.put(path, data).status == 200
    conn = store.client.connect()
    conn.send_head(store.client.call("GET", path))
    status, _ = conn.conn.head()
    assert status == 200
    assert store.client.put(path, LETTERS).status == 200
    assert store.client.delete(path).status == 204
    assert conn.conn._exactly(len(data)) == data
    conn.close()


# --- large ones ---

@case(a_store)
def a_hundred_mebibytes_pass_through_little_memory(store):
    path, piece, count = key(), os.urandom(MIB), 100
    before, digest = store.memory(), hashlib.md5()
    made = store.client.upload(path, b"", s3.UNSIGNED)
    made.set("Content-Length", str(count * MIB))
    made.pieces = [piece] * count
    reply = store.client.send(made)
    for _ in range(count):
        digest.update(piece)
    assert (reply.status, reply.get("ETag")) == (200, f'"{digest.hexdigest()}"'), reply
    conn = store.client.connect()
    conn.send_head(store.client.call("GET", path))
    status, fields = conn.conn.head()
    assert (status, dict(fields)["content-length"]) == (200, str(count * MIB))
    for number in range(count):
        assert conn.conn._exactly(MIB) == piece, number
    conn.close()
    grown = store.memory() - before
    assert grown < 32 * MIB * SLOW, f"{grown >> 20} MiB more"
    assert store.client.delete(path).status == 204


# --- what lasts ---

def put_many(client, count, prefix):
    """Objects of several sizes; what was acknowledged."""
    stored = {}
    for number in range(count):
        data = random.Random(f"{prefix}{number}").randbytes((10, 3000, 70_000, 300_000)[number % 4])
        path = f"{BUCKET}/{prefix}{number}"
        assert client.put(path, data).status == 200
        stored[path] = data
    return stored


@fixture
def a_store_that_is_started_again():
    with Store() as store:
        make_bucket(store)
        yield store


def hold(store):
    """Another program has the bucket's database, and lets nobody write."""
    [path] = (store.folder / "data" / "maps").glob("s3-*.db")
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    return contextlib.closing(database)


@case(a_store_that_is_started_again)
def what_the_store_does_not_take_leaves_no_file(store):
    path, before = key(), store.blobs()
    upload = re.search(rb"<UploadId>(\w+)<", store.client.ask("POST", path, "uploads").body)[1]
    part = f"partNumber=1&uploadId={upload.decode()}"
    with hold(store):
        for query in ("", part):
            reply = store.client.put(path, b"x" * 100_000, query=query)
            assert s3.told(reply) == (503, "SlowDown"), reply
    wait_for("no file", lambda: store.blobs() == before)
    for query in ("", part):
        assert store.client.put(path, b"x" * 100_000, query=query).status == 200


@case(a_store_that_is_started_again)
def a_restart_keeps_everything(store):
    stored = put_many(store.client, 12, "kept/")
    store.client.delete(f"{BUCKET}/kept/0")
    store.client.delete(f"{BUCKET}/kept/3")
    del stored[f"{BUCKET}/kept/0"], stored[f"{BUCKET}/kept/3"]
    store.stop()
    store.start()
    for path, data in stored.items():
        there(store.client, path, data)
    nothing(store.client, f"{BUCKET}/kept/0")
    nothing(store.client, f"{BUCKET}/kept/3")


@case(a_store_that_is_started_again)
def being_killed_keeps_what_was_acknowledged(store):
    for turn in range(3):
        acknowledged, under_way = {}, {}

        def write(who):
            with contextlib.suppress(OSError):
                for number in range(10_000):
                    path = f"{BUCKET}/killed/{turn}/{who}/{number % 20}"
                    data = random.Random(f"{turn} {who} {number}").randbytes(
                        (100, 66_000)[number % 2])
                    under_way[path] = data
                    if store.client.put(path, data).status == 200:
                        acknowledged[path] = data
                        under_way.pop(path)

        with concurrent.futures.ThreadPoolExecutor(4) as several:
            done = [several.submit(write, who) for who in range(4)]
            wait_for("some to be acknowledged", lambda: len(acknowledged) >= 40)
            os.killpg(store.process.pid, signal.SIGKILL)
            for one in done:
                one.result()
        store.process.wait()
        store.process = None
        store.start()
        for path, data in acknowledged.items():
            reply = store.client.get(path)
            assert reply.status == 200, (path, reply)
            assert reply.body in (data, under_way.get(path)), path
            assert reply.get("ETag") == s3.etag(reply.body)
        for path in under_way.keys() - acknowledged.keys():
            reply = store.client.get(path)
            assert reply.status == 404 or reply.body == under_way[path], path


# --- a disk that forgets, and one that is full ---

@fixture
def a_store_that_is_damaged():
    with Store() as store:
        make_bucket(store)
        yield store


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def fold(folder):
    """Take what stands in SQLite's logs over into the files that they are of."""
    for file in folder.glob("*.db"):
        with contextlib.closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def reads(client, path):
    """What of the body comes, and whether it comes to its end."""
    try:
        reply = client.get(path)
    except ConnectionError:
        return "broken"
    return reply


@table(a_store_that_is_damaged, [("at its begin", 0), ("in the middle", 400_000),
                                 ("at its end", 799_999)])
def a_flipped_byte_of_a_blob_is_never_sent_as_if_it_were_right(store, at):
    before = set(store.blobs())
    path, data = key(), os.urandom(800_000)
    assert store.client.put(path, data).status == 200
    file, = set(store.blobs()) - before
    there(store.client, path, data)
    offset = file.read_bytes().index(data[max(at - 16, 0):at + 1])
    flip(file, offset + min(at, 16))
    reply = reads(store.client, path)
    assert reply == "broken" or reply.status == 500, reply.status
    if reply != "broken":
        assert s3.code(reply) == "InternalError"
    flip(file, offset + min(at, 16))
    there(store.client, path, data)


@case(a_store_that_is_damaged)
def a_blob_that_is_cut_or_gone(store):
    before = set(store.blobs())
    path, data = key(), os.urandom(800_000)
    assert store.client.put(path, data).status == 200
    file, = set(store.blobs()) - before
    whole = file.read_bytes()
    for size in (0, 1, 400_000, len(whole) - 1):
        os.truncate(file, size)
        reply = reads(store.client, path)
        assert reply == "broken" or s3.told(reply) == (500, "InternalError"), (size, reply)
        file.write_bytes(whole)
    there(store.client, path, data)
    file.unlink()
    reply = reads(store.client, path)
    assert reply == "broken" or s3.told(reply) == (500, "InternalError"), reply
    assert store.client.put(path, LETTERS).status == 200
    there(store.client, path, LETTERS)


@case(a_store_that_is_damaged)
def a_flipped_byte_of_the_database_is_never_sent_as_if_it_were_right(store):
    path, data = key(), bytes(random.Random(7).choices(LETTERS, k=3000))
    other = key()
    assert store.client.put(path, data, fields={"x-amz-meta-a": "UNMISTAKABLE"}).status == 200
    assert store.client.put(other, LETTERS).status == 200
    store.stop()
    folder = store.folder / "data" / "maps"
    fold(folder)
    for part in (data[1000:1100], b"UNMISTAKABLE"):
        files = [file for file in folder.iterdir() if part in file.read_bytes()]
        assert len(files) == 1, files
        whole = files[0].read_bytes()
        flip(files[0], whole.index(part) + 5)
        store.start()
        reply = reads(store.client, path)
        assert reply == "broken" or s3.told(reply) == (500, "InternalError"), reply
        store.stop()
        fold(folder)
        files[0].write_bytes(whole)
    store.start()
    there(store.client, path, data)
    there(store.client, other, LETTERS)


@case(a_store_that_is_damaged)
def a_flipped_byte_of_the_databases_log_ends_it_there(store):
    """SQLite takes what is behind it for what a crash has left: it is lost, but not wrong."""
    path, data = key(), bytes(random.Random(8).choices(LETTERS, k=3000))
    store.stop()
    fold(store.folder / "data" / "maps")
    store.start()
    assert store.client.put(path, data).status == 200
    store.stop()
    log, = (file for file in (store.folder / "data" / "maps").glob("*-wal")
            if data[1000:1100] in file.read_bytes())
    flip(log, log.read_bytes().index(data[1000:1100]))
    store.start()
    reply = reads(store.client, path)
    assert reply == "broken" or s3.told(reply) in (
        (404, "NoSuchKey"), (500, "InternalError")), reply
    assert store.client.put(path, data).status == 200
    there(store.client, path, data)


@contextlib.contextmanager
def small_disk():
    folder = tempfile.mkdtemp(prefix="selvedge-e2e-disk-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder],
                          capture_output=True, text=True, check=False)
    try:
        yield folder if done.returncode == 0 else None
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@fixture
def a_store_on_a_small_disk():
    with small_disk() as disk:
        if not disk:
            yield None
            return
        with Store({"data": disk + "/data"}) as store:
            store.disk = pathlib.Path(disk)
            make_bucket(store)
            yield store


@case(a_store_on_a_small_disk)
def a_full_disk(store):
    """It says so; what there is can be read and removed; then it takes more again."""
    if not store:
        raise Skip("a file system of its own can only be mounted by root")
    stored = put_many(store.client, 8, "before/")
    filler = store.disk / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    blobs = store.blobs()
    for size in (2 * MIB, 70_000):
        reply = store.client.put(f"{BUCKET}/full/{size}", os.urandom(size))
        assert (reply.status, s3.code(reply)) in (
            (500, "InternalError"), (503, "SlowDown"), (503, "ServiceUnavailable")), reply
        nothing(store.client, f"{BUCKET}/full/{size}")
    statuses = set()
    for number in range(100):
        reply = store.client.put(f"{BUCKET}/full/{number}", b"x" * 60_000)
        statuses.add(reply.status)
        if reply.status == 200:
            there(store.client, f"{BUCKET}/full/{number}", b"x" * 60_000)
        else:
            nothing(store.client, f"{BUCKET}/full/{number}")
            break
    assert statuses & {500, 503}, statuses
    wait_for("what failed to leave nothing", lambda: store.blobs() == blobs)
    for path, data in stored.items():
        there(store.client, path, data)
    filler.unlink()
    wait_for("it to take objects again", lambda: store.client.put(
        f"{BUCKET}/after", os.urandom(MIB)).status == 200)
    assert store.client.put(f"{BUCKET}/after/small", LETTERS).status == 200
    store.stop()
    store.start()
    for path, data in stored.items():
        there(store.client, path, data)
    there(store.client, f"{BUCKET}/after/small", LETTERS)
