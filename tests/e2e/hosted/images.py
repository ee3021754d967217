"""Pictures one by one: uploaded, shown, changed, handed out, removed."""
import json
import pathlib
import re
import tempfile
from urllib.parse import quote

from account import PREFIX
from hosted import PICTURE, URL, begun, form, serve, tidy
from pictures import gif, photo, png
from run import case, fixture, table
from selvedge import command

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
LARGE = photo(400, 300)


@fixture
def a_server_of_pictures():
    with serve() as server:
        yield server


# --- upload ---

@case(a_server_of_pictures)
def an_upload_is_shown_as_it_was_meant(server):
    images = server.images
    made = images.upload(filename="harbour.png", creator="ada", requireSignedURLs="true",
                         metadata='{"shop": {"shelf": 3}, "ok": true}').result
    assert re.fullmatch(UUID, made["id"]), made
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["uploaded"]), made
    assert made["filename"] == "harbour.png" and made["creator"] == "ada"
    assert made["meta"] == {"shop": {"shelf": 3}, "ok": True}
    assert made["requireSignedURLs"] is True and "draft" not in made
    link, = made["variants"]
    assert re.fullmatch(f"{URL}/[A-Za-z0-9_-]{{22}}/{made['id']}/public", link), link
    assert images.get(made["id"]).result == made
    assert images.blob(made["id"]).body == PICTURE


@case(a_server_of_pictures)
def an_upload_without_words_has_none(server):
    made = server.images.upload(filename=None).result
    assert set(made) == {"id", "uploaded", "requireSignedURLs", "variants"}, made
    assert made["requireSignedURLs"] is False


@table(a_server_of_pictures, [
    ("PNG", PICTURE, "image/png"), ("a large PNG", LARGE, "image/png"),
    ("GIF", gif(8, 8, 2), "image/gif"), ("SVG", SVG, "image/svg+xml")])
def a_picture_comes_back_as_it_was(server, data, kind):
    made = server.images.upload(data).result
    answer = server.images.blob(made["id"])
    assert (answer.status, answer.body) == (200, data)
    assert answer.get("Content-Type") == kind
    assert answer.get("X-Content-Type-Options") == "nosniff"
    assert "sandbox" in answer.get("Content-Security-Policy")
    again = server.images.raw(data, kind=kind).result
    assert server.images.blob(again["id"]).body == data


@case(a_server_of_pictures)
def bytes_alone_say_the_rest_in_the_query(server):
    made = server.images.raw(
        query="?id=raw%2Fone&creator=ada+l&metadata=%7B%22a%22%3A1%7D&requireSignedURLs=true"
              "&filename=one.png").result
    assert made["id"] == "raw/one" and made["creator"] == "ada l" and made["meta"] == {"a": 1}
    assert made["requireSignedURLs"] is True and made["filename"] == "one.png"


@table(a_server_of_pictures, [(name, name) for name in (
    "a", "shop/shoes/left one.jpg", "日本語 ключ 🗝", "a?b=c&d#e", "100%", "%41", "a+b", "...", "v1",
    "a/blob", "x" * 1024)])
def an_id_of_ones_own_is_any_text(server, name):
    images = server.images
    made = images.upload(id=name).result
    assert made["id"] == name
    assert images.get(name).result == made
    assert images.blob(name).body == PICTURE
    assert images.edit(name, creator="x").result["creator"] == "x"
    assert name in images.ids()
    images.upload(id=name).refused(409, 5409, "Resource already exists")
    assert images.remove(name).result == {}
    images.is_gone(name)


@case(a_server_of_pictures)
def what_is_known_of_an_id_is_told_before_the_file_has_come(server):
    server.images.upload(id="is there").result
    at = f"{PREFIX}/accounts/{server.client.account}/images/v1"
    for name, status, code in (("is there", 409, 5409), ("stats", 400, 5400), ("a//b", 400, 5400),
                               ("x" * 1025, 413, 5413)):
        begun(server, at, *form({"creator": "ada", "id": name}, LARGE)).refused(status, code)
        begun(server, f"{at}?id={quote(name, safe='')}", LARGE, "image/png").refused(status, code)
    body, kind = form({}, LARGE)  # and an id behind it is not known before
    late = form({"id": "is there"})[0]
    answer = server.images.ask("POST", server.images.at(), body[:body.rindex(b"--a-boundary")]
                               + late, {"Content-Type": kind})
    answer.refused(409, 5409, "Resource already exists")
    tidy(server)
    server.images.remove("is there").result


