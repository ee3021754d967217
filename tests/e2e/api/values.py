"""Workers KV: keys and values one by one, and the namespaces they are in."""
import json
import time

from account import MIB, blobs, form, serve
from run import case, fixture, table
from selvedge import SLOW, request, wait_for

INLINE = 65536  # a row holds that much


@fixture
def a_server_of_keys_and_values():
    with serve() as server:
        server.space = server.client.space("values")
        yield server


def missing(server, space_id):
    return server.client.ask("GET", f"~/storage/kv/namespaces/{space_id}")


# --- namespaces ---

@case(a_server_of_keys_and_values)
def a_namespace_is_made_shown_renamed_and_deleted(server):
    client = server.client
    space = client.space("a namespace")
    assert space.record == {"id": space.id, "title": "a namespace", "supports_url_encoding": True}
    assert client.ask("GET", space.path).result == space.record
    renamed = client.ask("PUT", space.path, {"title": "another"}).result
    assert renamed == {**space.record, "title": "another"} == client.ask("GET", space.path).result
    # The old title is free, the new one is not.
    client.ask("POST", "~/storage/kv/namespaces", {"title": "another"}).refused(400, 10014)
    again = client.space("a namespace")
    client.ask("PUT", again.path, {"title": "another"}).refused(400, 10014)
    client.ask("PUT", again.path, {"title": "a namespace"}).result  # to what it has
    assert client.ask("DELETE", space.path).result == {}
    for method, body in (("GET", None), ("PUT", {"title": "x"}), ("DELETE", None)):
        client.ask(method, space.path, body).refused(404, 10013)
    assert client.space("another").id != space.id


@table(a_server_of_keys_and_values, [
    ("none", {}, 400, 10004), ("an empty one", {"title": ""}, 400, 10004),
    ("a number", {"title": 1}, 400, 10004), ("512 bytes", {"title": "ü" * 256}, 200, None),
    ("513 bytes", {"title": "ü" * 256 + "x"}, 413, 10022), ("an array", [], 400, 10004)])
def a_title_is_a_text_of_1_to_512_bytes(server, body, status, code):
    answer = server.client.ask("POST", "~/storage/kv/namespaces", body)
    assert answer.status == status and (status == 200 or answer.code == code), answer


@case(a_server_of_keys_and_values)
def namespaces_are_listed_by_page_and_in_order(server):
    client = server.client
    mine = {client.space(f"listed {number:02}").id for number in range(23)}
    whole = client.ask("GET", "~/storage/kv/namespaces?per_page=1000&order=title").result
    titles = [space["title"] for space in whole]
    assert titles == sorted(titles) and mine <= {space["id"] for space in whole}
    for query, key, down in (("order=id", "id", False), ("order=id&direction=desc", "id", True),
                             ("order=title&direction=desc", "title", True)):
        got = [space[key] for space in
               client.ask("GET", f"~/storage/kv/namespaces?per_page=1000&{query}").result]
        assert got == sorted(got, reverse=down), query
    paged = []
    for page in range(1, 100):
        answer = client.ask(
            "GET", f"~/storage/kv/namespaces?per_page=10&order=title&page={page}")
        paged += answer.result
        if not answer.result:
            break
    assert paged == whole
    for query in ("order=size", "direction=up", "per_page=1001", "per_page=0", "page=-1"):
        client.ask("GET", f"~/storage/kv/namespaces?{query}").refused(400, 10004)


@table(a_server_of_keys_and_values, [
    ("another", "0" * 32), ("too short", "0"), ("too long", "0" * 33), ("no hexadecimal", "x" * 32),
    ("a path", "..%2f" * 6 + "aa"), ("with a 0", "%00" * 32)])
