"""Uploads by those who have no token of the account: with a link for one, with a batch token, and
from a server that a URL names."""
import contextlib
import re
import threading
import time

import origin
from account import PREFIX, Answer, Client
from hosted import PICTURE, Images, begun, form, once, serve, tidy
from pictures import photo
from run import case, fixture, table
from selvedge import request, wait_for

LARGE = photo(400, 300)


def after(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@fixture
def a_server_of_links():
    with serve() as server:
        yield server


# --- a link for one upload ---

@case(a_server_of_links)
def a_draft_becomes_a_picture_once(server):
    images = server.images
    draft = images.draft(requireSignedURLs="true", creator="ada", metadata='{"a": 1}').result
    assert set(draft) == {"id", "uploadURL"}
    assert re.fullmatch(rf"http://[^/]+{PREFIX}/upload/[0-9a-f]{{48}}", draft["uploadURL"]), draft
    shown = images.get(draft["id"]).result
    assert shown["draft"] is True and shown["meta"] == {"a": 1} and shown["creator"] == "ada"
    assert draft["id"] not in images.ids()
    images.blob(draft["id"]).refused(404, 5404)
    made = once(server, draft["uploadURL"], LARGE, "theirs.png", creator="somebody else",
                id="another", metadata="{}", requireSignedURLs="false").result
    assert made["id"] == draft["id"] and "draft" not in made and made["filename"] == "theirs.png"
    assert made["creator"] == "ada" and made["meta"] == {"a": 1} and made["requireSignedURLs"]
    assert images.get(draft["id"]).result == made and draft["id"] in images.ids()
    assert images.blob(draft["id"]).body == LARGE
    once(server, draft["uploadURL"]).refused(403, 5403, "used up")
    assert images.blob(draft["id"]).body == LARGE
    tidy(server)


@case(a_server_of_links)
def a_link_that_failed_may_be_used_again(server):
    draft = server.images.draft().result
    once(server, draft["uploadURL"], b"no picture").refused(415, 5455)
    once(server, draft["uploadURL"], None, creator="x").refused(400, 5400, "neither")
    once(server, draft["uploadURL"], None, url="http://example.com/").refused(400, 5400, "neither")
    assert once(server, draft["uploadURL"]).result["id"] == draft["id"]


@case(a_server_of_links)
def of_many_uploads_with_one_link_one_counts(server):
    draft = server.images.draft().result
    pictures = [photo(200, 100, seed) for seed in range(8)]
    answers = [None] * len(pictures)

    def upload(number):
        answers[number] = once(server, draft["uploadURL"], pictures[number])
    threads = [threading.Thread(target=upload, args=(number,)) for number in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won, = [number for number, answer in enumerate(answers) if answer.status == 200]
    for number, answer in enumerate(answers):
        assert number == won or answer.status in (403, 409) and answer.code in (5403, 5409), answer
    assert server.images.blob(draft["id"]).body == pictures[won]
    tidy(server)


@case(a_server_of_links)
def a_link_is_for_one_upload_at_a_time(server):
    link = server.images.draft().result["uploadURL"]
    other = server.images.draft().result["uploadURL"]
    body, kind = form({}, LARGE)
    whole = request(link[link.index(PREFIX):], "POST", {"Content-Type": kind}, body)

    def is_taken():  # the link outlives what is no picture
        answer = once(server, link, b"no picture")
        return answer.status == 409 and answer.refused(409, 5409, "under way")
    with server.connect(-1) as conn:
        conn.send(whole[:-1000])
        wait_for("the link to be taken", is_taken)
        assert once(server, other).status == 200
    wait_for("the link to be free", lambda: once(server, link, b"no picture").status == 415)
    with server.connect(-1) as conn:
        conn.send(whole[:-1000])
        wait_for("the link to be taken", is_taken)
        conn.send(whole[-1000:])
        assert Answer(conn.reply("POST")).status == 200
    once(server, link).refused(403, 5403, "used up")
    tidy(server)


@case(a_server_of_links)
def a_draft_may_be_changed_and_removed(server):
    images = server.images
    draft = images.draft(id="of/ours").result
    assert draft["id"] == "of/ours"
    images.draft(id="of/ours").refused(409, 5409)
    images.upload(id="of/ours").refused(409, 5409)
    assert images.edit("of/ours", creator="x").result["draft"] is True
    assert images.remove("of/ours").result == {}
    images.is_gone("of/ours")
    once(server, draft["uploadURL"]).refused(403, 5403)
    again = images.draft(id="of/ours").result
    once(server, draft["uploadURL"]).refused(403, 5403)
    assert once(server, again["uploadURL"]).result["id"] == "of/ours"


@table(a_server_of_links, [
    ("another", "0" * 48), ("short", "0"), ("long", "0" * 3000), ("bytes", "%ff%00"),
    ("dots", "..")])
def a_link_that_is_none_is_refused(server, secret):
    answer = once(server, f"{PREFIX}/upload/{secret}")
    assert answer.status == 403 and answer.code == 5403 or answer.status == 400, answer


@table(a_server_of_links, [
    ("in 2 minutes", 121, 200), ("in 6 hours", 6 * 3600, 200), ("in a minute", 30, 400),
    ("in 7 hours", 7 * 3600, 400), ("gone by", -60, 400)])
def a_link_holds_for_2_minutes_to_6_hours(server, seconds, status):
    answer = server.images.draft(expiry=after(seconds))
    assert answer.status == status, answer
    if status == 400:
        answer.refused(400, 5400, "2 minutes to 6 hours")


@table(a_server_of_links, [
    ("no time", {"expiry": "soon"}, 400, "expiry"), ("a UUID", {"id": "0" * 8 + "-0000-4000-8000-"
                                                               + "0" * 12}, 400, "UUID"),
    ("no JSON", {"metadata": "x"}, 400, "JSON"), ("a long creator", {"creator": "x" * 1025}, 413,
                                                  "1024"),
    ("a large form", {"x": "x" * 17000}, 413, "16384")])
def what_is_no_draft_is_refused(server, fields, status, part):
    server.images.draft(**fields).refused(status, part=part)


@case(a_server_of_links)
def a_draft_needs_no_words(server):
    answer = server.images.ask("POST", "~/images/v2/direct_upload")
    assert once(server, answer.result["uploadURL"]).status == 200
    server.images.ask("POST", "~/images/v2/direct_upload", b"x", {"Content-Type": "text/plain"}
                      ).refused(415, 5455)


@fixture
def a_server_with_links_of_its_own():
    with serve(images_store={"upload_url": "https://upload.example.com/once",
                             "images_max": 3}) as server:
        yield server


@case(a_server_with_links_of_its_own)
def links_begin_as_the_settings_say(server):
    url = server.images.draft().result["uploadURL"]
    assert re.fullmatch(r"https://upload\.example\.com/once/[0-9a-f]{48}", url)


@case(a_server_with_links_of_its_own)
def an_account_has_as_many_pictures_as_the_settings_say(server):
    images = server.images
    draft = images.draft().result["uploadURL"]
    for number in range(3):
        images.upload(id=f"one {number}").result
    assert images.stats() == {"current": 3, "allowed": 3}
    images.upload().refused(413, 5413, "images_store.images_max")
    images.draft().refused(413, 5413, "images_store.images_max")
    link = PREFIX + draft[draft.rindex("/once"):].replace("once", "upload")
    for target in (link, f"{PREFIX}/accounts/{server.client.account}/images/v1"):
        begun(server, target, *form({}, LARGE)).refused(413, 5413, "images_store.images_max")
    once(server, link).refused(413, 5413, "images_store.images_max")
    tidy(server)
    images.remove("one 0").result
    assert images.upload(id="one 3").status == 200


@fixture
def a_server_of_few_drafts():
    with serve(images_store={"drafts_max": 2}) as server:
        yield server


@case(a_server_of_few_drafts)
def an_account_has_as_many_drafts_as_the_settings_say(server):
    images = server.images

    def is_full():
        images.draft().refused(413, 5413, "2 drafts at most (images_store.drafts_max)")

    link = images.draft().result["uploadURL"]
    images.draft(id="second").result
    is_full()
    images.remove("second").result
    images.draft(id="third").result
    is_full()
    once(server, link).result
    images.draft(id="fourth").result
    is_full()


# --- a batch token ---

@case(a_server_of_links)
def a_batch_token_opens_the_pictures(server):
    told = server.client.ask("GET", "~/images/v1/batch_token").result
    assert after(3500) < told["expiresAt"] < after(3700)
    batch = Images(Client(server, told["token"], server.client.account), "")
    made = batch.upload(id="by/batch").result
    assert batch.get("by/batch").result == made == server.images.get("by/batch").result
    assert batch.blob("by/batch").body == PICTURE and "by/batch" in batch.ids()
    assert batch.edit("by/batch", creator="x").result["creator"] == "x"
    assert once(server, batch.draft().result["uploadURL"]).status == 200
    assert batch.remove("by/batch").result == {}
    batch.by(batch.client).client.ask("GET", "~/images/v2").refused(403, 10000)
    batch.ask("GET", "/images/v1/stats").refused(404, 5404)  # no picture of that id
    batch.ask("GET", "/images/v1").refused(405)


@case(a_server_of_links)
def what_is_no_batch_token_opens_nothing(server):
    good = server.client.ask("GET", "~/images/v1/batch_token").result["token"]
    head, until, mac = good.split("_")
    made = server.images.upload(id="kept").result
    for token, status in (
            (None, 401), (server.client.token, 403), (good + "0", 403), (good[:-1], 403),
            (f"{head}_{int(until) + 1}_{mac}", 403), (f"{head}_{until}_{'0' * 64}", 403),
            (f"{head}_0{until}_{mac}", 403), (f"{head}__{mac}", 403), (f"{head}_1_{mac}", 403),
            (f"{head}_{2 ** 64}_{mac}", 403), ("slvb_", 403), (good.upper(), 403)):
        batch = Images(Client(server, token, server.client.account), "")
        for answer in (batch.get("kept"), batch.remove("kept"), batch.edit("kept", creator="x"),
                       batch.upload(), batch.draft(), batch.list(), batch.blob("kept")):
            answer.refused(status, 10000)
    two = [("Authorization", f"Bearer {good}"), ("Authorization", "Bearer x")]
    assert server.ask_admin(PREFIX + "/images/v2", fields=two).status in (400, 403)
    assert server.images.get("kept").result == made


@case(a_server_of_links)
def a_batch_token_holds_after_a_restart(server):
    token = server.client.ask("GET", "~/images/v1/batch_token").result["token"]
    made = server.images.upload().result
    server.client.close()
    server.stop()
    server.start()
    batch = Images(Client(server, token, server.client.account), "")
    assert batch.get(made["id"]).result == made


# --- from another server ---

@fixture
def a_server_and_another():
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serve(
            images_store={"image_bytes": 200000},
            client={"private_networks": True, "total_ms": 3000}))
        server.other = stack.enter_context(origin.Origin({
            "/a/harbour.png": origin.reply(PICTURE), "/large.png": origin.reply(
                LARGE[:100000] + b"\0" * 100000), "/larger.png": origin.reply(b"\x89PNG" * 50001),
            "/page": origin.reply(b"<html>"), "/none": origin.reply(b"", "404 Not Found"),
            "/moved": origin.redirect("/a/harbour.png"), "/empty": origin.reply(b""),
            "/header.png": origin.reply(PICTURE, X_Long="x" * 70000),
            "/" + "n" * 255: origin.reply(PICTURE), "/" + "n" * 256: origin.reply(PICTURE)}))
        yield server


def by_url(server, path, **more):
    return server.images.upload(None, url=server.other.base + path, **more)


@case(a_server_and_another)
def a_picture_comes_from_a_url(server):
    made = by_url(server, "/a/harbour.png", id="fetched", creator="ada").result
    assert made["filename"] == "harbour.png" and made["creator"] == "ada"
    assert server.images.blob("fetched").body == PICTURE
    assert by_url(server, "/moved").status == 200
    large = by_url(server, "/large.png").result
    assert len(server.images.blob(large["id"]).body) == 200000


@case(a_server_and_another)
def a_name_in_a_url_that_is_too_long_is_none(server):
    assert by_url(server, "/" + "n" * 255).result["filename"] == "n" * 255
    assert "filename" not in by_url(server, "/" + "n" * 256).result


@case(a_server_and_another)
def a_url_is_not_asked_for_a_picture_that_cannot_be(server):
    server.images.upload(id="is there").result
    before = len(server.other.asked)
    by_url(server, "/a/harbour.png", id="is there").refused(409, 5409)
    assert len(server.other.asked) == before
    server.images.remove("is there").result


@table(a_server_and_another, [
    ("too large", "/larger.png", 413, 5413), ("no picture", "/page", 415, 5455),
    ("not there", "/none", 400, 5400), ("empty", "/empty", 415, 5455),
    ("a large header", "/header.png", 400, 5400)])
def what_a_url_leads_to_may_be_no_picture(server, path, status, code):
    by_url(server, path).refused(status, code)
    tidy(server)


@table(a_server_and_another, [
    ("none", "x", 400), ("a file", "file:///etc/passwd", 400), ("FTP", "ftp://example.com/a", 400),
    ("nobody listens", "http://127.0.0.1:1/a", 400), ("long", "http://a/" + "x" * 2048, 413)])
def what_is_no_url_is_refused(server, url, status):
    server.images.upload(None, url=url).refused(status, 5413 if status == 413 else 5400)


@case(a_server_of_links)
def a_url_leads_nowhere_inside(server):
    host, port = server.address
    for url in (f"http://{host}:{port}/", "http://169.254.169.254/latest/", "http://[::1]/",
                "http://localhost/", "http://10.0.0.1/a.png"):
        answer = server.images.upload(None, url=url).refused(403, 5403)
        assert answer.message == ("ERROR 5403: url: the origin may not be reached, or redirects "
                                  "where it may not"), answer


@case(a_server_and_another)
def what_answers_at_a_url_is_not_told(server):
    for url in ("http://127.0.0.1:1/a.png", "https://127.0.0.1:1/a.png"):
        answer = server.images.upload(None, url=url).refused(400, 5400)
        assert answer.message == (
            "ERROR 5400: url: the origin did not answer with a picture"), answer


@case(a_server_and_another)
def a_url_is_logged_without_what_lets_somebody_in(server):
    for url in ("http://ada:not-for-logs@127.0.0.1:1/a.png", "not-for-logs",
                "http://127.0.0.1:1/logged.png?signature=not-for-logs"):
        server.images.upload(None, url=url).refused(400, 5400)
    wait_for("the line", lambda: '"url":"http://127.0.0.1:1/logged.png"' in server.errors())
    assert "not-for-logs" not in server.errors(), server.errors()