@case(a_server_of_pictures)
def an_id_stands_in_links_with_its_slashes(server):
    made = server.images.upload(id="shop/ä b.jpg").result
    assert made["variants"][0].endswith("/shop/%C3%A4%20b.jpg/public"), made
    assert server.images.remove("shop/ä b.jpg").status == 200


@table(a_server_of_pictures, [
    ("a UUID", {"id": "2cdc28f0-017a-49c4-9ed7-87056c839010"}, 400, "UUID"),
    ("a UUID in capitals", {"id": "2CDC28F0-017A-49C4-9ED7-87056C839010"}, 400, "UUID"),
    ("1025 bytes", {"id": "x" * 1025}, 413, "1024 bytes"),
    ("no UTF-8", {"id": b"a\xff"}, 400, "UTF-8"), ("a 0", {"id": b"a\0b"}, 400, "byte 0"),
    ("a call's name", {"id": "stats"}, 400, "name of a call"),
    ("metadata that is none", {"metadata": "{"}, 400, "JSON"),
    ("an array of metadata", {"metadata": "[1]"}, 400, "object"),
    ("metadata of 1025 bytes", {"metadata": '{"a":"%s"}' % ("x" * 1017)}, 413, "1024"),
    ("metadata twice", {"metadata": '{"a": 1}', "metadata[a]": "1"}, 400, "twice"),
    ("6 levels", {"metadata[a][b][c][d][e][f]": "1"}, 413, "5 levels"),
    ("half a member", {"metadata[a": "1"}, 400, "metadata[name]"),
    ("a creator of 1025 bytes", {"creator": "x" * 1025}, 413, "1024"),
    ("a creator that is no UTF-8", {"creator": b"\xff"}, 400, "UTF-8"),
    ("perhaps signed", {"requireSignedURLs": "maybe"}, 400, "true or false"),
    ("a long field", {"creator": "x" * 4097}, 413, "4096 bytes"),
    ("a file and a URL", {"url": "https://example.com/a.png"}, 400, "exclude")])
def what_cannot_be_said_is_refused(server, fields, status, part):
    before = server.images.stats()
    code = 5413 if status == 413 else 5400
    server.images.upload(**fields).refused(status, code, part)
    assert server.images.stats() == before
    tidy(server)


@table(a_server_of_pictures, [(name, name) for name in (
    ".", "..", "/", "/a", "a/", "a//b", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "\\",
    "a\\b", "a/..\\b")])
def an_id_that_could_not_be_delivered_is_refused(server, name):
    images, part = server.images, "'\\'" if "\\" in name else "between its slashes"
    before = images.stats()
    for answer in (images.upload(id=name), images.raw(query="?id=" + quote(name, safe="")),
                   images.draft(id=name)):
        answer.refused(400, 5400, part)
    assert images.stats() == before
    for answer in (images.get(name), images.blob(name), images.edit(name, creator="x"),
                   images.remove(name)):
        assert answer.status in (400, 404), answer


@table(a_server_of_pictures, [
    ("metadata of 1024 bytes", {"metadata": '{"a":"%s"}' % ("x" * 1016)}),
    ("5 levels", {"metadata[a][b][c][d][e]": "1"}), ("no metadata", {"metadata": "null"}),
    ("a creator of 1024 bytes", {"creator": "x" * 1024}), ("another field", {"colour": "red"}),
    ("an empty id", {"id": ""})])
def what_is_just_within_its_bound_is_taken(server, fields):
    assert server.images.upload(**fields).status == 200


@case(a_server_of_pictures)
def metadata_may_be_said_member_by_member(server):
    made = server.images.upload(**{"metadata[a]": "1", "metadata[b][c]": "x",
                                   "metadata[b][d]": "ü"}).result
    assert made["meta"] == {"a": "1", "b": {"c": "x", "d": "ü"}}


@case(a_server_of_pictures)
def a_filename_is_a_label_of_255_bytes(server):
    images = server.images
    assert images.upload(filename="x" * 255).result["filename"] == "x" * 255
    images.upload(filename="x" * 256).refused(413, 5413, "255 bytes")
    assert images.upload(filename="a/b/c.png").result["filename"] == "c.png"


