"""Who may what, and how a refusal is told."""
import re
import time

import s3
from run import case, fixture, table
from site_s3 import BUCKET, Store, a_store, key, make_bucket

READ, WRITE = "6a018a9f2fc74eb6b293b0c548f38b39", "2efd5506f9c8494dacb1fa10a3e7d5b6"
R2_READ, R2_WRITE = "b4992e1108244f5d8bfbd5744320c2e1", "bf7481a1826f439697cb59a20b22293e"
KV_WRITE = "f7f0eda5697f475c90846e879bab8666"
ACCOUNT = "com.cloudflare.api.account."
BUCKETS = "com.cloudflare.edge.r2.bucket."
DATA = b"abcdefghijklmnopqrstuvwxyz"
DENIED = (403, "AccessDenied")

# method, path below the bucket (None: of the service), query, body; and what it is called
OPERATIONS = [
    ("ListBuckets", "GET", None, "", None), ("CreateBucket", "PUT", "", "", None),
    ("HeadBucket", "HEAD", "", "", None), ("DeleteBucket", "DELETE", "", "", None),
    ("GetBucketLocation", "GET", "", "location", None),
    ("GetBucketEncryption", "GET", "", "encryption", None),
    ("ListObjects", "GET", "", "", None), ("ListObjectsV2", "GET", "", "list-type=2", None),
    ("DeleteObjects", "POST", "", "delete", b"<Delete><Object><Key>kept</Key></Object></Delete>"),
    ("GetBucketCors", "GET", "", "cors", None), ("PutBucketCors", "PUT", "", "cors", b"<x/>"),
    ("DeleteBucketCors", "DELETE", "", "cors", None),
    ("GetBucketLifecycle", "GET", "", "lifecycle", None),
    ("PutBucketLifecycle", "PUT", "", "lifecycle", b"<x/>"),
    ("DeleteBucketLifecycle", "DELETE", "", "lifecycle", None),
    ("ListMultipartUploads", "GET", "", "uploads", None),
    ("PutObject", "PUT", "/new", "", DATA), ("GetObject", "GET", "/kept", "", None),
    ("HeadObject", "HEAD", "/kept", "", None), ("DeleteObject", "DELETE", "/kept", "", None),
    ("CreateMultipartUpload", "POST", "/new", "uploads", None),
    ("UploadPart", "PUT", "/new", "partNumber=1&uploadId=0", DATA),
    ("ListParts", "GET", "/new", "uploadId=0", None),
    ("CompleteMultipartUpload", "POST", "/new", "uploadId=0", b"<x/>"),
    ("AbortMultipartUpload", "DELETE", "/new", "uploadId=0", None)]

FOREIGN = ["accelerate", "acl", "analytics", "attributes", "intelligent-tiering", "inventory",
           "legal-hold", "logging", "metrics", "notification", "object-lock", "ownershipControls",
           "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment",
           "restore", "retention", "select", "tagging", "torrent", "versioning", "versions",
           "website"]


@fixture
def a_store_with_many_keys():
    with Store() as store:
        make_bucket(store)
        assert store.client.ask("PUT", "/other").status == 200
        for path in ("/bucket/kept", "/bucket/open/a", "/bucket/open/secret/a", "/other/kept"):
            assert store.client.put(path, DATA).status == 200
        store.whose = store.account
        yield store


def allow(*rights, bucket="bucket", prefix=None, effect="allow", everywhere=False):
    """A policy of `bucket`, or of its keys that begin with `prefix`."""
    def resources(account):
        if everywhere:
            return {ACCOUNT + account: "*"}
        name = f"{BUCKETS}*" if bucket == "*" else f"{BUCKETS}{account}_default_{bucket}"
        return {name: {prefix + "*": "*"} if prefix else "*"}
    return lambda account: {"effect": effect, "resources": resources(account),
                            "permission_groups": [{"id": right} for right in rights]}


def token(store, *policies, **more):
    """A new token. Returns what the API says of it."""
    return store.api(f"/accounts/{store.whose}/tokens", "POST", {
        "name": "test", "policies": [policy(store.whose) for policy in policies], **more})


def asker(store, *policies, **more):
    return store.client.as_key(s3.key_of(token(store, *policies, **more)["value"]))


