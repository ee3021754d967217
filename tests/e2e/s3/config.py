"""What buckets are told, and what browsers are told of it: CORS."""
import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import threading
import zlib

from botocore.exceptions import ClientError

from rules import Store, code_of, refused
from run import Skip, case, fixture, table
from selvedge import ROOT, WAIT_S

NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
ONE = {"CORSRules": [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}]}
EXPIRE = {"Rules": [{"ID": "one", "Filter": {"Prefix": "logs/"}, "Status": "Enabled",
                     "Expiration": {"Days": 3}}]}


@fixture
def a_store_that_is_told_rules():
    with Store() as store:
        yield store


# --- documents ---

@case(a_store_that_is_told_rules)
def a_bucket_has_no_rules_until_it_is_told_some(store):
    name = store.bucket()
    refused("NoSuchCORSConfiguration", 404, store.s3.get_bucket_cors, Bucket=name)
    refused("NoSuchLifecycleConfiguration", 404,
            store.s3.get_bucket_lifecycle_configuration, Bucket=name)
    for target in ("cors", "lifecycle"):
        assert store.raw("DELETE", f"/{name}?{target}").status == 204


@case(a_store_that_is_told_rules)
def rules_are_told_back(store):
    name = store.bucket()
    cors = {"CORSRules": [
        {"ID": "a&b", "AllowedOrigins": ["https://*.example", "http://x"],
         "AllowedMethods": ["PUT", "GET"], "AllowedHeaders": ["x-amz-*", "Content-Type"],
         "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 0},
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}]}
    store.s3.put_bucket_cors(Bucket=name, CORSConfiguration=cors)
    assert store.s3.get_bucket_cors(Bucket=name)["CORSRules"] == cors["CORSRules"]
    rules = [{"ID": "ü", "Filter": {"Prefix": "logs/<"}, "Status": "Enabled",
              "Expiration": {"Days": 30},
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
             {"ID": "off", "Filter": {"Prefix": ""}, "Status": "Disabled",
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]
    store.s3.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": rules})
    assert store.s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == rules
    # One is replaced; the other one stays.
    store.s3.put_bucket_cors(Bucket=name, CORSConfiguration=ONE)
    assert store.s3.get_bucket_cors(Bucket=name)["CORSRules"] == ONE["CORSRules"]
    assert store.s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == rules
    store.s3.delete_bucket_lifecycle(Bucket=name)
    refused("NoSuchLifecycleConfiguration", 404,
            store.s3.get_bucket_lifecycle_configuration, Bucket=name)
    assert store.s3.get_bucket_cors(Bucket=name)["CORSRules"] == ONE["CORSRules"]
    store.s3.delete_bucket_cors(Bucket=name)
    refused("NoSuchCORSConfiguration", 404, store.s3.get_bucket_cors, Bucket=name)


@case(a_store_that_is_told_rules)
def as_many_rules_as_may_be_are_kept(store):
    name = store.bucket()
    rules = [{"ID": f"rule-{number}", "Filter": {"Prefix": f"prefix-{number}/"},
              "Status": "Enabled", "Expiration": {"Days": number}} for number in range(1, 1001)]
    cors = [{"ID": f"rule-{number}", "AllowedOrigins": [f"https://{number}.example"],
             "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]} for number in range(100)]
    store.s3.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": rules})
    store.s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": cors})
    assert store.s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == rules
    assert store.s3.get_bucket_cors(Bucket=name)["CORSRules"] == cors
    store.s3.put_object(Bucket=name, Key="k", Body=b"x")
    reply = store.raw("GET", f"/{name}/k", {"Origin": "https://99.example"})
    assert reply.get("Access-Control-Allow-Origin") == "https://99.example", reply
    # One more of either is too many.
    refused("MalformedXML", 400, store.s3.put_bucket_lifecycle_configuration, Bucket=name,
            LifecycleConfiguration={"Rules": rules + [dict(rules[0], ID="more")]})
    refused("MalformedXML", 400, store.s3.put_bucket_cors, Bucket=name,
            CORSConfiguration={"CORSRules": cors + [dict(cors[0], ID="more")]})


@case(a_store_that_is_told_rules)
def more_than_a_row_holds_is_refused_and_changes_nothing(store):
    name = store.bucket()
    store.s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=EXPIRE)
    rules = [{"ID": f"{number:0255}", "Filter": {"Prefix": "x" * 200}, "Status": "Enabled",
              "Expiration": {"Days": 1}} for number in range(1000)]
    refused("MaxMessageLengthExceeded", 400, store.s3.put_bucket_lifecycle_configuration,
            Bucket=name, LifecycleConfiguration={"Rules": rules})
    assert store.s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == EXPIRE["Rules"]


CORS = f"<CORSConfiguration {NS}>{{}}</CORSConfiguration>"
LIFE = f"<LifecycleConfiguration {NS}>{{}}</LifecycleConfiguration>"


@table(a_store_that_is_told_rules, [
    ("nothing", "cors", "", "MissingRequestBodyError"),
    ("no XML", "cors", "{}", "MalformedXML"),
    ("no rule", "cors", CORS.format(""), "MalformedXML"),
    ("another document", "cors", LIFE.format(""), "MalformedXML"),
    ("a method that is none", "cors", CORS.format(
        "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>OPTIONS</AllowedMethod>"
        "</CORSRule>"), "InvalidRequest"),
    ("two stars", "cors", CORS.format(
        "<CORSRule><AllowedOrigin>*.*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
        "</CORSRule>"), "InvalidRequest"),
    ("no days", "lifecycle", LIFE.format(
        "<Rule><Prefix/><Status>Enabled</Status><Expiration><Days>0</Days></Expiration></Rule>"),
     "InvalidArgument"),
    ("a date that is no midnight", "lifecycle", LIFE.format(
        "<Rule><Prefix/><Status>Enabled</Status><Expiration><Date>2030-01-01T00:00:01Z</Date>"
        "</Expiration></Rule>"), "InvalidArgument"),
    ("a transition", "lifecycle", LIFE.format(
        "<Rule><Prefix/><Status>Enabled</Status><Transition><Days>1</Days></Transition></Rule>"),
     "NotImplemented")])
def is_no_rule(store, what, document, code):
    name = store.bucket()
    reply = store.raw("PUT", f"/{name}?{what}", body=document.encode())
    assert reply.status == (501 if code == "NotImplemented" else 400), reply
    assert code_of(reply) == code, reply
    assert store.raw("GET", f"/{name}?{what}").status == 404


DOCUMENT = CORS.format("<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET"
                       "</AllowedMethod></CORSRule>").encode()


@table(a_store_that_is_told_rules, [
    ("MD5", "Content-MD5", base64.b64encode(hashlib.md5(DOCUMENT).digest()).decode(),
     base64.b64encode(hashlib.md5(b"other").digest()).decode()),
    ("CRC32", "x-amz-checksum-crc32",
     base64.b64encode(zlib.crc32(DOCUMENT).to_bytes(4, "big")).decode(), "AAAAAA==")])
def a_digest_that_is_sent_must_hold(store, field, right, wrong):
    name = store.bucket()
    reply = store.raw("PUT", f"/{name}?cors", {field: wrong}, DOCUMENT)
    assert (reply.status, code_of(reply)) == (400, "BadDigest"), reply
    assert store.raw("GET", f"/{name}?cors").status == 404
    assert store.raw("PUT", f"/{name}?cors", {field: right}, DOCUMENT).status == 200
    assert store.raw("GET", f"/{name}?cors").status == 200


@case(a_store_that_is_told_rules)
def only_who_may_change_buckets_changes_rules(store):
    name = store.bucket()
    key = store.key_of(name, "write")
    key.s3.put_object(Bucket=name, Key="k", Body=b"x")
    refused("AccessDenied", 403, key.s3.get_bucket_cors, Bucket=name)
    refused("AccessDenied", 403, key.s3.put_bucket_cors, Bucket=name, CORSConfiguration=ONE)
    refused("AccessDenied", 403, key.s3.delete_bucket_cors, Bucket=name)
    refused("AccessDenied", 403, key.s3.put_bucket_lifecycle_configuration, Bucket=name,
            LifecycleConfiguration=EXPIRE)
    refused("NoSuchBucket", 404, store.s3.get_bucket_cors, Bucket="no-such-bucket")
    refused("NoSuchBucket", 404, store.s3.put_bucket_cors, Bucket="no-such-bucket",
            CORSConfiguration=ONE)


@case(a_store_that_is_told_rules)
def who_writes_at_the_same_time_loses_nothing(store):
    name = store.bucket()
    wrong = []

    def write(ask, arguments, back, member):
        """Its own document, again and again: whoever writes the other one must not undo it."""
        for number in range(25):
            arguments[member][0]["ID"] = f"{number}"
            document = {"CORSRules": "CORSConfiguration", "Rules": "LifecycleConfiguration"}
            try:
                ask(Bucket=name, **{document[member]: arguments})
                told = back(Bucket=name)[member][0]["ID"]
            except ClientError as error:
                told = error.response["Error"]["Code"]
            if told != f"{number}":
                wrong.append((member, number, told))

    threads = [threading.Thread(target=write, args=args) for args in (
        (store.s3.put_bucket_cors, json.loads(json.dumps(ONE)), store.s3.get_bucket_cors,
         "CORSRules"),
        (store.s3.put_bucket_lifecycle_configuration, json.loads(json.dumps(EXPIRE)),
         store.s3.get_bucket_lifecycle_configuration, "Rules"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong


# --- what pages of other sites are told ---

def with_rules(store, *rules):
    name = store.bucket()
    store.s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": list(rules)})
    store.s3.put_object(Bucket=name, Key="k", Body=b"hello")
    return name


SITE = {"AllowedOrigins": ["https://*.example"], "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["content-type", "x-amz-*"], "ExposeHeaders": ["ETag", "x-amz-request-id"],
        "MaxAgeSeconds": 600}
ANY = {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]}


def cors_fields(reply):
    return {name.lower(): value for name, value in reply.fields
            if name.lower().startswith("access-control-")}


NAMED = {"access-control-allow-origin": "https://a.example",
         "access-control-allow-credentials": "true",
         "access-control-expose-headers": "ETag, x-amz-request-id"}


@table(a_store_that_is_told_rules, [
    ("an object", "GET", "k", "https://a.example", 200, NAMED),
    ("no object", "GET", "missing", "https://a.example", 404, NAMED),
    ("a range of it that is not there", "GET", "k", "https://a.example", 416, NAMED),
    ("a put", "PUT", "new", "https://a.example", 200, NAMED),
    ("all origins", "HEAD", "k", "https://other.test", 200, {"access-control-allow-origin": "*"}),
    ("another origin", "GET", "k", "https://other.test", 200, {}),
    ("another method", "DELETE", "new", "https://a.example", 204, {}),
    ("no origin", "GET", "k", None, 200, {})])
def a_page_is_told_what_it_may_read(store, method, key, origin, status, fields):
    name = with_rules(store, SITE, ANY)
    sent = {"Origin": origin} if origin else {}
    if status == 416:
        sent["Range"] = "bytes=100-"
    reply = store.raw(method, f"/{name}/{key}", sent)
    assert reply.status == status, reply
    assert cors_fields(reply) == fields, reply
    assert reply.get("Vary") == VARY, reply  # or a cache gives it to others


@case(a_store_that_is_told_rules)
def a_page_may_read_why_it_was_refused(store):
    name = with_rules(store, SITE)
    origin = [("Origin", "https://a.example")]
    reply = store.unsigned("GET", f"/{name}/k", origin)
    assert (reply.status, code_of(reply)) == (403, "AccessDenied"), reply
    assert cors_fields(reply) == NAMED, reply
    # Where there are no rules or is no bucket, nobody learns which of the two it is.
    bare = store.bucket()
    for target in (f"/{bare}/k", "/no-such-bucket/k"):
        reply = store.unsigned("GET", target, origin)
        assert (reply.status, code_of(reply)) == (403, "AccessDenied"), reply
        assert not cors_fields(reply) and not reply.get("Vary"), reply


@case(a_store_that_is_told_rules)
def a_bucket_without_rules_tells_pages_nothing(store):
    name = store.bucket()
    store.s3.put_object(Bucket=name, Key="k", Body=b"x")
    reply = store.raw("GET", f"/{name}/k", {"Origin": "https://a.example"})
    assert reply.status == 200 and not cors_fields(reply) and not reply.get("Vary"), reply


# --- preflights ---

def preflight(store, target, origin="https://a.example", method="PUT", headers=None, host=None):
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers:
        fields.append(("Access-Control-Request-Headers", headers))
    return store.unsigned("OPTIONS", target, fields, host)


@table(a_store_that_is_told_rules, [
    ("an object", "/{}/k", {}, {"access-control-allow-methods": "GET, PUT"}),
    ("one that is not there", "/{}/a/b%2fc", {"method": "GET"},
     {"access-control-allow-methods": "GET, PUT"}),
    ("the bucket", "/{}?list-type=2", {}, {"access-control-allow-methods": "GET, PUT"}),
    ("headers", "/{}/k", {"headers": "X-Amz-Date,content-type"},
     {"access-control-allow-methods": "GET, PUT",
      "access-control-allow-headers": "x-amz-date,content-type"}),
    ("the bucket in the host", "/k", {"host": "{}.s3.test"},
     {"access-control-allow-methods": "GET, PUT"})])
def a_preflight_is_allowed(store, target, wanted, fields):
    name = with_rules(store, SITE)
    wanted = {key: value.format(name) for key, value in wanted.items()}
    reply = preflight(store, target.format(name), **wanted)
    assert reply.status == 200, reply
    assert cors_fields(reply) == {**NAMED, "access-control-max-age": "600", **fields}, reply
    assert reply.get("Vary") == VARY and not reply.body, reply


@table(a_store_that_is_told_rules, [
    ("another origin", {"origin": "https://other.test"}),
    ("another method", {"method": "DELETE"}),
    ("a method that is none", {"method": "PATCH"}),
    ("a header that is not named", {"headers": "content-type, authorization"}),
    ("too many headers", {"headers": ",".join(["x-amz-a"] * 201)})])
def a_preflight_is_refused(store, wanted):
    name = with_rules(store, SITE)
    reply = preflight(store, f"/{name}/k", **wanted)
    assert (reply.status, code_of(reply)) == (403, "AccessForbidden"), reply
    assert not cors_fields(reply) and reply.get("Vary") == VARY, reply


@case(a_store_that_is_told_rules)
def a_preflight_that_says_too_little_is_refused(store):
    name = with_rules(store, SITE)
    for fields in ([], [("Origin", "https://a.example")],
                   [("Access-Control-Request-Method", "GET")]):
        reply = store.unsigned("OPTIONS", f"/{name}/k", fields)
        assert (reply.status, code_of(reply)) == (400, "BadRequest"), reply


@case(a_store_that_is_told_rules)
def a_preflight_tells_nobody_which_buckets_there_are(store):
    bare = store.bucket()
    told = set()
    for target in (f"/{bare}/k", "/no-such-bucket/k", "/" + "x" * 300 + "/k"):
        reply = preflight(store, target)
        assert (reply.status, code_of(reply)) == (403, "AccessForbidden"), reply
        text = reply.body.decode().replace(reply.get("x-amz-request-id"), "")
        told.add((text.replace(target, ""),
                  tuple(name for name, _ in reply.fields), reply.get("Vary")))
    assert len(told) == 1, told


@case(a_store_that_is_told_rules)
def rules_hold_at_once_and_no_longer(store):
    name = with_rules(store, SITE)
    for _ in range(20):
        store.s3.delete_bucket_cors(Bucket=name)
        assert preflight(store, f"/{name}/k").status == 403
        store.s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [SITE]})
        assert preflight(store, f"/{name}/k").status == 200


@case(a_store_that_is_told_rules)
def curl_sends_a_preflight(store):
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    name = with_rules(store, SITE)
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(WAIT_S), "-X", "OPTIONS", "-o", "/dev/null", "-w",
         "%{http_code} %header{access-control-allow-origin}", "-H", "Origin: https://b.example",
         "-H", "Access-Control-Request-Method: GET", f"{store.url}/{name}/k"],
        capture_output=True, text=True, check=True)
    # An older curl does not know %header{}.
    assert done.stdout.split()[0] == "200", done
    assert "%header" in done.stdout or done.stdout.split()[1] == "https://b.example", done


@case(a_store_that_is_told_rules)
def a_browser_asks_first_and_then_reads_and_writes(store):
    if not pathlib.Path("/usr/bin/chromium").exists():
        raise Skip("/usr/bin/chromium is not installed")
    page = "http://{}:{}".format(*store.addresses[0])
    name = with_rules(store, {**SITE, "AllowedOrigins": [page], "AllowedMethods": ["GET", "PUT"]})
    link = {method: store.s3.generate_presigned_url(f"{method}_object",
                                                    Params={"Bucket": name, "Key": "k"})
            for method in ("get", "put", "delete")}
    missing = store.s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "none"})
    bare = store.bucket()
    hidden = store.s3.generate_presigned_url("get_object", Params={"Bucket": bare, "Key": "k"})
    script = pathlib.Path(__file__).parent / "page.mjs"
    done = subprocess.run(["node", script, page, json.dumps({**link, "missing": missing,
                                                             "hidden": hidden})],
                          capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    digest = f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert seen["get"] == {"status": 200, "text": "hello", "etag": digest}, seen
    assert seen["put"]["status"] == 200, seen
    assert seen["again"]["text"] == "written by a page", seen
    # It can read the error; what no rule allows fails in the browser.
    assert seen["missing"]["status"] == 404 and "NoSuchKey" in seen["missing"]["text"], seen
    assert seen["delete"] == {"failed": "TypeError"}, seen
    assert seen["hidden"] == {"failed": "TypeError"}, seen
    assert store.s3.get_object(Bucket=name, Key="k")["Body"].read() == b"written by a page"
