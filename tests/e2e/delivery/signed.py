"""Variants and options in their place, and links that only who has a key can have made."""
import time

import hosted
import pictures
from run import case, fixture, table
from selvedge import command
from shelf import LOWER, PHOTO, serve, signed

KEY = "k" * 40


@fixture
def a_shelf_with_keys():
    with serve() as server:
        shelf = server.shelf
        shelf.rest = lambda rest: shelf.images.at(rest=rest)
        shelf.ask_api = lambda method, rest, body=None: server.client.ask(
            method, shelf.rest(rest), body)
        shelf.keys = {key["name"]: key["value"]
                      for key in shelf.ask_api("PUT", "/keys/second").result["keys"]}
        shelf.keys.update({key["name"]: key["value"]
                           for key in shelf.ask_api("GET", "/keys").result["keys"]})
        yield server


def variant(shelf, name, never=False, **options):
    shelf.ask_api("DELETE", f"/variants/{name}")
    return shelf.ask_api("POST", "/variants", {
        "id": name, "options": options, "neverRequireSignedURLs": never}).result


def flexible(shelf, yes):
    shelf.ask_api("PATCH", "/config", {"flexible_variants": yes}).result


# --- variants ---

@table(a_shelf_with_keys, [
    ("a width", {"width": 100}, (100, 75)), ("a height", {"height": 60}, (80, 60)),
    ("never enlarged", {"fit": "scale-down", "width": 4000}, (320, 240)),
    ("contain", {"fit": "contain", "width": 640}, (640, 480)),
    ("cover", {"fit": "cover", "width": 50, "height": 50}, (50, 50)),
    ("crop", {"fit": "crop", "width": 500, "height": 100}, (320, 100)),
    ("pad", {"fit": "pad", "width": 64, "height": 64, "background": "#ff0000"}, (64, 64)),
    ("rotated", {"width": 100, "rotate": 90}, (75, 100)),
    ("a colour with commas", {"fit": "pad", "width": 9, "height": 9, "background": "rgb(1,2,3)"},
     (9, 9))])
def a_variant_is_as_its_options(server, options, size):
    shelf = server.shelf
    picture = shelf.store()
    variant(shelf, "tried", **options)
    reply = shelf.ask(picture, "tried")
    if "rotate" in options:  # what a width is of is the options' business
        assert reply.status == 200 and reply.body, reply
        return
    assert reply.status == 200 and pictures.size_of(reply.body) == size, reply


@case(a_shelf_with_keys)
def a_variant_that_is_changed_or_removed_is_so_at_once_on_every_loop(server):
    shelf = server.shelf
    target = shelf.path(shelf.store(), "size")
    for width in (30, 40, 30):
        variant(shelf, "size", width=width)
        sizes = {pictures.size_of(reply.body)[0] for reply in shelf.everywhere(target)}
        assert sizes == {width}, sizes
    shelf.ask_api("DELETE", "/variants/size").result
    assert {reply.status for reply in shelf.everywhere(target)} == {404}


@case(a_shelf_with_keys)
def the_public_variant_can_be_changed(server):
    shelf = server.shelf
    picture = shelf.store()
    assert pictures.size_of(shelf.ask(picture).body) == (320, 240)
    shelf.ask_api("PATCH", "/variants/public", {"options": {"width": 20}}).result
    assert pictures.size_of(shelf.ask(picture).body) == (20, 15)
    shelf.ask_api("DELETE", "/variants/public").result
    assert pictures.size_of(shelf.ask(picture).body) == (320, 240)


def a_photograph_with_words():
    """A JPEG, made by the server, that has a comment and a copyright in its EXIF."""
    def tag(number, text):
        data = text.encode() + b"\0"
        return number, data
    tags = [tag(0x010e, "where it was taken"), tag(0x8298, "(c) somebody")]
    directory, data, at = b"", b"", 8 + 2 + 12 * len(tags) + 4
    for number, text in tags:
        directory += (number.to_bytes(2, "big") + b"\0\2" + len(text).to_bytes(4, "big")
                      + (at + len(data)).to_bytes(4, "big"))
        data += text
    exif = (b"Exif\0\0MM\0\x2a\0\0\0\x08" + len(tags).to_bytes(2, "big") + directory + b"\0" * 4
            + data)
    return b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif


@case(a_shelf_with_keys)
def metadata_is_kept_as_the_variant_says(server):
    shelf = server.shelf
    flexible(shelf, True)
    plain = shelf.ask(shelf.store(), "format=jpeg").body
    photograph = plain[:2] + a_photograph_with_words() + plain[2:]
    picture = shelf.store(photograph, filename="photo.jpg")
    seen = {}
    for what in ("keep", "copyright", "none"):
        variant(shelf, f"m-{what}", width=100, metadata=what, format="jpeg")
        body = shelf.ask(picture, f"m-{what}").body
        seen[what] = (b"where it was taken" in body, b"(c) somebody" in body)
    flexible(shelf, False)
    assert seen == {"keep": (True, True), "copyright": (False, True), "none": (False, False)}, seen


# --- options in a variant's place ---

@case(a_shelf_with_keys)
def flexible_variants_are_a_switch_that_works_at_once(server):
    shelf = server.shelf
    target = shelf.path(shelf.store(), "width=77,format=png")
    assert {reply.code for reply in shelf.everywhere(target)} == {"denied"}
    flexible(shelf, True)
    assert {pictures.size_of(reply.body)[0] for reply in shelf.everywhere(target)} == {77}
    flexible(shelf, False)
    assert {reply.code for reply in shelf.everywhere(target)} == {"denied"}


@table(a_shelf_with_keys, [(options, options) for options in (
    "width=0", "w=5,w=6", "preset=x", "unknown=1", "width=", "=", "w=99999", "format=bmp")])
def options_that_are_wrong_are_refused_by_name(server, options):
    shelf = server.shelf
    flexible(shelf, True)
    reply = shelf.ask(shelf.store(), options)
    flexible(shelf, False)
    assert (reply.status, reply.code) == (400, "option"), reply


@case(a_shelf_with_keys)
def onerror_leads_nowhere(server):
    shelf = server.shelf
    flexible(shelf, True)
    broken = shelf.store(PHOTO[:200])
    reply = shelf.ask(broken, "width=5,onerror=redirect")
    flexible(shelf, False)
    assert reply.status == 422 and not reply.get("Location"), reply


# --- signatures ---

@table(a_shelf_with_keys, [(f"{name}, {what}, {where or 'at the root'}", name, what, where)
                           for name in ("default", "second")
                           for what in ("public", "width=50,format=png")
                           for where in ("", LOWER)])
def a_private_picture_is_seen_with_a_signed_link(server, name, what, where):
    shelf = server.shelf
    picture = shelf.store(requireSignedURLs="true", id=f"private/{name}/{what}/{len(where)}")
    path = shelf.path(picture, what, where)
    plain = server.ask(path)
    assert (plain.status, plain.code) == (403, "signature"), plain
    reply = server.ask(signed(path, shelf.keys[name]))
    assert reply.status == 200, reply
    kind, _, age = reply.get("Cache-Control").partition(", max-age=")
    assert kind == "private" and 500 < int(age) <= 600, reply
    again = server.ask(signed(path, shelf.keys[name]))
    assert again.body == reply.body and "; hit" in again.get("Cache-Status"), again
    assert shelf.images.remove(picture).status == 200
    assert server.ask(signed(path, shelf.keys[name])).status == 404


@case(a_shelf_with_keys)
def our_own_command_signs_such_links(server):
    shelf = server.shelf
    picture = shelf.store(requireSignedURLs="true")
    made = command("sign", "--key", f"default:{shelf.keys['default']}", shelf.path(picture))
    assert made.returncode == 0, made
    assert server.ask(made.stdout.strip()).status == 200, made.stdout


@case(a_shelf_with_keys)
def each_bit_of_a_link_counts(server):
    shelf = server.shelf
    picture = shelf.store(requireSignedURLs="true")
    good = signed(shelf.path(picture), shelf.keys["default"])
    with server.connect() as conn:
        assert conn.ask(good).status == 200
        for at in range(good.index("?") - len("public"), len(good)):
            for bit in range(7):
                bad = good[:at] + chr(ord(good[at]) ^ 1 << bit) + good[at + 1:]
                if bad[at] in " #\\%" or not "!" <= bad[at] <= "~":
                    continue  # another request, or none
                reply = conn.ask(bad)
                assert reply.status in (403, 404), (bad, reply)
        assert conn.ask(good).status == 200


