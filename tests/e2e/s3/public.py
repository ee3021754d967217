"""A bucket as a route of a site: what anybody sees of it, and that nobody changes it."""
import os

import pictures
from run import case, fixture, table
from site_s3 import Store

DATA = b"some bytes of an object"
MIB = 1 << 20


def routes():
    return [{"path": "/photos/", "bucket": {"name": "photos", "max_age_s": 3600}},
            {"path": "/plain/", "bucket": {"name": "photos", "index": ""}},
            {"path": "/asked/", "bucket": {"name": "photos", "max_age_s": 0}},
            {"path": "/none/", "bucket": {"name": "nobody"}},
            {"path": "/odd/", "bucket": {"name": "Not_a_name"}},
            {"path": "/cdn-cgi/image/", "images": {"signing": {"required": False}}}]


@fixture
def a_bucket_for_everybody():
    with Store({"sites": [{"hosts": ["*"], "routes": routes()}]}) as store:
        assert store.client.ask("PUT", "/photos").status == 200
        store.put = lambda name, data=DATA, **more: store.client.put(
            f"/photos/{name}", data, **more)
        assert store.put("a.txt", fields={"Content-Type": "text/plain",
                                          "x-amz-meta-by": "me"}).status == 200
        yield store


@case(a_bucket_for_everybody)
def anybody_reads_it(store):
    reply = store.ask("/photos/a.txt")
    assert (reply.status, reply.body) == (200, DATA), reply
    assert reply.get("Content-Type") == "text/plain" and reply.get("x-amz-meta-by") == "me"
    assert reply.get("X-Content-Type-Options") == "nosniff"
    assert reply.get("x-amz-request-id") is None
    head = store.ask("/photos/a.txt", "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.get("Content-Length") == str(len(DATA)) and head.get("ETag") == reply.get("ETag")


@case(a_bucket_for_everybody)
def a_large_object_and_a_part_of_one(store):
    data = os.urandom(3 * MIB)
    assert store.put("large", data).status == 200
    assert store.ask("/photos/large").body == data
    reply = store.ask("/photos/large", fields={"Range": f"bytes={MIB}-{2 * MIB}"})
    assert (reply.status, reply.body) == (206, data[MIB:2 * MIB + 1])
    reply = store.ask("/photos/large", fields={"Range": f"bytes={len(data)}-"})
    assert reply.status == 416, reply


@case(a_bucket_for_everybody)
def what_has_not_changed_is_not_sent_again(store):
    etag = store.ask("/photos/a.txt").get("ETag")
    assert store.ask("/photos/a.txt", fields={"If-None-Match": etag}).status == 304
    assert store.ask("/photos/a.txt", fields={"If-Match": '"other"'}).status == 412


@case(a_bucket_for_everybody)
def how_long_it_may_be_kept(store):
    assert store.put("own", fields={"Cache-Control": "private"}).status == 200
    kept = {path: store.ask(path).get("Cache-Control") for path in (
        "/photos/a.txt", "/plain/a.txt", "/asked/a.txt", "/photos/own")}
    assert kept == {"/photos/a.txt": "public, max-age=3600", "/plain/a.txt": None,
                    "/asked/a.txt": "no-cache", "/photos/own": "private"}, kept


@case(a_bucket_for_everybody)
def a_folder_has_an_index(store):
    for name in ("index.html", "b/index.html", "b/"):
        assert store.put(name, name.encode()).status == 200
    assert store.ask("/photos/").body == b"index.html"
    assert store.ask("/photos/b/").body == b"b/index.html"
    assert store.ask("/plain/b/").body == b"b/"
    assert store.ask("/plain/").status == 404
    assert store.ask("/photos/c/").status == 404


@table(a_bucket_for_everybody, [
    ("an object", "/photos/none"), ("a bucket", "/none/a.txt"), ("a name of a bucket", "/odd/a"),
    ("a key that is too long", "/photos/" + "x" * 1025)])
def what_is_not_there_is_missing(store, path):
    reply = store.ask(path)
    assert reply.status == 404 and reply.get("Selvedge-Error") == "missing", reply
    assert reply.get("Cache-Control") == "no-store" and b"NoSuch" not in reply.body, reply


@case(a_bucket_for_everybody)
def the_longest_key_is_found(store):
    assert store.put("x" * 1024).status == 200
    assert store.ask("/photos/" + "x" * 1024).body == DATA


@table(a_bucket_for_everybody, [(method, method) for method in ("PUT", "POST", "DELETE")])
def nobody_changes_it(store, method):
    reply = store.ask("/photos/a.txt", method, body=b"other")
    assert (reply.status, reply.get("Allow")) == (405, "GET, HEAD"), reply
    assert store.ask("/photos/a.txt").body == DATA


@case(a_bucket_for_everybody)
def parameters_that_s3_knows_mean_nothing(store):
    reply = store.ask("/photos/a.txt?response-content-type=text/html&partNumber=7&uploads")
    assert (reply.status, reply.body) == (200, DATA), reply
    assert reply.get("Content-Type") == "text/plain"


@case(a_bucket_for_everybody)
def what_is_written_is_seen_at_once(store):
    for data in (b"one", b"two" * MIB, b"three"):
        assert store.put("changes", data).status == 200
        assert store.ask("/photos/changes").body == data
    assert store.client.delete("/photos/changes").status == 204
    assert store.ask("/photos/changes").status == 404


@case(a_bucket_for_everybody)
def pictures_are_made_of_what_is_in_it(store):
    assert store.put("photo.png", pictures.photo(40, 20)).status == 200
    reply = store.ask("/cdn-cgi/image/width=20,format=png/photos/photo.png")
    assert reply.status == 200 and pictures.size_of(reply.body) == (20, 10), reply
