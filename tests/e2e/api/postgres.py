"""The same with its rows in PostgreSQL, which may be away for a while."""
import os
import signal
import subprocess

from account import blobs, serve
from database import postgres
from run import case, fixture
from selvedge import wait_for

LARGE = bytes(range(256)) * 1000


@fixture
def a_server_with_postgresql():
    with postgres() as (url, control), serve(store={"maps": url}) as server:
        server.control = control
        server.space = server.client.space("in PostgreSQL")
        yield server


def told(server, *words):
    """Tell the database's server something, and wait until it is done."""
    done = subprocess.run(f"{server.control} -w {' '.join(words)}", shell=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, done


@case(a_server_with_postgresql)
def values_are_written_read_listed_and_removed(server):
    space = server.space
    assert space.put("small", b"\0small").status == 200
    assert space.put("large", LARGE).status == 200
    assert space.put_form("form", b"x", '{"a": 1}', "?expiration_ttl=600").status == 200
    assert (space.value("small"), space.value("large")) == (b"\0small", LARGE)
    assert space.metadata("form").result == {"a": 1}
    assert space.names() == ["form", "large", "small"]
    assert space.names("?prefix=s") == ["small"]
    assert space.remove("small").status == 200
    space.is_gone("small")
    assert space.put("large", b"small").status == 200
    wait_for("no file", lambda: not blobs(server))


@case(a_server_with_postgresql)
def bulks_and_pages_work(server):
    space = server.client.space("bulks")
    pairs = [{"key": f"{number:04}", "value": f"{number}", "metadata": number,
              "expiration_ttl": 600} for number in range(2500)]
    assert space.bulk([*pairs, {"key": "0000", "value": "last"}]).result == {
        "successful_key_count": 2501, "unsuccessful_keys": []}
    first = space.list()
    assert len(first.result) == 1000 and first.result[7]["metadata"] == 7
    names = [key["name"] for key in first.result]
    while cursor := first.json["result_info"]["cursor"]:
        first = space.list(f"?cursor={cursor}")
        names += [key["name"] for key in first.result]
    assert names == [pair["key"] for pair in pairs]
    assert space.bulk_get(["0000", "0001", "x"]).result == {
        "values": {"0000": "last", "0001": "1", "x": None}}
    space.bulk([*pairs, {"key": ".", "value": ""}]).refused(400)
    assert space.bulk_remove([pair["key"] for pair in pairs]).status == 200
    assert space.names() == []


@case(a_server_with_postgresql)
def namespaces_and_tokens_work(server):
    client = server.client
    space = client.space("a namespace")
    client.ask("POST", "~/storage/kv/namespaces", {"title": "a namespace"}).refused(400, 10014)
    client.ask("PUT", space.path, {"title": "renamed"}).result
    assert space.put("large", LARGE).status == 200
    made = client.token_with("Workers KV Storage Read")
    reads = space.by(client.client(made["value"]))
    assert reads.value("large") == LARGE
    reads.put("large", b"x").refused(403, 9109)
    client.ask("DELETE", f"~/tokens/{made['id']}").result
    reads.get("large").refused(403, 10000)
    client.ask("DELETE", space.path).result
    space.get("large").refused(404, 10013)
    wait_for("no file", lambda: not blobs(server))


@case(a_server_with_postgresql)
def everything_is_there_after_the_edge_was_killed(server):
    server.expected |= {"edge.died", "jail.died"}
    assert server.space.put("killed", b"1").status == 200
    edge, = server.edges()
    os.kill(edge, signal.SIGKILL)
    wait_for("another edge", lambda: server.edges() not in ([], [edge]))
    server.client.close()
    assert server.space.value("killed") == b"1"


@case(a_server_with_postgresql)
def while_it_is_away_requests_fail_and_then_work_again(server):
    space = server.space
    assert space.put("kept", b"kept").status == 200
    told(server, "-m", "fast", "stop")
    try:
        for ask in (lambda: space.put("kept", b"other"), lambda: space.get("kept"), space.list,
                    lambda: space.bulk([{"key": "kept", "value": "x"}]),
                    lambda: server.client.ask("GET", "~/tokens")):
            answer = ask()
            assert answer.status in (500, 503, 504), answer
            assert answer.code == 10001 and "connection" not in answer.message.lower(), answer
    finally:
        told(server, "start")
    wait_for("it to work again", lambda: space.put("again", b"1").status == 200)
    assert space.value("kept") == b"kept" and space.value("again") == b"1"
    assert server.client.ask("GET", "~/tokens").status == 200


@case(a_server_with_postgresql)
def the_same_connection_works_after_a_restart(server):
    space = server.space
    for number in range(3):
        assert space.put("restarted", b"%d" % number).status == 200
        told(server, "-m", "immediate", "restart")
        wait_for("it to work again", lambda: space.get("restarted").status == 200)
        assert space.value("restarted") == b"%d" % number