def may(client, read=(), write=(), not_read=(), not_write=()):
    for path in read:
        reply = client.get(path)
        assert (reply.status, reply.body) == (200, DATA), (path, reply)
        assert client.head(path).status == 200, path
    for path in not_read:
        assert s3.told(client.get(path)) == DENIED, path
        assert client.head(path).status == 403, path
    for path in write:
        assert client.put(path, DATA).status == 200, path
    for path in not_write:
        assert s3.told(client.put(path, b"other")) == DENIED, path
        assert s3.told(client.delete(path)) == DENIED, path


def deletion(client, *names):
    """What DeleteObjects says of each: the names that it has deleted, and those it has not."""
    xml = "".join(f"<Object><Key>{name}</Key></Object>" for name in names)
    reply = client.post(BUCKET, f"<Delete>{xml}</Delete>".encode(), "delete")
    assert reply.status == 200, reply
    done = re.findall(rb"<Deleted><Key>([^<]*)</Key></Deleted>", reply.body)
    denied = re.findall(rb"<Error><Key>([^<]*)</Key><Code>AccessDenied</Code>", reply.body)
    return [name.decode() for name in done], [name.decode() for name in denied]


# --- scopes ---

@case(a_store_with_many_keys)
def a_key_of_one_bucket(store):
    client = asker(store, allow(WRITE))
    may(client, ["/bucket/kept", "/bucket/open/a"], ["/bucket/mine"],
        ["/other/kept", "/other/none", "/nobody/x"], ["/other/kept", "/nobody/x"])
    assert client.ask("HEAD", "/bucket").status == 200
    assert client.ask("HEAD", "/other").status == 403
    for method, path in (("PUT", "/third"), ("DELETE", "/bucket"), ("GET", "/")):
        assert s3.told(client.ask(method, path)) == DENIED, (method, path)
    assert deletion(client, "mine") == (["mine"], [])


@case(a_store_with_many_keys)
def a_key_that_only_reads(store):
    client = asker(store, allow(READ))
    may(client, ["/bucket/kept"], [], ["/other/kept"], ["/bucket/kept", "/bucket/new"])
    assert deletion(client, "kept", "open/a") == ([], ["kept", "open/a"])
    may(client, ["/bucket/kept", "/bucket/open/a"])


@case(a_store_with_many_keys)
def a_key_of_one_prefix(store):
    client = asker(store, allow(WRITE, prefix="open/"))
    may(client, ["/bucket/open/a"], ["/bucket/open/mine", "/bucket/open/../kept"],
        ["/bucket/kept", "/bucket/open", "/bucket/ope", "/other/open/a"],
        ["/bucket/kept", "/bucket/open", "/bucket/opem/a", "/other/open/a"])
    assert deletion(client, "open/mine", "kept", "open") == (["open/mine"], ["kept", "open"])
    assert client.ask("HEAD", "/bucket").status == 200  # it may know that it is there
    assert s3.told(client.ask("DELETE", "/bucket")) == DENIED
    store.client.delete("/bucket/open/../kept")


@case(a_store_with_many_keys)
def a_prefix_that_is_denied(store):
    client = asker(store, allow(WRITE), allow(WRITE, READ, prefix="open/secret/", effect="deny"))
    may(client, ["/bucket/kept", "/bucket/open/a"], ["/bucket/open/b"], ["/bucket/open/secret/a"],
        ["/bucket/open/secret/a", "/bucket/open/secret/b"])
    assert deletion(client, "open/b", "open/secret/a") == (["open/b"], ["open/secret/a"])


@case(a_store_with_many_keys)
def reading_all_but_writing_some(store):
    client = asker(store, allow(READ, bucket="*"), allow(WRITE, prefix="open/"))
    may(client, ["/bucket/kept", "/other/kept"], ["/bucket/open/c"], [],
        ["/bucket/kept", "/other/kept", "/other/open/c"])
    store.client.delete("/bucket/open/c")


@case(a_store_with_many_keys)
def a_key_of_the_account(store):
    client = asker(store, allow(R2_READ, everywhere=True))
    may(client, ["/bucket/kept", "/other/kept"], [], [], ["/bucket/kept", "/other/new"])
    assert b"<Name>other</Name>" in client.ask("GET", "/").body
    assert s3.told(client.ask("PUT", "/third")) == DENIED
    client = asker(store, allow(R2_WRITE, everywhere=True))
    assert client.ask("PUT", "/third").status == 200
    assert client.ask("DELETE", "/third").status == 204