@table(a_server_of_pictures, [
    ("nothing", b"", 415, 5455), ("a text", b"hello, this is no picture" * 500, 415, 5455),
    ("a page", b"<!DOCTYPE html><html><script>", 415, 5455), ("zeros", b"\0" * 100000, 415, 5455),
    ("a program", b"\x7fELF" + b"\0" * 5000, 415, 5455),
    ("what only begins as one", b"\xff\xd8\xff\xe0" + b"j" * 100000, 415, 5455),
    ("a short beginning", b"\x89PNG\r\n\x1a\n", 415, 5455),
    ("half a head", PICTURE[:20], 415, 5455)])
def what_is_no_picture_is_refused(server, data, status, code):
    for answer in (server.images.upload(data), server.images.raw(data) if data else None):
        assert answer is None or answer.refused(status, code)
    tidy(server)


@table(a_server_of_pictures, [
    (f"{width} x {height}", width, height, part) for width, height, part in (
        (12000, 1, None), (1, 12000, None), (10000, 10000, None), (12001, 1, "side_max"),
        (1, 12001, "side_max"), (10000, 10001, "pixels_max"), (60000, 60000, "pixels_max"))])
def a_picture_is_as_wide_and_high_as_the_settings_say(server, width, height, part):
    """By what its header says: no pixel is looked at."""
    answer = server.images.upload(png(40, 30, bytes(3600), claim=(width, height)))
    if part:
        answer.refused(413, 5413, "images_store." + part)
    else:
        assert server.images.remove(answer.result["id"]).status == 200
    tidy(server)


@case(a_server_of_pictures)
def what_is_no_upload_is_refused(server):
    images = server.images
    for fields in ({"Content-Type": "application/json"}, {}, {"Content-Type": "text/plain"}):
        images.ask("POST", images.at(), b"{}", fields).refused(415, 5455, "multipart/form-data")
    body, kind = form({"creator": "x"})
    images.ask("POST", images.at(), body, {"Content-Type": kind}).refused(400, 5400, "neither")
    images.raw(b"").refused(400, 5400, "neither")
    body, kind = form({}, PICTURE)
    for cut in (1, 30, len(body) - 5):
        images.ask("POST", images.at(), body[:cut], {"Content-Type": kind}).refused(400, 5400)
    twice = body.replace(b"--a-boundary--\r\n", body)
    images.ask("POST", images.at(), twice, {"Content-Type": kind}).refused(400, 5400, "twice")
    images.raw(query="?url=https://example.com/a").refused(400, 5400, "field of a form")
    images.raw(query="?id=%zz").refused(400)


@case(a_server_of_pictures)
def the_fields_of_a_form_are_bounded_together(server):
    fields = {f"field {number}": "x" * 4096 for number in range(4)}
    assert server.images.upload(**fields).status == 200
    server.images.upload(**fields, more="x").refused(413, 5413, "16384 bytes")


# --- changed and removed ---

@case(a_server_of_pictures)
def a_picture_is_changed(server):
    images = server.images
    made = images.upload(metadata='{"a": 1}', creator="ada").result
    changed = images.edit(made["id"], requireSignedURLs=True).result
    assert changed == {**made, "requireSignedURLs": True}
    changed = images.edit(made["id"], metadata={"b": [1, 2]}).result
    assert changed["meta"] == {"b": [1, 2]} and changed["creator"] == "ada"
    changed = images.edit(made["id"], metadata={}, creator="", requireSignedURLs=False).result
    assert "meta" not in changed and "creator" not in changed
    assert images.edit(made["id"]).result == changed == images.get(made["id"]).result
    assert images.blob(made["id"]).body == PICTURE


@table(a_server_of_pictures, [
    ("an array", [], 400, "object"), ("no JSON", b"{", 400, "JSON"),
    ("a text of metadata", {"metadata": "x"}, 400, "object"),
    ("1025 bytes of metadata", {"metadata": {"a": "x" * 1017}}, 413, "1024"),
    ("a number of a creator", {"creator": 1}, 400, "creator"),
    ("1025 bytes of a creator", {"creator": "x" * 1025}, 413, "1024"),
    ("perhaps signed", {"requireSignedURLs": "true"}, 400, "true or false")])
