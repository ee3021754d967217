"""Variants, signing keys, and what else an account says of its pictures."""
import threading

from hosted import URL, serve
from run import case, fixture, table
from selvedge import command

HERO = {"fit": "scale-down", "height": 768, "metadata": "none", "width": 1366}
PUBLIC = {"id": "public", "options": {"fit": "scale-down", "width": 1366, "height": 768,
                                      "metadata": "none"}, "neverRequireSignedURLs": False}


@fixture
def a_server_of_variants():
    with serve() as server:
        server.path = server.images.at(rest="/variants")
        server.keys = server.images.at(rest="/keys")
        yield server


def make(server, name, options=None, **more):
    return server.client.ask("POST", server.path, {
        "id": name, "options": HERO if options is None else options, **more})


@case(a_server_of_variants)
def a_variant_is_made_shown_changed_and_removed(server):
    ask = server.client.ask
    made = make(server, "hero", neverRequireSignedURLs=True).result
    assert made == {"variant": {"id": "hero", "options": HERO, "neverRequireSignedURLs": True}}
    at = server.path + "/hero"
    assert ask("GET", at).result == made
    assert ask("GET", server.path).result == {
        "variants": {"public": PUBLIC, "hero": made["variant"]}}
    make(server, "hero").refused(409, 5409, "Resource already exists")
    changed = ask("PATCH", at, {"options": {"width": 100}}).result["variant"]
    assert changed == {"id": "hero", "options": {"width": 100}, "neverRequireSignedURLs": True}
    changed = ask("PATCH", at, {"neverRequireSignedURLs": False}).result["variant"]
    assert changed["options"] == {"width": 100} and not changed["neverRequireSignedURLs"]
    assert ask("DELETE", at).result == {}
    for method, body in (("GET", None), ("PATCH", {"options": HERO}), ("DELETE", None)):
        ask(method, at, body).refused(404, 5404, "Variant not found")


@case(a_server_of_variants)
def pictures_have_a_link_for_each_variant(server):
    made = server.images.upload(id="linked").result
    assert [link.rpartition("/")[2] for link in made["variants"]] == ["public"]
    for name in ("Zoom", "avatar-2", "b_c"):
        make(server, name).result
    wanted = ["public", "Zoom", "avatar-2", "b_c"]
    for answer in (server.images.get("linked").result, server.images.list().result["images"][0]):
        assert [link.rpartition("/")[2] for link in answer["variants"]] == wanted
        assert all(link.startswith(URL + "/") and "/linked/" in link
                   for link in answer["variants"])
    for name in wanted[1:]:
        server.client.ask("DELETE", f"{server.path}/{name}").result


@case(a_server_of_variants)
def the_public_variant_is_always_there(server):
    ask, at = server.client.ask, server.path + "/public"
    assert ask("GET", at).result == {"variant": PUBLIC}
    assert ask("DELETE", at).result == {}
    changed = ask("PATCH", at, {"options": {"width": 7}, "neverRequireSignedURLs": True}).result
    assert changed["variant"]["options"] == {"width": 7}
    assert ask("GET", server.path).result["variants"] == {"public": changed["variant"]}
    assert len(server.images.upload(id="p").result["variants"]) == 1
    assert ask("DELETE", at).result == {}
    assert ask("GET", at).result == {"variant": PUBLIC}


