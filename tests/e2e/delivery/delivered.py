"""Stored pictures on their way out: what is there, how it is spelled, and what has changed."""
from urllib.parse import quote

import pictures
from run import case, fixture, table
from selvedge import wait_for
from shelf import LOWER, OTHER, PHOTO, serve


@fixture
def a_shelf():
    with serve([{"path": "/at-once/", "images": {"ttl_least_s": 0}}]) as server:
        yield server


@table(a_shelf, [("at the root", ""), ("below its path", LOWER)])
def a_stored_picture_is_delivered(server, below):
    shelf = server.shelf
    picture = shelf.store()
    reply = shelf.ask(picture, below=below)
    assert reply.status == 200 and reply.get("Content-Type") == "image/png", reply
    assert pictures.size_of(reply.body) == (320, 240)
    assert reply.get("Vary") == "Accept" and reply.get("X-Content-Type-Options") == "nosniff"
    assert reply.get("Cache-Control") == "public, max-age=172800", reply
    again = shelf.ask(picture, below=below)
    assert again.body == reply.body
    assert again.get("Cache-Status").startswith("Selvedge; hit; ttl="), again
    told = shelf.ask(picture, below=below, fields={"If-None-Match": reply.get("ETag")})
    assert (told.status, told.body) == (304, b""), told
    head = shelf.ask(picture, below=below, method="HEAD")
    assert (head.status, head.get("Content-Length")) == (200, str(len(reply.body))), head
    part = shelf.ask(picture, below=below, fields={"Range": "bytes=0-7"})
    assert (part.status, part.body) == (206, reply.body[:8]), part


@case(a_shelf)
def the_format_is_what_the_client_shows(server):
    picture = server.shelf.store()
    kinds = [server.shelf.ask(picture, fields={"Accept": accept}).get("Content-Type")
             for accept in ("image/avif,image/webp", "image/webp", "image/png", "*/*")]
    assert kinds == ["image/avif", "image/webp", "image/png", "image/png"], kinds


@case(a_shelf)
def both_routes_share_what_was_made(server):
    picture = server.shelf.store(pictures.photo(30, 20, seed=9))
    assert "fwd=uri-miss; stored" in server.shelf.ask(picture).get("Cache-Status")
    assert "; hit" in server.shelf.ask(picture, below=LOWER).get("Cache-Status")


@table(a_shelf, [(name[:40], name, spelled) for name, spelled in [
    ("one", "one"), ("with/a/few/slashes.png", "with/a/few/slashes.png"),
    ("...", "..."), ("a space", "a%20space"), ("hällo/wörld", None),
    ("plus+and=equals,comma", "plus+and=equals,comma"), ("public", "public"),
    ("public/public", "public/public"), ("100%", "100%25"), ("100%25", "100%2525"),
    ("q?m#h", "q%3Fm%23h"), ("x" * 1024, "x" * 1024)]])
def an_id_of_ones_own_is_spelled_as_it_is(server, name, spelled):
    shelf = server.shelf
    assert shelf.store(OTHER, id=name) == name
    reply = shelf.ask(spelled or quote(name))
    assert reply.status == 200 and pictures.size_of(reply.body) == (64, 32), reply
    assert shelf.images.remove(name).status == 200
    assert shelf.ask(spelled or quote(name)).status == 404


@table(a_shelf, [
    ("no picture", "/{hash}/gone/public", 404, "missing"),
    ("no variant", "/{hash}/{id}/nothing", 404, "missing"),
    ("a variant in capitals", "/{hash}/{id}/Public", 404, "missing"),
    ("another account", "/{other}/{id}/public", 404, "missing"),
    ("the id of the account", "/{account}/{id}/public", 404, "missing"),
    ("an empty variant", "/{hash}/{id}/", 404, "missing"),
    ("nothing but a picture", "/{hash}/{id}", 404, "missing"),
    ("nothing but an account", "/{hash}", 404, "missing"),
    ("nothing", "/", 404, "missing"),
    ("a variant too many", "/{hash}/{id}/public/public", 404, "missing"),
    ("an id of 1025 bytes", "/{hash}/" + "x" * 1025 + "/public", 404, "missing"),
    ("an id that is no UTF-8", "/{hash}/%ff/public", 404, "missing"),
    ("options, which are not allowed", "/{hash}/{id}/width=20", 403, "denied"),
    ("options in a variant's place, signed by nobody", "/{hash}/{id}/w=9?sig=0", 403, "signature"),
    ("dots", "/{hash}/../public", 400, "syntax"),
])
def what_is_not_there_is_told(server, target, status, code):
    shelf = server.shelf
    target = target.format(hash=shelf.hash, id=shelf.store(), account=server.client.account,
                           other=("B" if shelf.hash[0] == "A" else "A") + shelf.hash[1:])
    for below in ("", LOWER):
        reply = server.ask(below + target)
        assert (reply.status, reply.code) == (status, code), reply
        assert reply.get("Cache-Control") == "no-store", reply


@table(a_shelf, [(method, method) for method in ("POST", "PUT", "DELETE", "OPTIONS")])
def pictures_are_only_asked_for(server, method):
    reply = server.shelf.ask("x", method=method)
    assert reply.status == 405 and reply.get("Allow") == "GET, HEAD", reply


# --- what changes ---