def a_namespace_that_is_not_there_is_told(server, name):
    path = f"~/storage/kv/namespaces/{name}"
    for method, rest, body in (
            ("GET", "", None), ("PUT", "", {"title": "x"}), ("DELETE", "", None),
            ("GET", "/keys", None), ("GET", "/values/a", None), ("PUT", "/values/a", b"1"),
            ("DELETE", "/values/a", None), ("GET", "/metadata/a", None), ("PUT", "/bulk", []),
            ("DELETE", "/bulk", []), ("POST", "/bulk/get", {"keys": ["a"]}),
            ("POST", "/bulk/delete", [])):
        answer = server.client.ask(method, path + rest, body)
        assert (answer.status, answer.code) in ((404, 10013), (400, 7003)), (method, rest, answer)
        assert name != "0" * 32 or answer.code == 10013


# --- values ---

@table(a_server_of_keys_and_values, [
    ("empty", b""), ("a byte", b"x"), ("bytes", bytes(range(256)) * 3), ("zeros", b"\0" * 1000),
    ("JSON", b'{"a": 1}'), ("as large as a row holds", b"r" * INLINE),
    ("a byte larger", b"b" * (INLINE + 1)), ("large", bytes(range(256)) * 4096)])
def a_value_comes_back_as_it_was(server, value):
    space = server.space
    assert space.put("a value", value).result == {}
    answer = space.get("a value")
    assert (answer.status, answer.body) == (200, value)
    assert answer.get("Content-Type") == "application/octet-stream"
    assert answer.get("X-Content-Type-Options") == "nosniff"
    assert answer.get("Expiration") is None
    assert space.metadata("a value").result is None


@table(a_server_of_keys_and_values, [(name, key) for name, key in (
    ("a slash", "a/b"), ("slashes", "//a//b/"), ("a dot within", "a/./b/../c"), ("dots", "..."),
    ("spaces", " a b "), ("a plus", "a+b"), ("a percent sign", "100%"), ("an escape", "%41"),
    ("unicode", "日本語 ключ 🗝"), ("a question", "a?b=c&d"), ("a fence", "a#b"),
    ("a backslash", "a\\b"), ("a quote", "\"'"), ("control bytes", "a\tb\r\n\x7f"),
    ("512 bytes", "ü" * 256), ("values", "values/x/keys"))])
def any_text_is_a_key(server, key):
    space = server.space
    assert space.put(key, key.encode()).status == 200
    assert space.value(key) == key.encode()
    assert key in space.names()
    assert space.bulk_get([key]).result == {"values": {key: key}}
    assert space.remove(key).result == {}
    space.is_gone(key)


@case(a_server_of_keys_and_values)
def a_slash_is_one_whether_it_is_escaped_or_not(server):
    space = server.space
    space.put("one/slash", b"1")
    answer = server.client.ask("GET", f"{space.path}/values/one/slash")
    assert answer.body == b"1"
    assert server.client.ask("GET", f"{space.path}/values/%6Fne%2Fslash").body == b"1"
    # But a plus is one, and no space.
    server.client.ask("PUT", f"{space.path}/values/a+b", b"plus")
    assert space.value("a+b") == b"plus"
    space.is_gone("a b")


@table(a_server_of_keys_and_values, [
    ("none", "", 400, "1 byte"), ("a dot", ".", 400, "cannot be"), ("two dots", "..", 400,
                                                                    "cannot be"),
    ("escaped dots", "%2E%2e", 400, "cannot be"), ("513 bytes", "x" * 513, 413, "512"),
    ("257 letters of 2 bytes", "%C3%BC" * 257, 413, "512"), ("no UTF-8", "%ff", 400, "UTF-8"),
    ("half a letter", "a%C3", 400, "UTF-8"), ("a surrogate", "%ED%A0%80", 400, "UTF-8"),
    ("a 0", "a%00b", 400, ""), ("half an escape", "a%4", 400, ""), ("no escape", "a%zz", 400, "")])
def what_is_no_key_is_refused(server, raw, status, part):
    for what, method, body in (("values", "GET", None), ("values", "PUT", b"1"),
                               ("values", "DELETE", None), ("metadata", "GET", None)):
        server.client.ask(method, f"{server.space.path}/{what}/{raw}", body).refused(
            status, part=part)


