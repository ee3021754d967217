"""Workers KV: many keys at once."""
import base64
import json
import pathlib
import random
import re
import time
from urllib.parse import quote

from account import MIB, blobs, serve
from run import case, fixture, table
from selvedge import SLOW, wait_for

LIMIT = 1000


@fixture
def a_server_of_many_keys():
    with serve() as server:
        server.space = server.client.space("many")
        yield server


def pages(space, query):
    """All keys, page by page."""
    names, cursor = [], ""
    while True:
        answer = space.list(f"?{query}&cursor={cursor}")
        info = answer.json["result_info"]
        assert info["count"] == len(answer.result), info
        names += [key["name"] for key in answer.result]
        cursor = info["cursor"]
        if not cursor:
            return names
        assert answer.result


@case(a_server_of_many_keys)
def lists_are_in_order_whole_and_by_prefix(server):
    space = server.client.space("lists")
    shuffle = random.Random(3)
    keys = [f"{prefix}{number:04}" for prefix in ("a/", "b/") for number in range(1250)]
    keys += ["b", "b0", "c/ü", "c/\U0001f5dd", "c/\x7f"]
    mixed = list(keys)
    shuffle.shuffle(mixed)
    assert space.bulk([{"key": key, "value": "x"} for key in mixed]).result == {
        "successful_key_count": len(keys), "unsuccessful_keys": []}
    keys.sort(key=lambda key: key.encode())
    assert pages(space, "limit=1000") == keys
    assert pages(space, "limit=999") == keys
    for prefix in ("b/", "b", "c/", "nothing", "a/1249", "a/124", "\U0001f5dd"):
        want = [key for key in keys if key.startswith(prefix)]
        assert pages(space, f"limit=10&prefix={quote(prefix)}") == want, prefix
    # A cursor goes on behind what it saw, also where that is removed.
    first = space.list("?limit=10&prefix=a/")
    cursor = first.json["result_info"]["cursor"]
    space.bulk_remove([first.result[-1]["name"], "a/0010"])
    assert space.names(f"?limit=10&prefix=a/&cursor={cursor}")[0] == "a/0011"
    assert space.names(f"?prefix=b/&cursor={cursor}")[0] == "b/0000"
    assert space.names(f"?prefix=A&cursor={cursor}") == []


@table(a_server_of_many_keys, [
    ("9", "limit=9", 400), ("10", "limit=10", 200), ("1000", "limit=1000", 200),
    ("1001", "limit=1001", 400), ("a word", "limit=many", 400), ("below 0", "limit=-10", 400),
    ("twice", "limit=10&limit=11", 400), ("a prefix of 512 bytes", "prefix=" + "x" * 512, 200),
    ("a prefix of 513 bytes", "prefix=" + "x" * 513, 413),
    ("a prefix of bytes above all", "prefix=" + "%ff" * 512, 200),
    ("a cursor of ours", "cursor=61", 200), ("a cursor of nobody", "cursor=xyz", 400),
    ("half a cursor", "cursor=616", 400), ("a long cursor", "cursor=" + "61" * 513, 400),
    ("a broken escape", "prefix=%zz", 400), ("what is not known", "colour=red", 200)])
def a_list_has_bounds(server, query, status):
    assert server.space.list("?" + query).status == status


# --- bulk writes ---

@case(a_server_of_many_keys)
def a_bulk_writes_all_of_its_pairs(server):
    space = server.client.space("bulk")
    data = bytes(range(256))
    at = int(time.time()) + 1000
    assert space.bulk([
        {"key": "text", "value": "ü\u0000\U0001f5dd"},
        {"key": "bytes", "value": base64.b64encode(data).decode(), "base64": True},
        {"key": "empty", "value": ""}, {"key": "no bytes", "value": "", "base64": True},
        {"key": "large", "value": "y" * 300000, "metadata": {"a": [1, None]}},
        {"key": "ttl", "value": "1", "expiration_ttl": 60},
        {"key": "at", "value": "1", "expiration": at, "metadata": "m"},
        {"key": "a/b c+d", "value": "1", "base64": False, "expiration": None, "metadata": None},
    ]).result == {"successful_key_count": 8, "unsuccessful_keys": []}
    assert space.value("text") == "ü\0\U0001f5dd".encode()
    assert space.value("bytes") == data and space.value("large") == b"y" * 300000
    assert space.value("empty") == space.value("no bytes") == b""
    assert space.metadata("large").result == {"a": [1, None]}
    assert int(space.get("at").get("Expiration")) == at and space.metadata("at").result == "m"
    assert 0 < int(space.get("ttl").get("Expiration")) - time.time() <= 60
    assert space.value("a/b c+d") == b"1" and space.get("a/b c+d").get("Expiration") is None