@case(a_shelf)
def what_is_removed_is_gone_at_once_on_every_loop(server):
    shelf = server.shelf
    picture = shelf.store()
    target = shelf.path(picture)
    assert {reply.status for reply in shelf.everywhere(target)} == {200}
    assert {"; hit" in reply.get("Cache-Status") for reply in shelf.everywhere(target)} == {True}
    assert shelf.images.remove(picture).status == 200
    gone = shelf.everywhere(target)
    assert {(reply.status, reply.code) for reply in gone} == {(404, "missing")}, gone[0]


@case(a_shelf)
def what_was_made_of_a_removed_picture_leaves_the_disk(server):
    shelf = server.shelf
    cache = server.folder / "data" / "cache"

    def files():
        return {path for path in cache.rglob("*") if path.is_file()}
    before = files()
    picture = shelf.store(pictures.photo(300, 200, seed=21))
    for accept in ("image/avif", "image/webp", "image/png"):
        assert shelf.ask(picture, fields={"Accept": accept}).status == 200
    wait_for("the cache's files", lambda: len(files() - before) >= 3)
    assert shelf.images.remove(picture).status == 200
    wait_for("the cache's files to go", lambda: not files() - before)


@case(a_shelf)
def what_is_replaced_shows_its_new_bytes_at_once_on_every_loop(server):
    shelf = server.shelf
    target = shelf.path("a/picture")
    for data, size in ((PHOTO, (320, 240)), (OTHER, (64, 32)), (PHOTO, (320, 240))):
        shelf.store(data, id="a/picture")
        sizes = {pictures.size_of(reply.body) for reply in shelf.everywhere(target)}
        assert sizes == {size}, sizes
        assert shelf.images.remove("a/picture").status == 200


@case(a_shelf)
def what_becomes_private_is_so_at_once_on_every_loop(server):
    shelf = server.shelf
    picture = shelf.store()
    target = shelf.path(picture)
    assert {reply.status for reply in shelf.everywhere(target)} == {200}
    assert shelf.images.edit(picture, requireSignedURLs=True).status == 200
    refused = shelf.everywhere(target)
    assert {(reply.status, reply.code) for reply in refused} == {(403, "signature")}, refused[0]
    assert shelf.images.edit(picture, requireSignedURLs=False).status == 200
    assert {reply.status for reply in shelf.everywhere(target)} == {200}


@case(a_shelf)
def an_edge_that_drains_knows_what_was_removed(server):
    shelf = server.shelf
    picture, kept = shelf.store(), shelf.store()
    with server.connect() as conn:
        assert conn.ask(shelf.path(picture)).status == 200
        before = set(server.edges())
        server.reload()
        wait_for("the next edge", lambda: set(server.edges()) - before)
        wait_for("the API of the next edge",
                 lambda: server.ask_admin("/readyz").status == 200)
        server.client.close()
        assert shelf.images.remove(picture).status == 200
        reply = conn.ask(shelf.path(picture))  # by the edge that is going
        assert reply.status == 404, reply
    wait_for("the edge before to end", lambda: not before & set(server.edges()))
    server.client.close()
    assert shelf.ask(picture).status == 404 and shelf.ask(kept).status == 200


# --- purges ---

@case(a_shelf)
def a_link_or_a_picture_can_be_purged(server):
    shelf = server.shelf
    picture = shelf.store(pictures.photo(33, 22, seed=11))
    made = "fwd=uri-miss; stored"

    def state():
        return shelf.ask(picture).get("Cache-Status")
    assert made in state() and "; hit" in state()
    for what in ({"url": shelf.path(picture)}, {"source": shelf.path(picture)[:-len("/public")]},
                 {"all": True}):
        assert server.purge(**what).status == 200, what
        wait_for("the purge", lambda: made in state())
        assert "; hit" in state()
    assert server.purge(url="/no/such/picture").status in (200, 404)


# --- pictures as sources of pictures ---

@case(a_shelf)
def a_stored_picture_is_a_source_as_any_path_is(server):
    shelf = server.shelf
    picture = shelf.store()
    for below in ("", LOWER):
        reply = server.ask("/cdn-cgi/image/width=100,format=png" + shelf.path(picture, below=below))
        assert reply.status == 200 and pictures.size_of(reply.body) == (100, 75), reply
    reply = server.ask(f"/cdn-cgi/image/width=100/{shelf.hash}/gone/public")
    assert (reply.status, reply.code) == (404, "missing"), reply


@case(a_shelf)
def what_was_made_of_it_elsewhere_goes_when_it_is_asked_for_anew(server):
    shelf = server.shelf
    picture = shelf.store()
    target = "/at-once/width=100" + shelf.path(picture)
    assert server.ask(target).status == 200
    assert shelf.images.edit(picture, requireSignedURLs=True).status == 200
    reply = server.ask(target)
    assert (reply.status, reply.code) == (403, "denied"), reply
    assert shelf.images.remove(picture).status == 200
    assert server.ask(target).status == 404


@case(a_shelf)
def a_private_picture_does_not_leak_as_a_source(server):
    shelf = server.shelf
    picture = shelf.store(requireSignedURLs="true")
    for below in ("", LOWER):
        target = "/cdn-cgi/image/width=100" + shelf.path(picture, below=below)
        for extra in ("", "?exp=1&sig=" + "0" * 64, "?exp=9999999999&sig=" + "0" * 64):
            reply = server.ask(target + extra)
            assert (reply.status, reply.code) == (403, "denied"), reply
    assert shelf.ask(picture).status == 403
