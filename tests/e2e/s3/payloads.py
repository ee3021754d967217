"""Bodies in every form that clients send them in, right and wrong.

What is wrong is refused with the error that S3 has for it, and is not there afterwards.
"""
import base64
import hashlib
import os
import socket
import struct
import threading

import certificate
import s3
from run import case, table
from selvedge import wait_for
from site_s3 import a_store, a_store_behind_tls, key

TEXT = b"abcdefghijklmnopqrstuvwxyz0123456789" * 5000  # past what is kept in a row
SIZES = (0, 1, 8191, 8192, 65535, 65536, 65537, 200_000)


def there(client, path, data):
    reply = client.get(path)
    assert (reply.status, reply.body) == (200, data), reply
    assert reply.get("ETag") == s3.etag(data)
    assert reply.get("Content-Encoding") is None


def nothing(client, path):
    assert s3.told(client.get(path)) == (404, "NoSuchKey")


def refused(client, made, status, error):
    """And nothing is stored."""
    reply = client.send(made)
    assert s3.told(reply) == (status, error), reply
    nothing(client, made.path)
    return reply


def over(client, version):
    """The same client over another version of HTTP."""
    tls = client.tls and certificate.client(alpn=["h2" if version == "h2" else "http/1.1"])
    return s3.Client(client.address, client.key, s3.OverH2 if version == "h2" else s3.OverH1, tls,
                     client.name, client.host)


FORMS = [(f"{form}, {version}", form, version) for form in s3.FORMS for version in ("h1", "h2")]


@table(a_store, FORMS)
def every_form_stores_what_it_says(store, form, version):
    client = over(store.client, version)
    conn = client.connect()
    try:
        for size in SIZES:
            path, data = key(), TEXT[:size]
            reply = client.put(path, data, form, conn=conn)
            assert (reply.status, reply.get("ETag")) == (200, s3.etag(data)), reply
            reply = client.get(path, conn=conn)
            assert (reply.status, reply.body) == (200, data), (size, reply)
    finally:
        conn.close()


@table(a_store_behind_tls, FORMS)
def every_form_stores_what_it_says_over_TLS(store, form, version):
    client = over(store.client, version)
    for size in (0, 3, 65537):
        path, data = key(), TEXT[:size]
        assert client.put(path, data, form).status == 200
        there(client, path, data)


@table(a_store, [(f"{form}, {version}", form, version) for form in s3.FORMS[2:]
                 for version in ("h1", "h2")])
def chunks_of_chunks_without_a_length(store, form, version):
    """What boto3 and aws-cli send by default: no Content-Length, and they wait for 100."""
    client = over(store.client, version)
    for size in SIZES:
        path, data = key(), TEXT[:size]
        reply = client.put(path, data, form, streamed=True, waits=True)
        assert (reply.status, reply.interim) == (200, [100]), reply
        there(client, path, data)


@case(a_store_behind_tls)
def the_commonest_put_of_all(store):
    path = key()
    reply = store.client.put(path, b"abc", s3.UNSIGNED_TRAILER, streamed=True, waits=True)
    assert (reply.status, reply.interim) == (200, [100]), reply
    assert reply.get("x-amz-checksum-crc32") == s3.checksum("crc32", b"abc")
    there(store.client, path, b"abc")


@table(a_store, [("h1", "h1"), ("h2", "h2")])
def pieces_of_three_bytes(store, version):
    """As @aws-sdk/client-s3 does it with a stream: each piece in a chunk of both kinds."""
    client, path, data = over(store.client, version), key(), TEXT[:3000]
    reply = client.put(path, data, s3.UNSIGNED_TRAILER, size=3, streamed=True)
    assert reply.status == 200, reply
    there(client, path, data)


@table(a_store, [(form, form) for form in s3.FORMS[2:]])
def a_body_cut_anywhere(store, form):
    """Chunk by chunk, and of it byte by byte: frames of HTTP and of S3 do not meet."""
    path, data = key(), TEXT[:20_000]
    made = store.client.upload(path, data, form, size=8192, streamed=True)
    whole = b"".join(made.pieces)
    made.pieces = s3.cut(whole[:300], 1) + s3.cut(whole[300:-300], 4093) + s3.cut(whole[-300:], 1)
    reply = store.client.send(made)
    assert reply.status == 200, reply
    there(store.client, path, data)