@case(a_store_with_many_keys)
def a_key_for_other_things(store):
    client = asker(store, allow(KV_WRITE, everywhere=True))
    may(client, [], [], ["/bucket/kept"], ["/bucket/kept", "/bucket/new"])
    assert client.ask("HEAD", "/bucket").status == 403
    assert s3.told(client.ask("GET", "/")) == DENIED


# --- the end of a token ---

UNKNOWN = (403, "InvalidAccessKeyId")


def tokens(store, made, end=""):
    return f"/accounts/{store.whose}/tokens/{made['id']}{end}"


@case(a_store_with_many_keys)
def a_token_that_is_disabled_stops_at_once(store):
    made = token(store, allow(WRITE))
    client = store.client.as_key(s3.key_of(made["value"]))
    conn = client.connect()
    link = client.presigned("GET", "/bucket/kept")
    for status, expected in (("active", (200, None)), ("disabled", UNKNOWN), ("active", (200, None))):
        changed = {name: made[name] for name in ("name", "policies")}
        store.api(tokens(store, made), "PUT", {**changed, "status": status})
        assert s3.told(client.get("/bucket/kept", conn=conn)) == expected, status
        assert s3.told(client.put("/bucket/mine", DATA, conn=conn)) == expected, status
        assert s3.told(client.send(link)) == expected, status
    store.api(tokens(store, made), "DELETE")
    assert s3.told(client.get("/bucket/kept", conn=conn)) == UNKNOWN
    assert s3.told(client.send(link)) == UNKNOWN
    conn.close()


@case(a_store_with_many_keys)
def a_token_that_is_rolled_has_another_secret(store):
    made = token(store, allow(READ))
    old = store.client.as_key(s3.key_of(made["value"]))
    may(old, ["/bucket/kept"])
    new = store.client.as_key(s3.key_of(store.api(tokens(store, made, "/value"), "PUT", {})))
    assert new.key.id == old.key.id
    assert s3.told(old.get("/bucket/kept")) == (403, "SignatureDoesNotMatch")
    may(new, ["/bucket/kept"])


@case(a_store_with_many_keys)
def a_token_whose_policies_change(store):
    made = token(store, allow(WRITE))
    client = store.client.as_key(s3.key_of(made["value"]))
    may(client, ["/bucket/kept"], ["/bucket/mine"], ["/other/kept"])
    store.api(tokens(store, made), "PUT", {
        "name": "test", "policies": [allow(READ, bucket="other")(store.whose)]})
    may(client, ["/other/kept"], [], ["/bucket/kept"], ["/bucket/mine", "/other/kept"])