@case(a_server_of_many_keys)
def of_a_key_that_is_there_twice_the_last_one_counts(server):
    space = server.client.space("twice")
    pairs = [{"key": f"k{number % 7}", "value": f"{number}"} for number in range(50)]
    pairs += [{"key": "large", "value": letter * 100000} for letter in "abc"]
    before = len(blobs(server))
    assert space.bulk(pairs).result["successful_key_count"] == len(pairs)
    for number in range(43, 50):
        assert space.value(f"k{number % 7}") == b"%d" % number
    assert space.value("large") == b"c" * 100000
    wait_for("one file", lambda: len(blobs(server)) == before + 1)


@table(a_server_of_many_keys, [
    ("no key", {"value": "x"}, 400, "a key is a text"),
    ("a key that is a number", {"key": 5, "value": "x"}, 400, "a key is a text"),
    ("an empty key", {"key": "", "value": "x"}, 400, "1 byte"),
    ("a dot", {"key": ".", "value": "x"}, 400, "cannot be"),
    ("a 0 in a key", {"key": "a\0", "value": "x"}, 400, "no byte 0"),
    ("a key of 513 bytes", {"key": "x" * 513, "value": "x"}, 413, "512"),
    ("no value", {"key": "x"}, 400, "value is a text"),
    ("a value that is a number", {"key": "x", "value": 1}, 400, "value is a text"),
    ("a value that is no base64", {"key": "x", "value": "*", "base64": True}, 400, "base64"),
    ("a value of 25 MiB and a byte", {"key": "x", "value": "x" * (25 * MIB + 1)}, 413, "25 MiB"),
    ("metadata of 1025 bytes", {"key": "x", "value": "x", "metadata": "x" * 1023}, 413, "1024"),
    ("59 s", {"key": "x", "value": "x", "expiration_ttl": 59}, 400, "60 seconds"),
    ("1970", {"key": "x", "value": "x", "expiration": 1}, 400, "60 seconds"),
    ("a word", {"key": "x", "value": "x", "expiration": "soon"}, 400, "numbers"),
    ("below 0", {"key": "x", "value": "x", "expiration_ttl": -60}, 400, "numbers"),
    ("an array", [], 400, "a pair is an object"), ("a text", "x", 400, "a pair is an object"),
    ("null", None, 400, "a pair is an object")])
def a_bulk_with_one_bad_pair_writes_nothing(server, bad, status, part):
    good = [{"key": f"good {number}", "value": "z" * 70000} for number in range(3)]
    before = len(blobs(server))
    answer = server.space.bulk([*good, bad])
    answer.refused(status, part=part)
    assert "item 3" in answer.message, answer
    assert server.space.names("?prefix=good") == [] and len(blobs(server)) == before


@table(a_server_of_many_keys, [
    ("nothing", b""), ("an object", b"{}"), ("no end", b'[{"key":"k","value":"v"}'),
    ("a comma at the end", b'[{"key":"k","value":"v"},]'), ("no comma", b'[{"key":"k","value":"v"}'
                                                            b'{"key":"l","value":"v"}]'),
    ("something behind", b'[{"key":"k","value":"v"}] x'), ("two", b"[][]"),
    ("a member twice", b'[{"key":"k","key":"l","value":"v"}]'),
    ("no UTF-8", b'[{"key":"k","value":"\xff"}]'), ("deep", b"[" * 10000),
    ("deep metadata", b'[{"key":"k","value":"v","metadata":' + b"[" * 10000),
    ("a letter", b"["), ("half a word", b"[tru"), ("a number past all", b"[1e999]")])
def a_bulk_that_is_no_array_of_pairs_is_refused(server, body):
    server.space.bulk(body).refused(400, 10004)
    assert server.space.get("k").status == 404


@table(a_server_of_many_keys, [
    ("brackets", b"[" * 50_000_000), ("numbers", b"[[" + b"0," * 25_000_000 + b"0]]"),
    ("empty texts", b"[[" + b'"",' * 20_000_000 + b'""]]')])
def what_would_become_a_large_tree_is_refused(server, body):
    edge, = server.edges()
    server.space.bulk(body).refused(413, 10022, "item 0")
    assert server.edges() == [edge]
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(
        f"/proc/{edge}/status").read_text())[1])
    assert peak < 1_200_000 or SLOW > 1, peak


@case(a_server_of_many_keys)
def a_reply_that_would_be_too_large_is_refused_as_others_are(server):
    server.space.put("zeros", b"\0" * (12 * MIB))  # six letters each, in JSON
    server.space.bulk_get(["zeros"]).refused(413, 10006, "ask for less")
    server.space.remove("zeros")