@case(a_store)
def an_empty_body_is_waited_for_too(store):
    """botocore says Expect of one, and takes the next reply for this one if it gets no 100."""
    conn = store.client.connect()
    for data in (b"", b"abc", b""):
        reply = store.client.put(key(), data, waits=True, conn=conn)
        assert (reply.status, reply.interim) == (200, [100]), reply
    conn.close()


@case(a_store)
def nobody_is_told_to_go_on_who_is_refused(store):
    made = store.client.upload(key(), TEXT, waits=True, fields={"x-amz-acl": "public-read"})
    reply = store.client.send(made)
    assert (s3.told(reply), reply.interim) == ((501, "NotImplemented"), []), reply


@case(a_store)
def the_coding_of_the_way_is_not_kept(store):
    path = key()
    made = store.client.upload(path, b"abc", s3.UNSIGNED)
    made = store.client.call("PUT", made.path, fields={
        "Content-Encoding": "gzip,aws-chunked", "x-amz-decoded-content-length": "3"},
        payload=s3.CHUNKS)
    made.pieces = s3.chunked(made, b"abc")
    assert store.client.send(made).status == 200
    assert store.client.get(path).get("Content-Encoding") == "gzip"


# --- checksums ---

CHECKED = b"The quick brown fox jumps over the lazy dog" * 2000


@table(a_store, [(name, name) for name in s3.CHECKSUMS])
def a_checksum_in_the_header(store, name):
    field, right = f"x-amz-checksum-{name}", s3.checksum(name, CHECKED)
    path = key()
    reply = store.client.put(path, CHECKED, fields={field: right})
    assert (reply.status, reply.get(field)) == (200, right), reply
    reply = store.client.head(path, {"x-amz-checksum-mode": "ENABLED"})
    assert (reply.get(field), reply.get("x-amz-checksum-type")) == (right, "FULL_OBJECT"), reply
    assert store.client.head(path).get(field) is None
    wrong = s3.checksum(name, CHECKED[:-1])
    refused(store.client, store.client.upload(key(), CHECKED, fields={field: wrong}),
            400, "BadDigest")
    for none in ("", "AAAA", right[:-1], right + "A", "*" * len(right), right + "-2"):
        refused(store.client, store.client.upload(key(), CHECKED, fields={field: none}),
                400, "InvalidRequest")


@table(a_store, [(f"{name}, {form}", name, form) for name in s3.CHECKSUMS
                 for form in (s3.CHUNKS_TRAILER, s3.UNSIGNED_TRAILER)])
def a_checksum_in_the_trailer(store, name, form):
    right, field = s3.checksum(name, CHECKED), f"x-amz-checksum-{name}"
    path = key()
    reply = store.client.put(path, CHECKED, form, trailer=name)
    assert (reply.status, reply.get(field)) == (200, right), reply
    reply = store.client.get(path, {"x-amz-checksum-mode": "ENABLED"})
    assert (reply.body, reply.get(field)) == (CHECKED, right), reply
    wrong = s3.checksum(name, CHECKED[1:])
    for data in (CHECKED, CHECKED[:100]):  # in a blob, in a row
        refused(store.client, store.client.upload(key(), data, form, trailer=name, told=wrong),
                400, "BadDigest")
    refused(store.client, store.client.upload(key(), CHECKED, form, trailer=name, told="none"),
            400, "InvalidRequest")


@case(a_store)
def two_checksums_are_one_too_many(store):
    fields = {f"x-amz-checksum-{name}": s3.checksum(name, b"abc") for name in ("crc32", "sha1")}
    refused(store.client, store.client.upload(key(), b"abc", fields=fields), 400, "InvalidRequest")


@table(a_store, [("missing", []), ("another", [("x-amz-checksum-sha1", "x")]),
                 ("unknown", [("x-amz-meta-a", "b")])])