def at_once(server, *asked):
    """The answers to these, each asked on a connection of its own."""
    answers = [None] * len(asked)

    def run(number, method, path, body=None):
        with server.client.client(server.client.token) as client:
            answers[number] = client.ask(method, path, body)
    threads = [threading.Thread(target=run, args=(number, *what))
               for number, what in enumerate(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@table(a_server_of_variants, [(name, name) for name in ("public", "both")])
def of_two_changes_at_once_neither_is_lost(server, name):
    ask, at = server.client.ask, f"{server.path}/{name}"
    for width in range(1, 30):
        if name != "public":
            make(server, name, {"width": 500}).result
        for answer in at_once(server, ("PATCH", at, {"options": {"width": width}}),
                              ("PATCH", at, {"neverRequireSignedURLs": True})):
            assert answer.status == 200, answer
        assert ask("GET", at).result["variant"] == {
            "id": name, "options": {"width": width}, "neverRequireSignedURLs": True}
        ask("DELETE", at).result


@case(a_server_of_variants)
def what_is_changed_while_it_is_removed_is_gone(server):
    ask, at = server.client.ask, server.path + "/brief"
    for width in range(1, 30):
        make(server, "brief").result
        changed, removed = at_once(
            server, ("PATCH", at, {"options": {"width": width}}), ("DELETE", at))
        assert changed.status in (200, 404) and removed.status == 200, (changed, removed)
        ask("GET", at).refused(404, 5404)


@table(a_server_of_variants, [
    ("a blur", {"blur": 5.5, "width": 10}), ("a colour", {"background": "000000", "fit": "pad"}),
    ("a colour with commas", {"width": 5, "background": "rgb(1,2,3)", "height": 6}),
    ("a switch", {"anim": False}), ("a word", {"quality": "high"}), ("a number", {"quality": 80}),
    ("a point", {"gravity": "0.5x0.25", "fit": "crop", "width": 9, "height": 9})])
def options_come_back_as_they_were(server, options):
    assert make(server, "one", options).result["variant"]["options"] == options
    assert server.client.ask("GET", server.path + "/one").result["variant"]["options"] == options
    server.client.ask("DELETE", server.path + "/one").result


@table(a_server_of_variants, [
    ("no id", None, {}, 400, "letters"), ("an empty id", "", {}, 400, "letters"),
    ("options for an id", "w=400", {}, 400, "letters"), ("a slash", "a/b", {}, 400, "letters"),
    ("100 letters", "x" * 100, {}, 413, "99 bytes"),
    ("no options", "a", {"options": {}}, 400, "options is an object"),
    ("options in an array", "a", {"options": [1]}, 400, "options is an object"),
    ("an option that is none", "a", {"options": {"colour": "red"}}, 400, "colour"),
    ("a preset", "a", {"options": {"preset": "x"}}, 400, "preset"),
    ("a width of 0", "a", {"options": {"width": 0}}, 400, "width"),
    ("a fit that is none", "a", {"options": {"fit": "tight"}}, 400, "fit"),
    ("a null", "a", {"options": {"width": None}}, 400, "width"),
    ("two options in one", "a", {"options": {"fit": "cover,width=5"}, }, 400, "'fit' is more"),
    ("a preset in another", "a", {"options": {"width": "9,preset=a"}}, 400, "'width' is more"),
    ("one twice", "a", {"options": {"width": "5,width=6"}}, 400, "width"),
    ("an escape", "a", {"options": {"fit": "%63over"}}, 400, "%"),
    ("a long one", "a", {"options": {"background": "x" * 1025}}, 413, "1024"),
    ("perhaps signed", "a", {"neverRequireSignedURLs": 1}, 400, "true or false")])
def what_is_no_variant_is_refused(server, name, what, status, part):
    answer = server.client.ask("POST", server.path, {
        "options": HERO, **({"id": name} if name is not None else {}), **what})
    answer.refused(status, 5413 if status == 413 else 5400, part)
    assert list(server.client.ask("GET", server.path).result["variants"]) == ["public"]


@table(a_server_of_variants, [
    ("perhaps signed", {"neverRequireSignedURLs": "yes"}, "true or false"),
    ("perhaps signed, and a width", {"neverRequireSignedURLs": 1, "options": {"width": 5}},
     "true or false"),
    ("null", {"neverRequireSignedURLs": None}, "true or false"),
    ("no options", {"options": {}}, "options is an object"),
    ("an array", [1], "options is an object")])
def what_is_no_change_of_a_variant_is_refused(server, what, part):
    ask, at = server.client.ask, server.path + "/kept"
    before = make(server, "kept", neverRequireSignedURLs=True).result
    ask("PATCH", at, what).refused(400, 5400, part)
    assert ask("GET", at).result == before
    assert ask("PATCH", at, {}).result == before
    ask("DELETE", at).result


@case(a_server_of_variants)
def an_account_has_100_variants(server):
    for number in range(100):
        make(server, f"v{number}").result
    make(server, "more").refused(413, 5413, "100 variants")
    assert len(server.client.ask("GET", server.path).result["variants"]) == 101
    for number in range(100):
        server.client.ask("DELETE", f"{server.path}/v{number}").result


@case(a_server_of_variants)
def flexible_variants_are_switched(server):
    ask, at = server.client.ask, server.images.at(rest="/config")
    assert ask("GET", at).result == {"flexible_variants": False}
    for value in (True, False):
        assert ask("PATCH", at, {"flexible_variants": value}).result == {
            "flexible_variants": value}
        assert ask("GET", at).result == {"flexible_variants": value}
    for body in ({}, [], {"flexible_variants": "yes"}):
        ask("PATCH", at, body).refused(400, 5400, "true or false")


# --- signing keys ---

def keys(answer):
    return {key["name"]: key["value"] for key in answer.result["keys"]}


def only(server, name):
    """That key, and no other."""
    for key in set(keys(server.client.ask("PUT", f"{server.keys}/{name}"))) - {name}:
        server.client.ask("DELETE", f"{server.keys}/{key}").result


@case(a_server_of_variants)
def there_is_always_a_signing_key(server):
    ask = server.client.ask
    first = keys(ask("GET", server.keys))
    assert list(first) == ["default"] and len(first["default"]) == 64
    assert keys(ask("GET", server.keys)) == first
    both = keys(ask("PUT", server.keys + "/second"))
    assert both["default"] == first["default"] and len(both["second"]) == 64
    assert both["second"] != first["default"]
    assert keys(ask("PUT", server.keys + "/second")) == both
    assert keys(ask("DELETE", server.keys + "/default")) == {"second": both["second"]}
    ask("DELETE", server.keys + "/second").refused(409, 5409, "last signing key")
    ask("DELETE", server.keys + "/default").refused(404, 5404, "Signing key not found")
    assert keys(ask("GET", server.keys)) == {"second": both["second"]}
    new = keys(ask("PUT", server.keys + "/default"))
    assert new["second"] == both["second"] and new["default"] != first["default"]
    assert list(keys(ask("DELETE", server.keys + "/second"))) == ["default"]


@case(a_server_of_variants)
def of_two_who_delete_the_last_two_keys_at_once_one_is_refused(server):
    ask = server.client.ask
    for _ in range(15):
        only(server, "one")
        ask("PUT", server.keys + "/two").result
        answers = at_once(server, ("DELETE", server.keys + "/one"),
                          ("DELETE", server.keys + "/two"))
        good, bad = sorted(answers, key=lambda answer: answer.status)
        assert good.status == 200 and len(keys(good)) == 1, answers
        bad.refused(409, 5409, "last signing key")
        assert keys(ask("GET", server.keys)) == keys(good)


@case(a_server_of_variants)
def of_keys_that_are_made_at_once_none_is_lost(server):
    ask = server.client.ask
    names = {f"made{number}" for number in range(4)}
    for answer in at_once(server, *[("PUT", f"{server.keys}/{name}") for name in names]):
        assert answer.status == 200, answer
    assert names <= set(keys(ask("GET", server.keys)))


@case(a_server_of_variants)
def an_account_has_10_signing_keys(server):
    ask = server.client.ask
    only(server, "key0")
    for number in range(1, 10):
        ask("PUT", f"{server.keys}/key{number}").result
    ask("PUT", server.keys + "/more").refused(413, 5413, "10 signing keys")
    assert list(keys(ask("GET", server.keys))) == [f"key{number}" for number in range(10)]
    only(server, "key0")
    value = keys(ask("PUT", f"{server.keys}/{'x' * 32}"))["x" * 32]
    assert command("sign", "--key", f"{'x' * 32}:{value}", "/a/b/public").returncode == 0
    ask("DELETE", f"{server.keys}/{'x' * 32}").result
    ask("PUT", f"{server.keys}/{'x' * 33}").refused(413, 5413, "32 bytes")
    ask("PUT", f"{server.keys}/a.b").refused(400, 5400, "letters")


@case(a_server_of_variants)
def who_only_reads_sees_no_signing_key(server):
    reader = server.client.with_rights("Images Read")
    reader.ask("GET", server.keys).refused(403, 9109)
    reader.ask("GET", server.images.at(rest="/batch_token")).refused(403, 9109)
    assert reader.ask("GET", server.path).status == 200