@case(a_store_with_many_keys)
def a_token_out_of_its_time(store):
    def at(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    for times, expected in (({"expires_on": at(3600)}, (200, None)),
                            ({"expires_on": at(-10)}, UNKNOWN), ({"not_before": at(3600)}, UNKNOWN),
                            ({"not_before": at(-10), "expires_on": at(60)}, (200, None))):
        client = asker(store, allow(READ), **times)
        assert s3.told(client.get("/bucket/kept")) == expected, times


@case(a_store_with_many_keys)
def a_token_of_other_networks(store):
    for nets, expected in (({"in": ["127.0.0.0/8"]}, (200, None)), ({"in": ["192.0.2.0/24"]},
                           DENIED), ({"not_in": ["127.0.0.1/32"]}, DENIED)):
        client = asker(store, allow(READ), condition={"request_ip": nets})
        assert s3.told(client.get("/bucket/kept")) == expected, nets


# --- no signature, or a wrong one ---

def operation(client, method, path, query, body, more=s3.call):
    target = "/" if path is None else BUCKET + path
    if body is None:
        return more(client.key, method, target, query)
    made = s3.upload(client.key, method, target, body, query=query)
    return made


@table(a_store_with_many_keys, OPERATIONS)
def without_a_signature(store, *what):
    made = operation(store.client, *what)
    made.set("Authorization", None)
    reply = store.client.send(made)
    assert reply.status == 403 and (what[0] == "HEAD" or s3.code(reply) == "AccessDenied"), reply
    assert store.client.get("/bucket/kept").body == DATA


@table(a_store_with_many_keys, OPERATIONS)
def with_a_wrong_signature(store, *what):
    made = operation(store.client.as_key(s3.Key(store.client.key.id, "0" * 64)), *what)
    reply = store.client.send(made)
    assert reply.status == 403 and (what[0] == "HEAD" or s3.code(reply) in (
        "SignatureDoesNotMatch",)), reply
    made = operation(store.client.as_key(s3.Key("0" * 32, store.client.key.secret)), *what)
    reply = store.client.send(made)
    assert reply.status == 403 and (what[0] == "HEAD" or s3.told(reply) == UNKNOWN), reply
    assert store.client.get("/bucket/kept").body == DATA
    assert store.client.ask("HEAD", BUCKET).status == 200


# --- what is not done ---

@table(a_store, [(name, name) for name in FOREIGN])
def what_is_not_done_is_said(store, name):
    path = key()
    assert store.client.put(path, DATA).status == 200
    for method in ("GET", "PUT", "DELETE", "POST"):
        for target in (BUCKET, path):
            made = store.client.upload(target, b"<x/>" if method in ("PUT", "POST") else b"",
                                       method=method, query=name)
            made.pieces = [piece for piece in made.pieces if piece]
            assert s3.told(store.client.send(made)) == (501, "NotImplemented"), (method, target)
    assert store.client.get(path).body == DATA


@table(a_store, [
    ("a public ACL", {"x-amz-acl": "public-read"}, 501, "NotImplemented"),
    ("a private ACL", {"x-amz-acl": "private"}, 200, None),
    ("a grant", {"x-amz-grant-read": "id=a"}, 501, "NotImplemented"),
    ("encryption", {"x-amz-server-side-encryption": "AES256"}, 501, "NotImplemented"),
    ("a customer's key", {"x-amz-server-side-encryption-customer-algorithm": "AES256"}, 501,
     "NotImplemented"),
    ("tags", {"x-amz-tagging": "a=b"}, 501, "NotImplemented"),
    ("a lock", {"x-amz-object-lock-mode": "GOVERNANCE"}, 501, "NotImplemented"),
    ("a redirect", {"x-amz-website-redirect-location": "/a"}, 501, "NotImplemented"),
    ("an append", {"x-amz-write-offset-bytes": "1"}, 501, "NotImplemented"),
    ("a storage class", {"x-amz-storage-class": "STANDARD_IA"}, 200, None),
    ("a storage class that there is not", {"x-amz-storage-class": "GLACIER"}, 400,
     "InvalidStorageClass")])
def a_field_that_asks_for_more(store, fields, status, error):
    made = store.client.upload(key(), DATA, fields=fields)
    assert s3.told(store.client.send(made)) == (status, error)
    assert store.client.get(made.path).status == (200 if status == 200 else 404)


@table(a_store, [(f"{method} {path}", method, path) for method in (
    "PATCH", "OPTIONSX", "TRACE", "PROPFIND", "get") for path in (BUCKET, BUCKET + "/key")] + [
        ("POST of a key", "POST", BUCKET + "/key"), ("PUT of the service", "PUT", "/"),
        ("DELETE of the service", "DELETE", "/")])
def a_method_that_there_is_not(store, method, path):
    reply = store.client.ask(method, path)
    assert s3.told(reply) == (405, "MethodNotAllowed"), reply


# --- how errors look ---

@case(a_store)
def an_error_is_told_in_full(store):
    reply = store.client.get(BUCKET + "/no <such> & key")
    assert reply.status == 404 and reply.get("Content-Type") == "application/xml"
    assert b"<Key>no &lt;such&gt; &amp; key</Key>" in reply.body, reply.body
    number = reply.get("x-amz-request-id")
    assert number and f"<RequestId>{number}</RequestId>".encode() in reply.body
    reply = store.client.get("/nobody/key")
    assert b"<BucketName>nobody</BucketName>" in reply.body
    reply = store.client.head(BUCKET + "/none")
    assert (reply.status, reply.body) == (404, b"")


@case(a_store)
def a_refused_body_does_not_become_a_request(store):
    """What follows on the connection is the next request, or it is closed."""
    inner = b"DELETE /bucket HTTP/1.1\r\nHost: localhost\r\n\r\n"
    made = store.client.upload(key(), inner * 5000, fields={"x-amz-acl": "public-read"})
    conn = store.client.connect()
    assert s3.told(conn.ask(made)) == (501, "NotImplemented")
    try:
        reply = store.client.get(BUCKET + "/none", conn=conn)
    except (ConnectionError, BrokenPipeError):
        return
    assert s3.told(reply) == (404, "NoSuchKey")


# --- buckets ---

@table(a_store, [(name, name, expected) for name, expected in (
    ("abc", 200), ("a" * 63, 200), ("a.b.c", 200), ("1-2", 200), ("ab", 400), ("a" * 64, 400),
    ("Abc", 400), ("a_b", 400), ("-abc", 400), ("abc-", 400), ("a..b", 400), ("a.-b", 400),
    (".abc", 400), ("192.168.0.1", 400), ("a b", 400), ("ü-bucket", 400), ("a%b", 400))])
def a_name_for_a_bucket(store, name, expected):
    reply = store.client.ask("PUT", "/" + name)
    assert reply.status == expected, reply
    if expected == 400:
        assert s3.code(reply) == "InvalidBucketName"
        return
    assert s3.told(store.client.ask("PUT", "/" + name)) == (409, "BucketAlreadyOwnedByYou")
    assert store.client.ask("HEAD", "/" + name).status == 200
    assert f"<Name>{name}</Name>".encode() in store.client.ask("GET", "/").body
    assert store.client.put(f"/{name}/key", DATA).status == 200
    assert s3.told(store.client.ask("DELETE", "/" + name)) == (409, "BucketNotEmpty")
    assert store.client.delete(f"/{name}/key").status == 204
    assert store.client.ask("DELETE", "/" + name).status == 204
    assert s3.told(store.client.ask("DELETE", "/" + name)) == (404, "NoSuchBucket")
    assert store.client.ask("HEAD", "/" + name).status == 404


@case(a_store)
def a_bucket_made_again_is_empty(store):
    for _ in range(2):
        assert store.client.ask("PUT", "/again").status == 200
        assert s3.told(store.client.get("/again/key")) == (404, "NoSuchKey")
        assert store.client.put("/again/key", DATA * 4000).status == 200
        assert store.client.delete("/again/key").status == 204
        assert store.client.ask("DELETE", "/again").status == 204
        assert s3.told(store.client.get("/again/key")) == (404, "NoSuchBucket")


# --- DeleteObjects ---

@table(a_store, [
    ("no document", b"", "MissingRequestBodyError MalformedXML"), ("rubbish", b"abc",
     "MalformedXML"), ("no keys", b"<Delete></Delete>", "MalformedXML"),
    ("another root", b"<Remove><Object><Key>a</Key></Object></Remove>", "MalformedXML"),
    ("1001 keys", b"<Delete>" + b"<Object><Key>a</Key></Object>" * 1001 + b"</Delete>",
     "MalformedXML"),
    ("a document type", b'<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object>'
     b"</Delete>", "MalformedXML")])
def a_deletion_that_is_none(store, xml, errors):
    reply = store.client.post(BUCKET, xml, "delete")
    assert reply.status == 400 and s3.code(reply) in errors.split(), reply


@case(a_store)
def a_thousand_deletions(store):
    names = [f"thousand/{number}" for number in range(1000)]
    there = names[::100]
    for name in there:
        assert store.client.put(f"{BUCKET}/{name}", DATA).status == 200
    assert deletion(store.client, *names)[0] == names
    for name in there:
        assert store.client.get(f"{BUCKET}/{name}").status == 404
    longest = [f"{number:04}".ljust(1024, "x") for number in range(1000)]
    assert store.client.put(f"{BUCKET}/{longest[-1]}", DATA).status == 200
    assert deletion(store.client, *longest)[0] == longest
    assert store.client.get(f"{BUCKET}/{longest[-1]}").status == 404
    quiet = b"<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>"
    reply = store.client.post(BUCKET, quiet, "delete")
    assert reply.status == 200 and b"Deleted" not in reply.body, reply