@case(a_server_of_many_keys)
def a_bulk_has_10000_pairs_at_most(server):
    space = server.client.space("10000")
    pairs = [{"key": f"{number:05}", "value": "x"} for number in range(10001)]
    space.bulk(pairs).refused(413, 10022, "10000")
    assert space.names() == []
    assert space.bulk(pairs[:-1]).result["successful_key_count"] == 10000
    assert len(pages(space, "limit=1000")) == 10000
    keys = [pair["key"] for pair in pairs]
    space.bulk_remove(keys).refused(413, 10022)
    assert space.bulk_remove(keys[:-1]).result["successful_key_count"] == 10000
    assert space.names() == []
    assert space.bulk([]).result == {"successful_key_count": 0, "unsuccessful_keys": []}


@case(a_server_of_many_keys)
def a_bulk_has_100_mb_at_most(server):
    space = server.client.space("100 MB")
    before = len(blobs(server))
    pairs = json.dumps([{"key": f"{number}", "value": "v" * (24 * MIB)} for number in range(3)])
    body = pairs.encode().ljust(100_000_000)
    assert space.bulk(body).result["successful_key_count"] == 3
    assert space.value("2") == b"v" * (24 * MIB)
    space.bulk(body + b" ").refused(413, 10022, "100000000")
    server.client.ask("DELETE", f"{space.path}/bulk", ["0", "1", "2", "3"]).result
    wait_for("the files to be gone", lambda: len(blobs(server)) == before)


@case(a_server_of_many_keys)
def both_calls_that_remove_keys_do(server):
    space = server.client.space("removed")
    for method, path in (("DELETE", "/bulk"), ("POST", "/bulk/delete")):
        space.bulk([{"key": key, "value": "x"} for key in "abc"])
        assert server.client.ask(method, space.path + path, ["a", "c", "never"]).result[
            "successful_key_count"] == 3
        assert space.names() == ["b"]
        server.client.ask(method, space.path + path, ["b", 5]).refused(400, 10004, "item 1")
        server.client.ask(method, space.path + path, ["b", ""]).refused(400, 10004, "item 1")
        assert space.names() == ["b"]


# --- bulk reads ---

@case(a_server_of_many_keys)
def a_bulk_reads_values_as_text_or_as_json(server):
    space = server.client.space("bulk get")
    large = {"a": ["y" * 200000]}
    space.bulk([{"key": "json", "value": '{"a":1}', "metadata": {"m": 1}},
                {"key": "large", "value": json.dumps(large)}, {"key": "number", "value": "5"}])
    keys = ["json", "large", "never", "number"]
    assert space.bulk_get(keys).result == {"values": {
        "json": '{"a":1}', "large": json.dumps(large), "never": None, "number": "5"}}
    assert space.bulk_get(keys, type="json").result == {"values": {
        "json": {"a": 1}, "large": large, "never": None, "number": 5}}
    assert space.bulk_get(["json", "never"], type="json", withMetadata=True).result == {
        "values": {"json": {"value": {"a": 1}, "metadata": {"m": 1}}, "never": None}}
    assert space.bulk_get(["json", "json"]).result == {"values": {"json": '{"a":1}'}}
    space.put("text", b"no JSON")
    space.put("bytes", b"\xff\0")
    space.bulk_get(["text"], type="json").refused(400, 10004)
    space.bulk_get(["bytes"]).refused(400, 10004)
    space.bulk_get(["json"], type="bytes").refused(400, 10004, "type")


@case(a_server_of_many_keys)
def a_bulk_reads_100_keys_and_25_mib_at_most(server):
    space = server.space
    keys = [f"{number}" for number in range(101)]
    assert len(space.bulk_get(keys[:100]).result["values"]) == 100
    space.bulk_get(keys).refused(413, part="100 keys")
    space.bulk_get([]).refused(400, part="keys")
    space.bulk_get([5]).refused(400, part="key")
    server.client.ask("POST", f"{space.path}/bulk/get", {}).refused(400, part="keys")
    server.client.ask("POST", f"{space.path}/bulk/get", []).refused(400, part="keys")
    for key, length in (("one", 13), ("two", 12), ("three", 1)):
        space.put(key, b"z" * (length * MIB))
    got = space.bulk_get(["one", "two"]).result["values"]
    assert [len(got[key]) for key in ("one", "two")] == [13 * MIB, 12 * MIB]
    space.bulk_get(["one", "two", "three"]).refused(413, 10022, "25 MiB")
    space.bulk_remove(["one", "two", "three"])