def what_cannot_be_changed_is_refused(server, body, status, part):
    made = server.images.upload().result
    server.images.ask("PATCH", server.images.at(made["id"]), body).refused(status, part=part)
    assert server.images.get(made["id"]).result == made


@case(a_server_of_pictures)
def a_picture_that_is_removed_is_gone(server):
    images = server.images
    made = images.upload(LARGE).result
    before = images.stats()["current"]
    assert images.remove(made["id"]).result == {}
    for answer in (images.get(made["id"]), images.blob(made["id"]), images.remove(made["id"]),
                   images.edit(made["id"], creator="x")):
        answer.refused(404, 5404, "Image not found")
    assert made["id"] not in images.ids()
    assert images.stats()["current"] == before - 1
    tidy(server)


@table(a_server_of_pictures, [
    ("another", "2cdc28f0-017a-49c4-9ed7-87056c839010"), ("1025 bytes", "x" * 1025),
    ("a dot", "."), ("a path", "a/../b")])
def a_picture_that_is_not_there_is_told(server, name):
    images = server.images
    for answer in (images.get(name), images.blob(name), images.remove(name),
                   images.edit(name, creator="x")):
        answer.refused(404, 5404, "Image not found")


# --- as it was uploaded ---

@case(a_server_of_pictures)
def an_original_has_a_validator_and_ranges(server):
    images = server.images
    made = images.upload(LARGE).result
    whole = images.blob(made["id"])
    etag = whole.get("ETag")
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    assert images.blob(made["id"], {"If-None-Match": etag}).status == 304
    assert images.blob(made["id"], {"If-Match": '"x"'}).status == 412
    part = images.blob(made["id"], {"Range": "bytes=100000-100099"})
    assert (part.status, part.body) == (206, LARGE[100000:100100])
    assert images.blob(made["id"], {"Range": f"bytes={len(LARGE)}-"}).status == 416
    head = images.ask("HEAD", images.at(made["id"], "/blob"), fields={"Connection": "close"})
    assert head.status == 200 and head.get("Content-Length") == str(len(LARGE))


@case(a_server_of_pictures)
def the_same_id_has_another_validator_with_other_bytes(server):
    images = server.images
    images.upload(id="replaced").result
    first = images.blob("replaced").get("ETag")
    images.remove("replaced").result
    images.upload(LARGE, id="replaced").result
    assert images.blob("replaced").get("ETag") != first
    assert images.blob("replaced", {"If-None-Match": first}).body == LARGE


@fixture
def a_server_of_small_pictures():
    with serve(images_store={"image_bytes": 100000, "url": ""}) as server:
        yield server


@case(a_server_of_small_pictures)
def a_picture_is_as_large_as_the_settings_say(server):
    images = server.images
    most = PICTURE + b"\0" * (100000 - len(PICTURE))
    assert images.blob(images.upload(most).result["id"]).body == most
    assert images.blob(images.raw(most).result["id"]).body == most
    for answer in (images.upload(most + b"\0"), images.raw(most + b"\0"),
                   images.upload(most + b"\0" * 100000)):
        answer.refused(413, 5413, "images_store.image_bytes")
    tidy(server)


@case(a_server_of_small_pictures)
def links_lead_to_the_first_listener_if_nothing_else_is_said(server):
    link, = server.images.upload().result["variants"]
    assert link.startswith("http://127.0.0.1:"), link


@fixture
def a_folder():
    with tempfile.TemporaryDirectory(prefix="selvedge-settings-") as folder:
        yield pathlib.Path(folder)


@table(a_folder, [("a jail's share", "256M", 0), ("a byte more", 268435457, 1)])
def pictures_are_as_large_as_a_jail_can_look_at(folder, size, status):
    path = folder / "selvedge.yaml"
    path.write_text(json.dumps({
        "listen": [{"address": "127.0.0.1:0"}], "images_store": {"image_bytes": size},
        "sites": [{"hosts": ["*"], "routes": [{"path": "/", "files": {"root": "."}}]}]}))
    done = command("check", str(path))
    assert done.returncode == status and ("at most 256M" in done.stderr) == bool(status), done