@table(a_shelf_with_keys, [
    ("of another picture", lambda shelf, path, key: signed(path, key).replace("public", "other")),
    ("over", lambda shelf, path, key: signed(path, key, exp=int(time.time()) - 1)),
    ("of another key", lambda shelf, path, key: signed(path, key[::-1])),
    ("of no key", lambda shelf, path, key: signed(path, "")),
    ("without a time", lambda shelf, path, key: path + "?sig=" + "0" * 64),
    ("signed twice", lambda shelf, path, key: signed(path, key) + "&sig=" + "0" * 64),
    ("with more behind it", lambda shelf, path, key: signed(path, key) + "&a=b"),
    ("in capitals", lambda shelf, path, key: signed(path, key).upper().replace("EXP", "exp")),
    ("of the path alone", lambda shelf, path, key: signed("", key).replace("?", path + "?", 1)),
])
def a_link_that_is_wrong_is_refused(server, make):
    shelf = server.shelf
    path = shelf.path(shelf.store(requireSignedURLs="true"))
    reply = server.ask(make(shelf, path, shelf.keys["default"]))
    assert reply.status in (403, 404), reply
    assert reply.get("Cache-Control") == "no-store", reply


@case(a_shelf_with_keys)
def a_key_that_is_new_or_gone_is_so_at_once_on_every_loop(server):
    shelf = server.shelf
    path = shelf.path(shelf.store(requireSignedURLs="true"))
    for _ in range(2):
        listed = shelf.ask_api("PUT", "/keys/third").result["keys"]
        third, = [key["value"] for key in listed if key["name"] == "third"]
        link = signed(path, third)
        assert {reply.status for reply in shelf.everywhere(link)} == {200}
        shelf.ask_api("DELETE", "/keys/third").result
        assert {reply.status for reply in shelf.everywhere(link)} == {403}


@case(a_shelf_with_keys)
def a_variant_for_everybody_needs_no_signature(server):
    shelf = server.shelf
    variant(shelf, "blurred", never=True, width=20, blur=50)
    picture = shelf.store(requireSignedURLs="true")
    reply = shelf.ask(picture, "blurred")
    assert reply.status == 200 and reply.get("Cache-Control").startswith("public"), reply
    assert shelf.ask(picture).status == 403


@case(a_shelf_with_keys)
def a_signature_stands_for_flexible_variants(server):
    shelf = server.shelf
    path = shelf.path(shelf.store(), "width=33,format=png")
    assert server.ask(path).code == "denied"
    reply = server.ask(signed(path, shelf.keys["second"]))
    assert pictures.size_of(reply.body)[0] == 33, reply
    assert reply.get("Cache-Control").startswith("public, max-age="), reply


@case(a_shelf_with_keys)
def a_signed_link_is_a_source_as_long_as_it_holds(server):
    shelf = server.shelf
    path = shelf.path(shelf.store(requireSignedURLs="true"))
    front = "/cdn-cgi/image/width=100,format=png"
    assert server.ask(front + path).code == "denied"
    reply = server.ask(front + signed(path, shelf.keys["default"]))
    assert reply.status == 200 and pictures.size_of(reply.body) == (100, 75), reply
    assert reply.get("Cache-Control") == "private, no-store", reply  # nothing of it is kept
    assert server.ask(front + path).code == "denied"
    over = signed(path, shelf.keys["default"], exp=int(time.time()) - 1)
    assert server.ask(front + over).code == "denied"


@case(a_shelf_with_keys)
def a_draft_is_not_there_until_it_was_uploaded(server):

    shelf = server.shelf
    draft = shelf.images.draft().result
    assert shelf.ask(draft["id"]).status == 404
    for status, data in ((415, b"no picture"), (200, PHOTO)):
        told = hosted.once(server, draft["uploadURL"], data)
        # Pages of other sites may read it, good or bad.
        assert told.status == status and told.get("Access-Control-Allow-Origin") == "*", told
    assert not shelf.images.get(draft["id"]).get("Access-Control-Allow-Origin")
    assert pictures.size_of(shelf.ask(draft["id"]).body) == (320, 240)