def a_trailer_that_was_announced_must_come(store, trailer):
    made = store.client.upload(key(), CHECKED, s3.UNSIGNED_TRAILER)
    made.pieces = s3.chunked(made, CHECKED, trailer=trailer)
    refused(store.client, made, 400, "MalformedTrailerError")


@case(a_store)
def an_overwrite_that_fails_leaves_what_was(store):
    for data in (b"small", CHECKED):
        path = key()
        assert store.client.put(path, data).status == 200
        for made in (store.client.upload(path, TEXT, s3.UNSIGNED_TRAILER, told="AAAAAA=="),
                     store.client.upload(path, b"x", s3.UNSIGNED_TRAILER, told="AAAAAA=="),
                     store.client.upload(path, TEXT, fields={"Content-MD5": s3.md5(b"")})):
            assert s3.told(store.client.send(made)) == (400, "BadDigest")
            there(store.client, path, data)


# --- Content-MD5, and the digest ---

@table(a_store, [(name, name) for name in (s3.HEX, s3.UNSIGNED, s3.CHUNKS)])
def content_md5(store, form):
    path = key()
    assert store.client.put(path, TEXT, form, fields={"Content-MD5": s3.md5(TEXT)}).status == 200
    there(store.client, path, TEXT)
    for data in (TEXT, b"x"):
        refused(store.client, store.client.upload(
            key(), data, form, fields={"Content-MD5": s3.md5(b"")}), 400, "BadDigest")
    for none in ("", "AAAA", "*" * 24, hashlib.md5(TEXT).hexdigest(), s3.md5(TEXT)[:-2],
                 base64.b64encode(bytes(17)).decode()):
        refused(store.client, store.client.upload(
            key(), TEXT, form, fields={"Content-MD5": none}), 400, "InvalidDigest")


@case(a_store)
def another_digest_than_told(store):
    for data in (b"", b"x", TEXT):
        made = store.client.call("PUT", key(), payload=hashlib.sha256(b"other").hexdigest())
        made.pieces, made.chunked = [data], False
        refused(store.client, made, 400, "XAmzContentSHA256Mismatch")


@table(a_store, [(name, name) for name in (
    "", "x", "abc123", "0" * 63, "0" * 65, "UNSIGNED", "STREAMING-UNSIGNED-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")])
def a_form_that_there_is_not(store, payload):
    made = store.client.call("PUT", key(), payload=payload)
    made.pieces = [b"abc"]
    refused(store.client, made, 400, "InvalidArgument")


@case(a_store)
def no_form_at_all(store):
    made = store.client.upload(key(), b"abc")
    made.set("x-amz-content-sha256", None)
    refused(store.client, made, 400, "MissingSecurityHeader")


# --- lengths ---

@table(a_store, [(form, form) for form in (s3.HEX, s3.UNSIGNED)])
def no_length(store, form):
    refused(store.client, store.client.upload(key(), TEXT, form, streamed=True),
            411, "MissingContentLength")


@table(a_store, [(form, form) for form in s3.FORMS[2:]])
def no_decoded_length(store, form):
    for told, status, error in ((None, 411, "MissingContentLength"),
                                ("x", 400, "InvalidArgument"), ("-1", 400, "InvalidArgument"),
                                ("9" * 30, 400, "InvalidArgument"),
                                (str(1 << 60), 400, "EntityTooLarge"),
                                (str((5 << 30) + 1), 400, "EntityTooLarge")):
        fields = [("Content-Encoding", "aws-chunked")]
        if told:
            fields.append(("x-amz-decoded-content-length", told))
        if form != s3.CHUNKS:
            fields.append(("x-amz-trailer", "x-amz-checksum-crc32"))
        made = store.client.call("PUT", key(), fields=fields, payload=form)
        made.pieces = s3.chunked(made, b"abc", trailer=[(
            "x-amz-checksum-crc32", s3.checksum("crc32", b"abc"))] * (form != s3.CHUNKS))
        refused(store.client, made, status, error)


