"""What was written is there: after restarts and kills, in two edges at once, on a full disk; and
what is damaged is told, never shown."""
import contextlib
import os
import pathlib
import signal
import sqlite3
import threading

from account import Client, blobs, serve, small_disk
from run import case, fixture, table
from selvedge import SLOW, request, wait_for

LARGE = bytes(range(256)) * 1000


@fixture
def a_server_to_shake():
    with serve() as server:
        server.space = server.client.space("lasting")
        server.expected |= {"edge.died", "jail.died"}
        yield server


def fill(space, mark):
    """Values of each kind, and what they shall be."""
    assert space.put("small", mark).status == 200
    assert space.put("large", mark + LARGE).status == 200
    assert space.put_form("form", mark, '{"mark": 1}', "?expiration_ttl=3600").status == 200
    assert space.bulk([{"key": f"bulk {number}", "value": mark.decode()} for number in range(20)]
                      ).status == 200
    assert space.put("gone", mark).status == 200
    assert space.remove("gone").status == 200


def holds(space, mark):
    space.client.close()
    assert space.value("small") == mark and space.value("large") == mark + LARGE
    assert space.value("form") == mark and space.metadata("form").result == {"mark": 1}
    assert int(space.get("form").get("Expiration")) > 0
    assert space.bulk_get([f"bulk {number}" for number in range(20)]).result == {
        "values": {f"bulk {number}": mark.decode() for number in range(20)}}
    space.is_gone("gone")
    assert len(space.names()) == 23


@case(a_server_to_shake)
def everything_is_there_after_a_restart(server):
    made = server.client.token_with("Workers KV Storage Read")
    fill(server.space, b"restart")
    server.client.close()
    server.stop()
    server.start()
    holds(server.space, b"restart")
    holds(server.space.by(server.client.client(made["value"])), b"restart")
    assert server.client.ask("GET", server.space.path).result == server.space.record


@case(a_server_to_shake)
def everything_is_there_after_the_edge_was_killed(server):
    for number in range(3):
        mark = b"killed %d" % number
        fill(server.space, mark)
        edge, = server.edges()
        os.kill(edge, signal.SIGKILL)
        wait_for("another edge", lambda: server.edges() not in ([], [edge]))
        holds(server.space, mark)


