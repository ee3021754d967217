"""Signatures: ours against other people's, right ones, and ones that are wrong in each place."""
import time

import s3
from run import Skip, case, fixture, table
from site_s3 import BUCKET, Store, a_store, key, make_bucket

SKEW_S = 900
DATA = b"abcdefghijklmnopqrstuvwxyz" * 4000
EXAMPLE = s3.Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
EXAMPLE_AT = s3.unix("20130524T000000Z")


def refused(client, made, status, error):
    """And nothing is stored, if it was to be."""
    reply = client.send(made)
    assert s3.told(reply) == (status, error), reply
    if made.method == "PUT":
        assert s3.told(client.get(made.path)) == (404, "NoSuchKey")


def flipped(text, at):
    """With one bit changed, in a way that stays a hexadecimal digit or a letter."""
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:]


# --- the signer of this suite ---

@case(a_store)
def the_examples_of_the_reference(_):
    made = s3.call(EXAMPLE, "GET", "/test.txt", fields={"Range": "bytes=0-9"}, payload=s3.EMPTY,
                   host="examplebucket.s3.amazonaws.com", at=EXAMPLE_AT, region="us-east-1")
    assert made.signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    made = s3.call(EXAMPLE, "GET", "/", "lifecycle", payload=s3.EMPTY, region="us-east-1",
                   host="examplebucket.s3.amazonaws.com", at=EXAMPLE_AT)
    assert made.signature == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    made = s3.presigned(EXAMPLE, "GET", "/test.txt", host="examplebucket.s3.amazonaws.com",
                        at=EXAMPLE_AT, expires=86400, region="us-east-1")
    assert made.signature == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    made = s3.call(EXAMPLE, "PUT", "/examplebucket/chunkObject.txt", fields={
        "x-amz-storage-class": "REDUCED_REDUNDANCY", "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560", "Content-Length": "66824"},
        payload=s3.CHUNKS, host="s3.amazonaws.com", at=EXAMPLE_AT, region="us-east-1")
    assert made.signature == "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    signatures = [frame.split(b"\r\n")[0][-64:] for frame in s3.chunked(made, b"a" * 66560)]
    assert signatures == [
        b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"]


ODD = ["plain", "a b", "a+b", "a%2Fb", "a//b/../c", "ü€", "a?b#c&d=e", "~-._", "'()*!", "\x01\x7f"]


@case(a_store)
def botocore_signs_alike(_):
    try:
        from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError:
        raise Skip("botocore is not installed") from None
    who = Credentials(EXAMPLE.id, EXAMPLE.secret)
    for name in ODD:
        path, query = "/bucket/" + name, "prefix=" + s3.quote(name) + "&list-type=2&uploads="
        url = "http://a.example:81" + s3.quote(path, "/") + "?" + query
        theirs = AWSRequest("PUT", url, data=b"abc", headers={
            "X-Amz-Meta-A": " b  c ", "Content-Type": "text/plain"})
        S3SigV4Auth(who, "s3", "auto").add_auth(theirs)
        fields = {"X-Amz-Meta-A": " b  c ", "Content-Type": "text/plain"}
        if "Content-MD5" in theirs.headers:
            fields["Content-MD5"] = theirs.headers["Content-MD5"]
        ours = s3.call(EXAMPLE, "PUT", path, query, fields, host="a.example:81",
                       payload=theirs.headers["X-Amz-Content-SHA256"],
                       at=s3.unix(theirs.headers["X-Amz-Date"]))
        assert theirs.headers["Authorization"] == ours.get("Authorization"), name
        theirs = AWSRequest("GET", url)
        S3SigV4QueryAuth(who, "s3", "auto", expires=60).add_auth(theirs)
        when = theirs.url.split("X-Amz-Date=")[1][:16]
        ours = s3.presigned(EXAMPLE, "GET", path, query, host="a.example:81", expires=60,
                            at=s3.unix(when))
        assert theirs.url.endswith("X-Amz-Signature=" + ours.signature), name


# --- one bit ---

def signed_put(store, form=s3.HEX, data=DATA):
    return store.client.upload(key(), data, form, query="x-id=PutObject", fields={
        "x-amz-meta-a": "abc", "Content-Type": "text/plain", "Cache-Control": "no-cache"})


@case(a_store)
def what_is_signed_is_taken(store):
    made = signed_put(store)
    assert store.client.send(made).status == 200
    reply = store.client.get(made.path)
    assert (reply.body, reply.get("x-amz-meta-a"), reply.get("Cache-Control")) == (
        DATA, "abc", "no-cache"), reply


@table(a_store, [(name, name) for name in (
    "Host", "x-amz-meta-a", "Content-Type", "Cache-Control")])
def a_bit_of_a_signed_field(store, name):
    made = signed_put(store)
    made.set(name, flipped(made.get(name), 1))
    refused(store.client, made, 403, "SignatureDoesNotMatch")
    made = signed_put(store)
    made.fields.append((name, "more"))
    reply = store.client.send(made)
    assert reply.status in (400, 403), reply
    assert store.client.get(made.path).status == 404
    if name != "Host":
        made = signed_put(store)
        made.set(name, None)
        refused(store.client, made, 403, "SignatureDoesNotMatch")


@case(a_store)
def a_bit_of_the_path(store):
    made = signed_put(store)
    made.path += "x"
    refused(store.client, made, 403, "SignatureDoesNotMatch")
    made = signed_put(store)
    made.path = made.path.replace(BUCKET, "/buckeu")
    assert s3.told(store.client.send(made)) == (403, "SignatureDoesNotMatch")


@case(a_store)
def a_bit_of_the_query(store):
    for query in ("x-id=PutObjecu", "x-ie=PutObject", "", "x-id=PutObject&a", "X-id=PutObject"):
        made = signed_put(store)
        made.query = query
        refused(store.client, made, 403, "SignatureDoesNotMatch")


@case(a_store)
def another_method(store):
    made = signed_put(store)
    assert store.client.put(made.path, b"kept").status == 200
    deletion = store.client.call("GET", made.path)
    deletion.method = "DELETE"
    assert s3.told(store.client.send(deletion)) == (403, "SignatureDoesNotMatch")
    deletion.method = "HEAD"
    assert store.client.send(deletion).status == 403
    assert store.client.get(made.path).body == b"kept"


@case(a_store)
def a_bit_of_the_date(store):
    made = signed_put(store)
    seconds = made.scope.when[:-3] + ("00Z" if made.scope.when[-3:] != "00Z" else "01Z")
    made.set("x-amz-date", seconds)
    refused(store.client, made, 403, "SignatureDoesNotMatch")


@case(a_store)
def a_bit_of_the_digest_of_the_payload(store):
    made = signed_put(store)
    made.set("x-amz-content-sha256", flipped(made.payload, 5))
    refused(store.client, made, 403, "SignatureDoesNotMatch")
    for form in s3.FORMS[1:]:
        made = signed_put(store)
        made.set("x-amz-content-sha256", form)
        refused(store.client, made, 403, "SignatureDoesNotMatch")


@case(a_store)
def every_digit_of_the_signature(store):
    conn = store.client.connect()
    for at in range(64):
        made = store.client.call("GET", key())
        wrong = flipped(made.signature, at)
        made.set("Authorization", made.get("Authorization").replace(made.signature, wrong))
        reply = store.client.send(made, conn)
        expected = (403, "SignatureDoesNotMatch")
        if any(digit not in "0123456789abcdef" for digit in wrong):
            expected = (400, "AuthorizationHeaderMalformed")
        assert s3.told(reply) == expected, (wrong, reply)
    conn.close()


@case(a_store)
def another_region_than_signed(store):
    for region in ("auto", "us-east-1", "eu-central-1"):  # there is one, whatever it is called
        made = store.client.upload(key(), b"abc", region=region)
        assert store.client.send(made).status == 200
        made = store.client.upload(key(), b"abc", region=region)
        field = made.get("Authorization").replace(region, "elsewhere")
        made.set("Authorization", field)
        refused(store.client, made, 403, "SignatureDoesNotMatch")


@case(a_store)
def another_key(store):
    mine = store.client.key
    for secret in (mine.secret[:-1], mine.secret + "0", "", mine.secret.upper(), store.token):
        client = store.client.as_key(s3.Key(mine.id, secret))
        made = client.upload(key(), b"abc")
        assert s3.told(client.send(made)) == (403, "SignatureDoesNotMatch")
        assert s3.told(store.client.get(made.path)) == (404, "NoSuchKey")
    for name in (flipped(mine.id, 0), "0" * 32, "x", mine.id.upper(), mine.id + "0",
                 EXAMPLE.id, "%00"):
        client = store.client.as_key(s3.Key(name, mine.secret))
        reply = client.send(client.upload(key(), b"abc"))
        assert s3.told(reply) == (403, "InvalidAccessKeyId"), (name, reply)


@table(a_store, [(f"{form}, {number}", form, number) for form in (s3.CHUNKS, s3.CHUNKS_TRAILER)
                 for number in range(3)])
def a_bit_of_a_chunk(store, form, number):
    """Of its signature, and of its data."""
    made = signed_put(store, form)
    frame = made.pieces[number]
    at = frame.index(b"chunk-signature=") + 20
    made.pieces[number] = frame[:at] + flipped(frame[at:at + 1].decode(), 0).encode() + \
        frame[at + 1:]
    reply = store.client.send(made)
    assert s3.told(reply) in ((403, "SignatureDoesNotMatch"), (400, "InvalidRequest")), reply
    assert store.client.get(made.path).status == 404
    if number == 2:
        return
    made = signed_put(store, form)
    frame = made.pieces[number]
    made.pieces[number] = frame[:-3] + bytes([frame[-3] ^ 1]) + frame[-2:]
    refused(store.client, made, 403, "SignatureDoesNotMatch")


@case(a_store)
def chunks_in_another_order(store):
    made = store.client.upload(key(), DATA[:20_000], s3.CHUNKS, size=10_000)
    made.pieces[0], made.pieces[1] = made.pieces[1], made.pieces[0]
    refused(store.client, made, 403, "SignatureDoesNotMatch")
    made = store.client.upload(key(), DATA[:20_000], s3.CHUNKS, size=10_000)
    made.pieces[1:1] = [made.pieces[0]]
    refused(store.client, made, 403, "SignatureDoesNotMatch")
    other = store.client.upload(key(), DATA[:20_000], s3.CHUNKS, size=10_000)
    made = store.client.upload(key(), DATA[:20_000], s3.CHUNKS, size=10_000)
    made.pieces = other.pieces
    refused(store.client, made, 403, "SignatureDoesNotMatch")


@case(a_store)
def the_trailer_is_signed(store):
    made = signed_put(store, s3.CHUNKS_TRAILER)
    made.pieces[-1] = made.pieces[-1].replace(b"x-amz-checksum-crc32:", b"x-amz-checksum-crc32:A")
    refused(store.client, made, 403, "SignatureDoesNotMatch")
    made = signed_put(store, s3.CHUNKS_TRAILER)
    at = made.pieces[-1].index(b"trailer-signature:")
    made.pieces[-1] = made.pieces[-1][:at + 18] + b"0" * 64 + b"\r\n\r\n"
    refused(store.client, made, 403, "SignatureDoesNotMatch")
    made = signed_put(store, s3.CHUNKS_TRAILER)
    at = made.pieces[-1].index(b"x-amz-trailer-signature:")
    made.pieces[-1] = made.pieces[-1][:at] + b"\r\n"
    refused(store.client, made, 403, "SignatureDoesNotMatch")


# --- what must be signed ---

@table(a_store, [(name, name) for name in ("x-amz-meta-a", "x-amz-acl", "x-amz-date",
                                           "x-amz-content-sha256", "Host")])
def a_field_that_is_not_signed(store, name):
    made = store.client.upload(key(), b"abc", fields={"x-amz-meta-a": "b", "x-amz-acl": "private"},
                               unsigned=[name])
    refused(store.client, made, 403, "AccessDenied")


@case(a_store)
def a_field_added_behind_the_signature(store):
    for name, value in (("x-amz-meta-b", "c"), ("X-Amz-Storage-Class", "STANDARD_IA"),
                        ("x-amz-copy-source", "/bucket/other")):
        made = store.client.upload(key(), b"abc")
        made.fields.append((name, value))
        refused(store.client, made, 403, "AccessDenied")
    made = store.client.upload(key(), b"abc")
    made.fields.append(("User-Agent", "nobody signs it"))
    assert store.client.send(made).status == 200


# --- time ---

@table(a_store, [(f"{sign * off:+} s", sign, off) for sign in (-1, 1)
                 for off in (SKEW_S - 10, SKEW_S + 10)])
def a_clock_that_is_off(store, sign, off):
    made = store.client.upload(key(), b"abc", at=time.time() + sign * off)
    if off < SKEW_S:
        assert store.client.send(made).status == 200
    else:
        refused(store.client, made, 403, "RequestTimeTooSkewed")


@table(a_store, [(text or "none", text) for text in (
    "", "x", "2013", "20131324T000000Z", "20130524T000000", "20130524T000000Z0",
    "2013-05-24T00:00:00Z")])
def a_date_that_is_none(store, text):
    made = store.client.upload(key(), b"abc")
    made.set("x-amz-date", text)
    reply = store.client.send(made)
    assert s3.told(reply) in ((400, "AuthorizationHeaderMalformed"), (403, "AccessDenied")), reply
    assert store.client.get(made.path).status == 404


@case(a_store)
def a_scope_of_another_day(store):
    made = store.client.upload(key(), b"abc")
    made.set("Authorization", made.get("Authorization").replace(made.scope.when[:8], "20130524"))
    reply = store.client.send(made)
    assert s3.told(reply) in ((400, "AuthorizationHeaderMalformed"),
                              (403, "SignatureDoesNotMatch")), reply
    made = store.client.upload(key(), b"abc", service="sqs")
    refused(store.client, made, 400, "AuthorizationHeaderMalformed")


# --- an Authorization that is none ---

@table(a_store, [
    ("nothing", None, 403, "AccessDenied"),
    ("Basic", "Basic YTpi", 400, "InvalidRequest"),
    ("Bearer", "Bearer abc", 400, "InvalidRequest"),
    ("version 2", "AWS abc:def", 400, "InvalidRequest"),
    ("asymmetric", "AWS4-ECDSA-P256-SHA256 Credential=a", 400, "InvalidRequest"),
    ("empty", s3.ALGORITHM, 400, "AuthorizationHeaderMalformed"),
    ("no credential", f"{s3.ALGORITHM} SignedHeaders=host, Signature={'0' * 64}", 400,
     "AuthorizationHeaderMalformed"),
    ("half a credential", f"{s3.ALGORITHM} Credential=a/b, SignedHeaders=host, "
     f"Signature={'0' * 64}", 400, "AuthorizationHeaderMalformed"),
    ("very long", s3.ALGORITHM + " " + "x" * 6000, 400, "AuthorizationHeaderMalformed")])
def an_authorization(store, text, status, error):
    made = store.client.upload(key(), b"abc")
    made.set("Authorization", text)
    refused(store.client, made, status, error)


# --- presigned ---

def stored(store, **more):
    path = key()
    assert store.client.put(path, DATA, **more).status == 200
    return path


@case(a_store)
def presigned_reads_and_writes(store):
    put = store.client.presigned("PUT", key(" ü+.txt"))
    put.pieces = [DATA]
    assert store.client.send(put).status == 200
    path = put.path
    for method, status, body in (("GET", 200, DATA), ("HEAD", 200, b""), ("DELETE", 204, b""),
                                 ("GET", 404, None)):
        made = store.client.presigned(method, "/none")
        made = s3.presigned(store.client.key, method, s3.urllib.parse.unquote(path))
        reply = store.client.send(made)
        assert reply.status == status and body in (None, reply.body), (method, reply)


@case(a_store)
def presigned_with_fields_that_must_come(store):
    fields = {"Content-Type": "text/plain", "x-amz-meta-a": "b"}
    made = store.client.presigned("PUT", key(), fields=fields)
    made.pieces = [b"abc"]
    assert store.client.send(made).status == 200
    assert store.client.head(made.path).get("x-amz-meta-a") == "b"
    for name in fields:
        made = store.client.presigned("PUT", key(), fields=fields)
        made.pieces = [b"abc"]
        made.set(name, None)
        refused(store.client, made, 403, "SignatureDoesNotMatch")
    made = store.client.presigned("PUT", key())
    made.pieces = [b"abc"]
    made.fields.append(("x-amz-meta-a", "b"))
    refused(store.client, made, 403, "AccessDenied")


@table(a_store, [("GET", "GET"), ("HEAD", "HEAD"), ("PUT", "PUT"), ("DELETE", "DELETE")])
def presigned_for_one_method_only(store, method):
    path = stored(store)
    for other in {"GET", "HEAD", "PUT", "DELETE"} - {method}:
        made = store.client.presigned(method, path)
        made.method = other
        made.pieces = [b"x"] * (other == "PUT")
        reply = store.client.send(made)
        assert reply.status == 403, reply
    assert store.client.get(path).body == DATA


@case(a_store)
def presigned_expires(store):
    path, now = stored(store), time.time()
    for at, expires, expected in (
            (now - 50, 100, (200, None)), (now - 100, 50, (403, "AccessDenied")),
            (now - 604800 + 60, 604800, (200, None)),
            (now - 604800 - 60, 604800, (403, "AccessDenied")),
            (now + SKEW_S - 10, 60, (200, None)),
            (now + SKEW_S + 10, 60, (403, "RequestTimeTooSkewed")),
            (now - 1, 1 << 40, (400, "AuthorizationQueryParametersError")),
            (now, 604801, (400, "AuthorizationQueryParametersError")),
            (now, 0, (400, "AuthorizationQueryParametersError")),
            (now, -1, (400, "AuthorizationQueryParametersError")),
            (now, "x", (400, "AuthorizationQueryParametersError")),
            (now, "", (400, "AuthorizationQueryParametersError"))):
        made = store.client.presigned("GET", path, at=at, expires=expires)
        reply = store.client.send(made)
        assert s3.told(reply) == expected, (at - now, expires, reply)
    made = store.client.presigned("GET", path, expires=60)
    made.query = made.query.replace("X-Amz-Expires=60", "X-Amz-Expires=600")
    assert s3.told(store.client.send(made)) == (403, "SignatureDoesNotMatch")


@case(a_store)
def presigned_without_a_part(store):
    path = stored(store)
    whole = store.client.presigned("GET", path).query
    for part in whole.split("&"):
        made = store.client.presigned("GET", path)
        made.query = whole.replace(part, "").strip("&").replace("&&", "&")
        reply = store.client.send(made)
        assert (reply.status, s3.code(reply)) == (
            400, "AuthorizationQueryParametersError"), (part, reply)
        made.query = whole + "&" + part
        reply = store.client.send(made)
        assert reply.status in (400, 403), (part, reply)


@case(a_store)
def signed_twice(store):
    made = store.client.presigned("GET", stored(store))
    made.set("Authorization", store.client.call("GET", made.path).get("Authorization"))
    reply = store.client.send(made)
    assert reply.status == 400, reply


@case(a_store)
def replies_that_a_link_dresses(store):
    path = stored(store, fields={"Content-Type": "text/plain", "Cache-Control": "no-cache"})
    wanted = {"cache-control": "max-age=1", "content-disposition": 'attachment; filename="a b"',
              "content-encoding": "identity", "content-language": "de", "content-type": "a/b",
              "expires": "Thu, 01 Jan 2026 00:00:00 GMT"}
    query = "&".join(f"response-{name}={s3.quote(value)}" for name, value in wanted.items())
    for made in (store.client.presigned("GET", path, query=query),
                 store.client.call("GET", path, query), store.client.call("HEAD", path, query)):
        reply = store.client.send(made)
        assert reply.status == 200, reply
        assert {name: reply.get(name) for name in wanted} == wanted, reply
    made = store.client.presigned("GET", path, query=query)
    made.query = made.query.replace("max-age%3D1", "max-age%3D2")
    assert s3.told(store.client.send(made)) == (403, "SignatureDoesNotMatch")
    assert store.client.ask("GET", path, "response-content-type=a%00b").status == 400
    for value in ("a%0d%0aX-Evil:1", "a%01b", "a%0ab"):
        reply = store.client.ask("GET", path, "response-content-type=" + value)
        assert "x-evil" not in [name.lower() for name, _ in reply.fields]
        assert reply.get("Content-Type") == "text/plain", reply


# --- hosts ---

@table(a_store, [(f"bucket.{host}", host) for host in ("s3.test", "objects.example")])
def a_bucket_named_by_the_host(store, host):
    path = stored(store)
    bare = path[len(BUCKET):]
    for name in (f"bucket.{host}", f"bucket.{host}:8082", f"BUCKET.{host}".upper()):
        reply = store.client.ask("GET", bare, host=name)
        assert (reply.status, reply.body) == (200, DATA), (name, reply)
    made = store.client.upload(key()[len(BUCKET):], b"abc", host=f"bucket.{host}")
    assert store.client.send(made).status == 200
    assert store.client.get(BUCKET + made.path).body == b"abc"
    reply = store.client.ask("GET", path, host=host)  # in the path, as everywhere
    assert (reply.status, reply.body) == (200, DATA), reply
    assert s3.told(store.client.ask("GET", bare, host=f"none.{host}")) == (404, "NoSuchBucket")
    made = store.client.presigned("GET", bare, host=f"bucket.{host}")
    assert store.client.send(made).body == DATA
    made.set("Host", f"other.{host}")
    assert s3.told(store.client.send(made)) == (403, "SignatureDoesNotMatch")


@case(a_store)
def a_host_that_only_looks_like_one(store):
    path = stored(store)
    for host in ("s3.test.example", "bucket.s3.test.example", "buckets3.test", "localhost"):
        reply = store.client.ask("GET", path, host=host)
        assert (reply.status, reply.body) == (200, DATA), (host, reply)


@fixture
def a_store_without_hosts():
    with Store() as store:
        make_bucket(store)
        yield store


@case(a_store_without_hosts)
def without_hosts_buckets_are_in_the_path(store):
    path = stored(store)
    reply = store.client.ask("GET", path, host="bucket.s3.test")
    assert (reply.status, reply.body) == (200, DATA), reply


@case(a_store)
def two_hosts_of_HTTP_2(store):
    """:authority and Host say two things: which was signed?"""
    client = s3.Client(store.s3, store.client.key, s3.OverH2)
    path = stored(store)
    assert client.get(path).body == DATA
    conn = client.connect()
    made = client.call("GET", path)
    send = conn.h2.send_headers
    conn.h2.send_headers = lambda stream, fields, **more: send(
        stream, [*fields, ("host", "bucket.s3.test")], **more)
    conn.h2.config.validate_outbound_headers = False
    try:
        reply = conn.ask(made)
    except ConnectionError as error:
        assert str(error) == "reset with 1", error  # PROTOCOL_ERROR
    else:
        raise AssertionError(reply)
    finally:
        conn.close()