@case(a_server_of_keys_and_values)
def what_is_not_there_is_told(server):
    server.space.is_gone("never")
    server.space.metadata("never").refused(404, 10009)
    assert server.space.remove("never").result == {}  # which is no error


@case(a_server_of_keys_and_values)
def a_value_of_25_mib_is_the_largest(server):
    space = server.space
    most = bytes(range(256)) * (25 * MIB // 256)
    assert space.put("most", most).status == 200
    assert space.value("most") == most
    assert space.put_form("most as a form", most, '{"a": 1}').status == 200
    assert space.value("most as a form") == most
    before = len(blobs(server))
    space.put("more", most + b"x").refused(413, 10022, "25 MiB")
    space.put_form("more", most + b"x").refused(413, 10022, "25 MiB")
    space.is_gone("more")
    for key in ("most", "most as a form"):
        space.remove(key)
    wait_for("the blobs to be gone", lambda: len(blobs(server)) <= before - 2)


def chunked(server, key, chunks, end=b"0\r\n\r\n", fields=()):
    """Send a value in pieces, without saying how long it is."""
    path = server.space.at(key).replace("~", f"/client/v4/accounts/{server.client.account}")
    conn = server.connect(-1)
    conn.send(request(path, "PUT", fields={**server.client.fields(), **dict(fields),
                                           "Transfer-Encoding": "chunked"}))
    for chunk in chunks:
        conn.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    if end:
        conn.send(end)
    return conn


@table(a_server_of_keys_and_values, [
    ("none", []), ("one", [b"x"]), ("many small ones", [b"abc"] * 1000),
    ("many large ones", [b"\0" * 30000] * 100)])
def a_value_may_come_in_chunks(server, chunks):
    with chunked(server, "chunks", chunks) as conn:
        assert conn.reply("PUT").status == 200
    assert server.space.value("chunks") == b"".join(chunks)


@case(a_server_of_keys_and_values)
def chunks_are_bounded_as_well(server):
    with chunked(server, "too many", [b"x" * MIB] * 25 + [b"x"]) as conn:
        assert conn.reply("PUT").status == 413
    server.space.is_gone("too many")


@case(a_server_of_keys_and_values)
def an_upload_may_wait_for_100_continue(server):
    path = server.space.at("continued").replace("~", f"/client/v4/accounts/{server.client.account}")
    with server.connect(-1) as conn:
        conn.send(request(path, "PUT", fields={
            **server.client.fields(), "Content-Length": "5", "Expect": "100-continue"}))
        status, _ = conn.head()
        assert status == 100
        conn.send(b"12345")
        assert conn.reply("PUT").status == 200
    assert server.space.value("continued") == b"12345"
    # Who may not write is told before he sends.
    with server.connect(-1) as conn:
        conn.send(request(path, "PUT", fields={
            "Content-Length": "5", "Expect": "100-continue"}))
        assert conn.reply("PUT").status == 401


@table(a_server_of_keys_and_values, [
    ("small", 100), ("large", 3 * MIB)])
def a_client_that_vanishes_while_it_sends_leaves_nothing(server, length):
    before = len(blobs(server))
    for half in (b"x" * length, b"x" * (length // 2)):
        chunked(server, "vanished", [half], end=None).close()
    # Whoever asks on another connection is served by the same loop, later.
    server.space.is_gone("vanished")
    wait_for("the files to be gone", lambda: len(blobs(server)) == before)
    server.space.is_gone("vanished")


@case(a_server_of_keys_and_values)
def requests_may_come_at_once(server):
    """Pipelined; a key's write is seen by the read behind it."""
    path = server.space.at("pipelined").replace("~", f"/client/v4/accounts/{server.client.account}")
    fields = server.client.fields()
    with server.connect(-1) as conn:
        conn.send(b"".join(request(path, "PUT", fields=fields, body=b"%d" % number)
                           + request(path, fields=fields) for number in range(20)))
        for number in range(20):
            assert conn.reply("PUT").status == 200
            assert conn.reply().body == b"%d" % number


# --- metadata and forms ---

@table(a_server_of_keys_and_values, [
    ("an object", '{"a": [1, 2.5, null, "x"]}'), ("a text", '"x"'), ("a number", "5"),
    ("null", "null"), ("unicode", '{"ключ": "🗝"}'), ("a NUL", '"a\\u0000b"'),
    ("1024 bytes", json.dumps("x" * 1022))])
def metadata_comes_back_as_it_was(server, metadata):
    space = server.space
    assert space.put_form("with metadata", b"value", metadata).status == 200
    assert space.value("with metadata") == b"value"
    want = json.loads(metadata)
    assert space.metadata("with metadata").result == want
    listed, = space.list("?prefix=with%20metadata").result
    assert listed.get("metadata") == want
    got = space.bulk_get(["with metadata"], withMetadata=True).result["values"]["with metadata"]
    assert got == {"value": "value", "metadata": want}
    space.put("with metadata", b"again")
    assert space.metadata("with metadata").result is None  # it went with its value


@table(a_server_of_keys_and_values, [
    ("1025 bytes of metadata", [("value", "x"), ("metadata", json.dumps("x" * 1023))], 413, 10022,
     "1024"),
    ("metadata that is no JSON", [("value", "x"), ("metadata", "{")], 400, 10004, "metadata"),
    ("no value", [("metadata", "{}")], 400, 10004, "value"),
    ("the value twice", [("value", "x"), ("value", "y")], 400, 10004, "twice"),
    ("metadata twice", [("metadata", "1"), ("metadata", "2")], 400, 10004, "twice"),
    ("three parts", [("value", "x"), ("metadata", "1"), ("metadata", "2")], 413, 10022, ""),
    ("a part that is not known", [("value", "x"), ("colour", "y")], 400, 10004, "parts"),
])
def a_form_that_is_wrong_is_refused(server, parts, status, code, part):
    body, kind = form(*parts)
    server.space.put("formed", body, fields={"Content-Type": kind}).refused(status, code, part)
    server.space.is_gone("formed")


@case(a_server_of_keys_and_values)
def a_form_that_does_not_end_is_refused(server):
    body, kind = form(("value", "x" * 100000))
    before = len(blobs(server))
    for end in (1, 3, 20, 1000):
        server.space.put("cut", body[:-end], fields={"Content-Type": kind}).refused(400)
    server.space.put("cut", body, fields={"Content-Type": "multipart/form-data"}).refused(400)
    server.space.is_gone("cut")
    wait_for("the files to be gone", lambda: len(blobs(server)) == before)


@table(a_server_of_keys_and_values, [
    ("the value first", [("value", b"\r\n--a-bound\0"), ("metadata", "1")]),
    ("metadata first", [("metadata", "1"), ("value", b"\r\n--a-bound\0")]),
    ("a large one behind", [("metadata", "1"), ("value", b"\r\n-" * 100000)]),
    ("a large one before", [("value", b"\r\n-" * 100000), ("metadata", "1")])])
def the_parts_come_in_any_order(server, parts):
    body, kind = form(*parts)
    assert server.space.put("ordered", body, fields={"Content-Type": kind}).status == 200
    assert server.space.value("ordered") == dict(parts)["value"]
    assert server.space.metadata("ordered").result == 1


# --- expiry ---

@table(a_server_of_keys_and_values, [
    ("in 60 s", "expiration_ttl=60", 200, ""), ("in 59 s", "expiration_ttl=59", 400, "60 seconds"),
    ("at once", "expiration_ttl=0", 400, "60 seconds"), ("before", "expiration_ttl=-1", 400, ""),
    ("in a word", "expiration_ttl=soon", 400, "number"),
    ("twice", "expiration_ttl=60&expiration_ttl=61", 400, ""),
    ("in 1970", "expiration=1", 400, "60 seconds"),
    ("in 1000 years", "expiration=33000000000", 200, ""),
    ("past all", "expiration=99999999999999999999", 400, "number")])
def an_expiry_is_at_least_60_s_from_now(server, query, status, part):
    space = server.space
    space.remove("expires")
    answer = space.put("expires", b"x", "?" + query)
    if status != 200:
        answer.refused(status, 10004, part)
        space.is_gone("expires")
        return
    assert answer.status == 200
    expires = int(space.get("expires").get("Expiration"))
    if "ttl" in query:
        assert 55 - 20 * SLOW < expires - time.time() <= 60
    listed, = space.list("?prefix=expires").result
    assert listed == {"name": "expires", "expiration": expires}
    got = space.bulk_get(["expires"], withMetadata=True).result["values"]["expires"]
    assert got == {"value": "x", "metadata": None, "expiration": expires}
    space.put("expires", b"x")
    assert space.get("expires").get("Expiration") is None


# --- what values leave behind ---

@case(a_server_of_keys_and_values)
def a_large_value_that_is_replaced_or_removed_leaves_no_file(server):
    space = server.space
    before = len(blobs(server))
    for number in range(5):
        assert space.put("large", bytes([number]) * 200000).status == 200
        assert space.value("large") == bytes([number]) * 200000
    wait_for("one file alone", lambda: len(blobs(server)) == before + 1)
    space.put("large", b"small now")
    wait_for("no file", lambda: len(blobs(server)) == before)
    space.bulk([{"key": "large", "value": "y" * 200000}])
    wait_for("a file", lambda: len(blobs(server)) == before + 1)
    space.remove("large")
    wait_for("no file again", lambda: len(blobs(server)) == before)


@case(a_server_of_keys_and_values)
def a_namespace_that_is_deleted_is_gone_at_once_and_its_files_soon(server):
    space = server.client.space("to be deleted")
    before = len(blobs(server))
    for number in range(30):
        space.put(f"large {number}", b"x" * 100000)
    assert len(blobs(server)) == before + 30
    server.client.ask("DELETE", space.path)
    space.get("large 1").refused(404, 10013)
    space.list().refused(404, 10013)
    space.put("large 1", b"x").refused(404, 10013)
    space.bulk([{"key": "a", "value": "b"}]).refused(404, 10013)
    assert space.id not in str(server.client.ask(
        "GET", "~/storage/kv/namespaces?per_page=1000").result)
    wait_for("the files to be gone", lambda: len(blobs(server)) == before)


@case(a_server_of_keys_and_values)
def of_many_namespaces_each_has_its_turn(server):
    spaces = [server.client.space(f"turn {number}") for number in range(60)]
    before = len(blobs(server))
    for space in spaces[::6]:
        space.put("large", b"x" * 100000)
    for space in spaces:
        server.client.ask("DELETE", space.path).result
    wait_for("the files to be gone", lambda: len(blobs(server)) == before)


@case(a_server_of_keys_and_values)
def what_ends_after_its_namespace_was_deleted_is_not_written(server):
    space = server.client.space("too late")
    before = len(blobs(server))
    body = json.dumps([{"key": f"{number}", "value": "x" * 100000} for number in range(3)])
    path = space.at("slow").replace("~", f"/client/v4/accounts/{server.client.account}")
    fields = server.client.fields()
    halves = []
    for target, data in ((path, b"x" * 300000), (path.partition("/values")[0] + "/bulk",
                                                 body.encode())):
        conn = server.connect(-1)
        whole = request(target, "PUT", fields=fields, body=data)
        conn.send(whole[:-1])
        halves.append((conn, whole[-1:]))
    wait_for("the upload to be under way", lambda: len(blobs(server)) > before)
    server.client.ask("DELETE", space.path).result
    for conn, rest in halves:
        conn.send(rest)
        assert conn.reply("PUT").status == 404
        conn.close()
    wait_for("the files to be gone", lambda: len(blobs(server)) == before)