@case(a_server_to_shake)
def an_edge_that_is_killed_while_it_writes_loses_nothing_it_promised(server):
    promised = {}
    stopped = threading.Event()

    def write(own):
        number = 0
        client = Client(server, server.client.token, server.client.account)
        space = server.space.by(client)
        while not stopped.is_set():
            number += 1
            with contextlib.suppress(OSError, AssertionError):
                if space.put(f"writer {own}", b"%d " % number
                             + LARGE * (number % 2)).status == 200:
                    promised[own] = number
        client.close()
    threads = [threading.Thread(target=write, args=(own,)) for own in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            before = dict(promised)
            wait_for("writes", lambda: all(
                promised.get(own, 0) > before.get(own, 0) + 3 for own in range(3)))
            edge, = server.edges()
            os.kill(edge, signal.SIGKILL)
            wait_for("another edge", lambda: server.edges() not in ([], [edge]))
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    server.client.close()
    for own in range(3):
        value = server.space.value(f"writer {own}")
        number = int(value.partition(b" ")[0])
        assert number >= promised[own] and value in (b"%d " % number, b"%d " % number + LARGE)


@case(a_server_to_shake)
def two_edges_see_each_others_writes_at_once(server):
    """During a reload the old edge keeps the connections that it has, while a body is on its way;
    the new one gets the others."""
    old, = server.edges()
    path = server.space.at("held").replace("~", f"/client/v4/accounts/{server.client.account}")
    slow = request(path, "PUT", fields=server.client.fields(), body=b"held")
    held = [server.connect(-1) for _ in range(4)]
    for conn in held:
        conn.send(slow[:-1])
    # What an edge has not begun to read when it drains, it does not begin.
    wait_for("all of them to be under way", lambda: server.metrics()[
        "selvedge_requests_in_flight"] > len(held))
    ask = Client(server, server.client.token, server.client.account)
    space = server.space.by(ask)
    for key in ("held", "other"):
        space.put(key, b"before")
        assert space.value(key) == b"before"
    server.reload()
    wait_for("two edges", lambda: len(server.edges()) == 2 and len(
        server.events("edge.ready")) == len(server.events("edge.start")))
    new, = [pid for pid in server.edges() if pid != old]
    assert pathlib.Path(f"/proc/{old}").exists()
    ask.close()
    for number, conn in enumerate(held):
        # The new edge has read it and keeps it in memory.
        assert space.put("held", b"%d" % number).status == 200
        assert space.value("held") == b"%d" % number
        assert old in server.edges()
        conn.send(slow[-1:])
        assert conn.reply("PUT").status == 200
        assert space.value("held") == b"held"
        conn.close()
    wait_for("the new edge alone", lambda: server.edges() == [new])
    server.client.close()
    assert space.value("held") == b"held"


@case(a_server_to_shake)
def large_values_are_replaced_under_who_reads_them(server):
    """Each value that is told is one of those that were written, whole; its file may be gone by
    the time it is looked for."""
    stopped = threading.Event()
    space = server.client.space("race")
    keys = [f"{number}" for number in range(30)]
    space.bulk([{"key": key, "value": "0" * 100000} for key in keys]).result
    wrong, reads = [], []

    def read():
        own = space.by(Client(server, server.client.token, server.client.account))
        while not stopped.is_set():
            many, one = own.bulk_get(keys), own.get("29")
            if many.status != 200 or one.status != 200:
                wrong.append((many, one))
                continue
            values = [*many.result["values"].values(), one.body.decode()]
            if any(value != value[:1] * 100000 for value in values):
                wrong.append((many, one))
            reads.append(len(values))
        own.client.close()
    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range((5 if SLOW == 1 else 1) * len(keys)):
            # From behind, where the readers come last.
            key = keys[len(keys) - 1 - number % len(keys)]
            assert space.put(key, b"%d" % (number % 10) * 100000).status == 200
        wait_for("reads", lambda: len(reads) > 3)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong[:3]


# --- damage ---

def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


@table(a_server_to_shake, [("in its first piece", 1000), ("at its end", len(LARGE) - 1)])
def a_large_value_that_is_damaged_is_an_error(server, at):
    before = set(blobs(server))
    assert server.space.put("rots", LARGE).status == 200
    path, = set(blobs(server)) - before
    flip(path, at)
    server.space.get("rots").refused(500, 10001)
    server.space.bulk_get(["rots"]).refused(500, 10001)
    flip(path, at)
    assert server.space.value("rots") == LARGE
    server.space.remove("rots")


@case(a_server_to_shake)
def a_very_large_value_that_is_damaged_is_cut(server):
    """The reply has begun by then: who counts its bytes knows that they are not all."""
    before = set(blobs(server))
    value = LARGE * 8
    assert server.space.put("rots", value).status == 200
    path, = set(blobs(server)) - before
    flip(path, len(value) - 10)
    with server.connect(-1) as conn:
        conn.send(request(server.space.at("rots").replace(
            "~", f"/client/v4/accounts/{server.client.account}"), fields=server.client.fields()))
        status, fields = conn.head()
        assert status == 200 and ("content-length", str(len(value))) in fields
        came = conn.rest()
        assert len(came) < len(value) and value.startswith(came)
    server.client.close()
    server.space.remove("rots")


@case(a_server_to_shake)
def a_large_value_whose_file_is_gone_is_an_error(server):
    before = set(blobs(server))
    assert server.space.put("lost", LARGE).status == 200
    path, = set(blobs(server)) - before
    path.unlink()
    server.space.get("lost").refused(500, 10001)
    # The client is told little, the log what there is to know.
    wait_for("the event", lambda: [event for event in server.events("request.failed")
                                   if event["why"] == "the file of a value is missing"])
    server.space.bulk_get(["lost"]).refused(500, 10001)
    assert server.space.put("lost", LARGE).status == 200  # which mends it
    assert server.space.value("lost") == LARGE


@case(a_server_to_shake)
def a_row_that_is_damaged_is_an_error(server):
    space = server.client.space("rotten rows")
    mark = b"this is what rots in the row of a key"
    assert space.put("good", b"good").status == 200
    assert space.put("rots", mark).status == 200
    server.client.close()
    server.stop()
    path, = [path for path in (server.folder / "data" / "maps").iterdir()
             if space.id in path.name and not path.name.endswith(("-wal", "-shm"))]
    with contextlib.closing(sqlite3.connect(path)) as rows:  # from the log into the file
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    at = path.read_bytes().index(mark)
    flip(path, at + 5)
    server.start()
    answer = space.get("rots").refused(500, 10001)
    assert mark[:4] not in answer.body
    space.bulk_get(["rots"]).refused(500, 10001)
    assert space.value("good") == b"good"
    flip(path, at + 5)
    space.put("rots", b"mended")
    assert space.value("rots") == b"mended"


@case(a_server_to_shake)
def a_value_that_the_store_does_not_take_leaves_no_file(server):
    space = server.client.space("held")
    assert space.put("kept", b"x").status == 200
    before = set(blobs(server))
    path, = (server.folder / "data" / "maps").glob(f"kv-{space.id}.db")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as rows:
        rows.execute("BEGIN IMMEDIATE")  # nobody else can write
        assert space.put("kept", LARGE).status == 503
        assert space.bulk([{"key": "a", "value": "x" * 100_000}]).status == 503
    wait_for("no file", lambda: set(blobs(server)) == before)
    assert space.value("kept") == b"x"


# --- a full disk ---

@case(a_server_to_shake)
def a_full_disk_is_told_and_reads_go_on(_):
    with small_disk() as small, serve(folder=small.folder, cache={"disk_bytes": 0}) as server:
        space = server.client.space("full")
        assert space.put("small", b"small").status == 200
        assert space.put("large", LARGE).status == 200
        ballast = server.folder / "data" / "ballast"
        with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 65536) == 65536:
                pass
        for _ in range(3):
            space.put("large", LARGE * 4).refused(500, 10001)
            assert space.value("large") == LARGE
            assert space.value("small") == b"small"
        while space.put("small", b"x" * 60000).status == 200:
            pass  # into what was left for rows
        space.put("small", b"y" * 60000).refused(500, 10001)
        assert space.value("small") in (b"small", b"x" * 60000)
        space.bulk([{"key": f"{number}", "value": "z" * 60000} for number in range(50)]
                   ).refused(500, 10001)
        assert space.value("large") == LARGE
        ballast.unlink()
        assert space.put("small", b"again").status == 200
        assert space.put("large", LARGE + b"!").status == 200
        assert space.value("small") == b"again" and space.value("large") == LARGE + b"!"
        assert space.names() == ["large", "small"]
