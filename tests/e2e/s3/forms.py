"""Uploads by the forms of pages, with the policies that boto3 signs."""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import re
import urllib.parse

from boto import a_server_with_buckets
from run import case, table

BIG = bytes(range(256)) * 2000  # a blob


def form(fields, data, name="cat.jpg", behind=()):
    """A body and its type, fields in their order, then the file, unless it is None."""
    line = b"--edge-of-a-part"
    parts = [line + f'\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
             for key, value in fields]
    if data is not None:
        parts.append(line + f'\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                     "Content-Type: text/x-of-the-part\r\n\r\n".encode() + data + b"\r\n")
    parts += [line + f'\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
              for key, value in behind]
    return b"".join(parts) + line + b"--\r\n", "multipart/form-data; boundary=edge-of-a-part"


class Answer:
    def __init__(self, reply):
        self.status, self.get, self.body = reply.status, reply.getheader, reply.read()

    @property
    def code(self):
        found = re.search(rb"<Code>(\w+)</Code>", self.body)
        return found[1].decode() if found else None

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


def post(url, body, kind, **fields):
    where = urllib.parse.urlsplit(url)
    conn = http.client.HTTPConnection(where.netloc, timeout=60)
    try:
        conn.request("POST", where.path, body, {"Content-Type": kind, **fields})
    except (BrokenPipeError, ConnectionResetError):
        pass  # it was answered before all of it was sent
    answer = Answer(conn.getresponse())
    conn.close()
    return answer


class Forms:
    """What boto3 signs for one key, and what is sent with it."""

    def __init__(self, place):
        self.client = place.s3
        self.bucket = place.bucket()
        self.blobs = place.blobs()

    def signed(self, key, fields=None, conditions=None, client=None):
        return (client or self.client).generate_presigned_post(
            self.bucket, key, fields, conditions)

    def send(self, made, data, more=(), without=(), **rest):
        fields = [pair for pair in made["fields"].items() if pair[0] not in without]
        return post(made["url"], *form([*fields, *more], data, **rest))

    def keys(self):
        return [one["Key"] for one in
                self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def get(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)


@table(a_server_with_buckets, [("nothing", b""), ("a little", b"hello"), ("64 KiB", b"x" * 65536),
                ("a blob", BIG), ("like a boundary", b"\r\n--edge-of-a-par" * 20000)])
def what_is_sent_is_the_object(place, data):
    forms = Forms(place)
    answer = forms.send(forms.signed("some/key"), data)
    etag = f'"{hashlib.md5(data).hexdigest()}"'
    assert (answer.status, answer.body, answer.get("ETag")) == (204, b"", etag), answer
    assert answer.get("Location") == f"{place.url}/{forms.bucket}/some/key", answer.get("Location")
    got = forms.get("some/key")
    assert got["Body"].read() == data and got["ETag"] == etag


@case(a_server_with_buckets)
def fields_are_kept_as_headers_are(place):
    forms = Forms(place)
    fields = {"Content-Type": "image/jpeg", "Cache-Control": "max-age=5", "x-amz-meta-of": "Äpfel",
              "acl": "private", "Content-Disposition": "inline"}
    made = forms.signed("kept", fields, [{key: value} for key, value in fields.items()])
    assert forms.send(made, b"jpeg").status == 204
    got = forms.get("kept")
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == (
        "image/jpeg", "max-age=5", "inline")
    assert list(got["Metadata"]) == ["of"]


@case(a_server_with_buckets)
def the_files_name_is_put_into_the_key(place):
    forms = Forms(place)
    made = forms.signed("user/${filename}")
    for name in ("cat.jpg", "C:\\pictures\\dog.jpg", "a/b/../bird.jpg"):
        assert forms.send(made, b"x", name=name).status == 204
    assert forms.keys() == ["user/bird.jpg", "user/cat.jpg", "user/dog.jpg"]


@table(a_server_with_buckets, [("200", "200", 200), ("201", "201", 201), ("204", "204", 204), ("other", "99", 204)])
def the_status_is_what_the_form_wants(place, wanted, status):
    forms = Forms(place)
    fields = {"success_action_status": wanted}
    answer = forms.send(forms.signed("status & <key>", fields, [fields]), b"x")
    assert answer.status == status, answer
    if status == 201:
        assert b"<Key>status &amp; &lt;key&gt;</Key>" in answer.body
        assert answer.get("Location").encode() in answer.body
    else:
        assert answer.body == b""


@table(a_server_with_buckets, [
    ("plain", "https://example.com/thanks", "https://example.com/thanks?bucket="),
    ("with a query", "http://example.com/?a=b", "http://example.com/?a=b&bucket="),
])
def the_page_goes_where_the_form_says(place, to, there):
    forms = Forms(place)
    fields = {"success_action_redirect": to}
    answer = forms.send(forms.signed("to go", fields, [fields]), b"x")
    assert answer.status == 303, answer
    etag = hashlib.md5(b"x").hexdigest()
    assert answer.get("Location") == f"{there}{forms.bucket}&key=to%20go&etag=%22{etag}%22"


@case(a_server_with_buckets)
def a_redirect_that_is_none_is_passed_over(place):
    forms = Forms(place)
    fields = {"success_action_redirect": "javascript:alert(1)"}
    assert forms.send(forms.signed("nowhere", fields, [fields]), b"x").status == 204


@case(a_server_with_buckets)
def a_checksum_that_is_told_must_hold(place):
    forms = Forms(place)
    right = base64.b64encode(hashlib.sha256(b"bytes").digest()).decode()
    fields = {"x-amz-checksum-sha256": right}
    made = forms.signed("summed", fields, [fields])
    answer = forms.send(made, b"other")
    assert (answer.status, answer.code) == (400, "BadDigest"), answer
    assert not forms.keys()
    answer = forms.send(made, b"bytes")
    assert (answer.status, answer.get("x-amz-checksum-sha256")) == (204, right), answer


RANGE = ["content-length-range", 10, 300000]


@table(a_server_with_buckets, [
    ("too small", 9, 400, "EntityTooSmall"), ("the least", 10, 204, None),
    ("the most", 300000, 204, None), ("too large", 300001, 400, "EntityTooLarge"),
    ("far too large", 3000000, 400, "EntityTooLarge")])
def a_file_is_as_long_as_the_policy_allows(place, length, status, code):
    forms = Forms(place)
    answer = forms.send(forms.signed("long", conditions=[RANGE]), b"z" * length)
    assert (answer.status, answer.code) == (status, code), answer
    assert forms.keys() == (["long"] if status == 204 else [])
    place.blobs_are(forms.blobs + (length == 300000))


def tampered(made, **changes):
    return {**made, "fields": {**made["fields"], **changes}}


def resigned(place, made, policy):
    """With that policy, which is text, signed as the first one was."""
    secret = place.key.secret
    sent = base64.b64encode(policy.encode()).decode()
    key = ("AWS4" + secret).encode()
    for part in made["fields"]["x-amz-credential"].split("/")[1:]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return tampered(made, policy=sent, **{
        "x-amz-signature": hmac.new(key, sent.encode(), hashlib.sha256).hexdigest()})


@table(a_server_with_buckets, [
    ("another key", lambda made: tampered(made, key="other"), 403, "AccessDenied"),
    ("another policy", lambda made: tampered(made, policy=base64.b64encode(
        base64.b64decode(made["fields"]["policy"]) + b" ").decode()), 403, "SignatureDoesNotMatch"),
    ("another signature", lambda made: tampered(made, **{"x-amz-signature": "0" * 64}),
     403, "SignatureDoesNotMatch"),
    ("no signature", lambda made: tampered(made, **{"x-amz-signature": ""}),
     400, "InvalidArgument"),
    ("a key that is none", lambda made: tampered(made, **{
        "x-amz-credential": "0" * 32 + made["fields"]["x-amz-credential"][32:]}),
     403, "InvalidAccessKeyId"),
    ("another algorithm", lambda made: tampered(made, **{"x-amz-algorithm": "AWS4-HMAC-SHA1"}),
     400, "InvalidArgument"),
    ("another date", lambda made: tampered(made, **{"x-amz-date": "20200101T000000Z"}),
     400, "InvalidArgument"),
    ("a field more", lambda made: tampered(made, **{"x-amz-meta-a": "b"}), 403, "AccessDenied"),
    ("control characters", lambda made: tampered(made, **{"x-ignore-a": "b\nc"}),
     400, "InvalidArgument"),
    ("an empty key", lambda made: tampered(made, key=""), 400, "InvalidArgument"),
    ("too long a key", lambda made: tampered(made, key="k" * 1025), 400, "KeyTooLongError"),
    ("too much before the file", lambda made: tampered(made, **{"x-ignore-a": "b" * 20480}),
     400, "MaxPostPreDataLengthExceeded"),
])
def a_form_that_was_changed_is_refused(place, change, status, code):
    forms = Forms(place)
    answer = forms.send(change(forms.signed("unchanged")), b"data")
    assert (answer.status, answer.code) == (status, code), answer
    assert not forms.keys()


@table(a_server_with_buckets, [("the one", None, 204, None), ("another", "other", 403, "AccessDenied")])
def the_bucket_may_be_a_field(place, name, status, code):
    forms = Forms(place)
    answer = forms.send(tampered(forms.signed("there"), bucket=name or forms.bucket), b"data")
    assert (answer.status, answer.code) == (status, code), answer
    assert forms.keys() == ([] if code else ["there"])


@table(a_server_with_buckets, [
    ("policy", "policy", 403, "AccessDenied"), ("key", "key", 400, "InvalidArgument"),
    *((name, name, 400, "InvalidArgument") for name in (
        "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"))])
def a_field_that_is_missing_is_told(place, name, status, code):
    forms = Forms(place)
    answer = forms.send(forms.signed("whole"), b"data", without=[name])
    assert (answer.status, answer.code) == (status, code), answer
    assert not forms.keys()


@table(a_server_with_buckets, [
    ("over", '{"expiration": "2020-01-01T00:00:00Z", "conditions": []}', 403, "AccessDenied",
     b"Policy expired"),
    ("no JSON", "hello", 400, "InvalidPolicyDocument", b""),
    ("without an end", '{"conditions": []}', 400, "InvalidPolicyDocument", b"expiration"),
    ("of another bucket", '{"expiration": "2120-01-01T00:00:00Z", "conditions": '
     '[{"bucket": "other"}]}', 403, "AccessDenied", b"Condition failed"),
    ("that names too little", '{"expiration": "2120-01-01T00:00:00Z", "conditions": '
     '[["starts-with", "$key", ""]]}', 403, "AccessDenied", b"Extra input fields"),
])
def a_policy_that_does_not_allow_it_is_told(place, policy, status, code, part):
    forms = Forms(place)
    answer = forms.send(resigned(place, forms.signed("not so"), policy), b"data")
    assert (answer.status, answer.code) == (status, code) and part in answer.body, answer
    assert not forms.keys()


@table(a_server_with_buckets, [
    ("no file", None, None, 400, "InvalidArgument"),
    ("not a form", b"hello", "text/plain", 412, "PreconditionFailed"),
    ("no boundary", b"hello", "multipart/form-data", 400, "MalformedPOSTRequest"),
    ("broken off", b"cut", None, 400, "MalformedPOSTRequest")])
def what_is_no_form_is_refused(place, body, kind, status, code):
    forms = Forms(place)
    made = forms.signed("formless")
    whole, whole_kind = form(made["fields"].items(), body)
    if kind:
        whole = body
    elif body:
        whole = whole[:-20]
    answer = post(made["url"], whole, kind or whole_kind)
    assert (answer.status, answer.code) == (status, code), answer
    assert not forms.keys()


@case(a_server_with_buckets)
def what_stands_behind_the_file_is_passed_over(place):
    forms = Forms(place)
    made = forms.signed("before")
    assert forms.send(made, b"data", behind=[("key", "behind"), ("submit", "x" * 30000)]
                      ).status == 204
    assert forms.keys() == ["before"]


@case(a_server_with_buckets)
def a_bucket_that_is_none_takes_no_form(place):
    forms = Forms(place)
    forms.bucket = "no-such-bucket"
    made = forms.signed("key")
    answer = forms.send(made, b"data")
    assert (answer.status, answer.code) == (404, "NoSuchBucket"), answer


@case(a_server_with_buckets)
def a_page_of_another_site_may_send_it_and_read_the_answer(place):
    forms = Forms(place)
    rules = {"CORSRules": [{"AllowedOrigins": ["https://page.example"], "AllowedMethods": ["POST"],
                            "ExposeHeaders": ["ETag"]}]}
    place.s3.put_bucket_cors(Bucket=forms.bucket, CORSConfiguration=rules)
    made = forms.signed("from a page")
    body, kind = form(made["fields"].items(), b"data")
    answer = post(made["url"], body, kind, Origin="https://page.example")
    assert answer.get("Access-Control-Allow-Origin") == "https://page.example", answer
    broken = post(made["url"], body[:-9], kind, Origin="https://page.example")
    assert broken.status == 400
    assert broken.get("Access-Control-Allow-Origin") == "https://page.example", broken


@case(a_server_with_buckets)
def a_key_signs_what_it_may_do_itself(place):
    """One that writes below a prefix, one that reads."""
    forms = Forms(place)
    for key, right, status in (("mine/a", "write", 204), ("yours/a", "write", 403),
                               ("mine/b", "read", 403)):
        signer = place.key_of(forms.bucket, "mine/", right)
        answer = forms.send(forms.signed(key, client=signer.s3), b"data")
        assert answer.status == status, (key, answer)
        assert status == 204 or answer.code == "AccessDenied"
    assert forms.keys() == ["mine/a"]