@table(a_store, [(f"{form}, {size}", form, size) for form in s3.FORMS[2:]
                 for size in (0, 10, 100_000)])
def more_or_fewer_bytes_than_told(store, form, size):
    for data in (TEXT[:size], TEXT[:size + 2]):
        fields = [("Content-Encoding", "aws-chunked"),
                  ("x-amz-decoded-content-length", str(size + 1))]
        trailer = []
        if form != s3.CHUNKS:
            fields.append(("x-amz-trailer", "x-amz-checksum-crc32"))
            trailer = [("x-amz-checksum-crc32", s3.checksum("crc32", data))]
        made = store.client.call("PUT", key(), fields=fields, payload=form)
        made.pieces = s3.chunked(made, data, trailer=trailer)
        refused(store.client, made, 400, "IncompleteBody")


@table(a_store, [("hex", s3.HEX), ("signed", s3.CHUNKS), ("unsigned", s3.UNSIGNED_TRAILER)])
def bytes_behind_the_end(store, form):
    made = store.client.upload(key(), TEXT, form)
    made.pieces.append(b"x")
    refused(store.client, made, 400,
            "XAmzContentSHA256Mismatch" if form == s3.HEX else "IncompleteBody")


@table(a_store, [(form, form) for form in s3.FORMS])
def a_client_that_vanishes_leaves_nothing(store, form):
    """Before the end, wherever it is."""
    blobs = store.blobs()
    for data in (TEXT[:1000], os.urandom(700_000)):
        made = store.client.upload(key(), data, form)
        whole = b"".join(made.pieces)
        for there_is in (0, 1, len(whole) // 2, len(whole) - 1):
            conn = store.client.connect()
            made.set("Content-Length", str(len(whole)))
            conn.send_head(made)
            conn.conn.send(whole[:there_is])
            conn.conn.half_close()
            reply = conn.conn.rest()
            assert b" 200 " not in reply[:20], reply
            conn.close()
            nothing(store.client, made.path)
    # The last is removed once its end was noticed.
    wait_for("what was begun to be gone", lambda: set(store.blobs()) <= set(blobs))


@table(a_store, [("h1", "h1"), ("h2", "h2")])
def a_connection_that_is_cut_leaves_nothing(store, version):
    blobs = store.blobs()
    made = store.client.upload(key(), os.urandom(3 << 20), s3.UNSIGNED)
    made.set("Content-Length", str(4 << 20))
    conn = over(store.client, version).connect()
    end = threading.Thread(target=lambda: ended.append(attempt(conn, made)))
    ended = []
    end.start()
    wait_for("a blob to be begun", lambda: ended or store.blobs() != blobs)
    assert not ended, ended
    wires = conn.conn.socket if version == "h1" else conn.socket
    wires.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wires.shutdown(socket.SHUT_RDWR)
    wires.close()
    end.join()
    assert isinstance(ended[0], OSError), ended
    wait_for("it to be gone", lambda: set(store.blobs()) <= set(blobs))
    nothing(store.client, made.path)


def attempt(conn, made):
    try:
        return conn.ask(made)
    except OSError as why:
        return why


@case(a_store)
def a_chunk_that_is_none(store):
    for body in (b"x\r\nabc\r\n0\r\n", b"3\r\nabcx", b"3;a=b\r\nabc\r\n0\r\n\r\n",
                 b"-3\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n", b"0x3\r\nabc\r\n0\r\n\r\n",
                 b"ffffffffffffffffff\r\nabc\r\n", b"\r\n", b" 3\r\nabc\r\n0\r\n\r\n"):
        made = store.client.upload(key(), b"abc", s3.UNSIGNED_TRAILER)
        made.pieces = [body]
        reply = store.client.send(made)
        assert reply.status == 400 and s3.code(reply) in (
            "InvalidRequest", "IncompleteBody"), (body, reply)
        nothing(store.client, made.path)
    made = store.client.upload(key(), TEXT, s3.CHUNKS, size=8191)
    refused(store.client, made, 403, "InvalidChunkSizeError")
