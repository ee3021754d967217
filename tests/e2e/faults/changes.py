"""Reloads, drains and restarts: nothing is lost, and what was kept is there again."""
import contextlib
import os
import signal
import time

from crashes import BIG, KEPT, PHOTO, ROUTE, new_picture, put_site
from load import Load
from run import case, fixture
from selvedge import SLOW, Server, request, wait_for


@fixture
def a_server_to_reload():
    with put_site(Server(None), jails={"count": 2}) as server:
        yield server


def reload_and_wait(server):
    before = server.edges()
    server.reload()
    return wait_for("the next edge alone", lambda: [
        pid for pid in server.edges() if pid not in before] and len(server.edges()) == 1)


@case(a_server_to_reload)
def ten_reloads_under_load_lose_nothing(server):
    def whole(reply):
        return None if reply.body == PHOTO else "another body"
    with Load(server, "/photo.png", 3, check=whole) as kept, \
            Load(server, "/photo.png", 3, fresh=True, check=whole) as fresh, \
            Load(server, new_picture, 2) as made:
        for _ in range(10):
            before = kept.count(), fresh.count(), made.count()
            wait_for("answers", lambda: all(now.count() > then + 3 for now, then in zip(
                (kept, fresh, made), before)))
            reload_and_wait(server)
    for load in (kept, fresh, made):
        assert load.failed() == [], load.failed()[:5]
        assert load.count() > 30
    assert len(server.events("edge.ready")) == 11


@case(a_server_to_reload)
def reloads_one_upon_another_end_in_one_edge(server):
    before = len(server.events("edge.ready"))
    for _ in range(20):
        server.reload()

    def settled():
        ready = len(server.events("edge.ready"))
        calm = ready > before and ready == len(server.events("edge.start")) == len(
            server.events("edge.end")) + 1
        return ready if calm else None
    counts = []

    def settled_twice():
        counts.append(settled())
        time.sleep(0.2)
        return counts[-1] and counts[-1] == settled()
    wait_for("peace", settled_twice)
    assert len(server.edges()) == 1
    assert server.ask("/photo.png").body == PHOTO


@case(a_server_to_reload)
def a_wrong_configuration_changes_nothing_and_is_told(server):
    path = server.folder / "selvedge.yaml"
    good = path.read_text()
    edges = server.edges()
    with Load(server, "/photo.png", 2) as kept, Load(server, "/photo.png", 2, fresh=True) as fresh:
        for wrong, told in (("{", "selvedge.yaml:"), (good.replace('"hosts"', '"hots"'), "hots"),
                            (good.replace('"root": "', '"root": "/nowhere'), "root"), ("", "")):
            before = len(server.events("config.refused")) + len(server.events("edge.refused"))
            server.expected.add("edge.died")  # the one that was to take over
            path.write_text(wrong)
            server.reload()
            wait_for("the refusal", lambda: len(server.events("config.refused")) + len(
                server.events("edge.refused")) > before)
            refusals = server.events("config.refused") + server.events("edge.refused")
            assert any(told in event["why"] for event in refusals), refusals
    path.write_text(good)
    assert kept.failed() == [] and fresh.failed() == [], (kept.failed(), fresh.failed())
    wait_for("the first edge alone", lambda: server.edges() == edges)


@case(a_server_to_reload)
def a_reload_changes_what_is_served(server):
    routes = server.settings["sites"][0]["routes"]
    assert server.ask("/new/photo.png").status == 404
    server.settings["sites"][0]["routes"] = [*routes, {
        "path": "/new/", "files": {"root": str(server.root)}}]
    server.configure()
    reload_and_wait(server)
    assert server.ask("/new/photo.png").body == PHOTO
    server.settings["sites"][0]["routes"] = routes
    server.configure()
    reload_and_wait(server)
    assert server.ask("/new/photo.png").status == 404


@case(a_server_to_reload)
def a_reload_keeps_what_the_cache_has_on_disk(server):
    assert server.ask(KEPT).status == 200
    wait_for("the disk", lambda: server.metrics()["selvedge_cache_disk_entries"] >= 2)
    reload_and_wait(server)
    assert "hit" in server.ask(KEPT).get("Cache-Status")


def tell(pids, number):
    """Some may be those of an edge before, which go by and by."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


@case(a_server_to_reload)
def what_an_edge_makes_while_it_drains_is_not_found_after_a_purge(server):
    target = f"{ROUTE}width=123,height=45,format=png/photo.png"
    before = server.jails()
    with server.connect() as conn, server.connect() as slow:
        slow.send(request("/big.bin"))  # so that the edge lives on for a while
        assert slow.head()[0] == 200
        tell(before, signal.SIGSTOP)
        conn.send(request(target))
        drains = len(server.events("edge.drain"))
        server.reload()
        wait_for("the drain", lambda: len(server.events("edge.drain")) > drains)
        # The old one has been told when it accepts no more.
        wait_for("the next edge to have the admin's port", lambda: all(
            server.metrics()["selvedge_cache_memory_entries"] == 0 for _ in range(20)))
        assert server.purge(source="/photo.png").status == 200
        tell(before, signal.SIGCONT)
        assert conn.reply().status == 200
        time.sleep(0.5)  # it would write it in this time
        assert slow._exactly(len(BIG)) == BIG
    wait_for("the old edge to end", lambda: len(server.edges()) == 1)
    assert "hit" not in server.ask(target).get("Cache-Status")


@case(a_server_to_reload)
def a_download_outlives_a_reload(server):
    with server.connect() as conn:
        conn.send(request("/big.bin"))
        assert conn.head()[0] == 200
        server.reload()
        wait_for("the next edge", lambda: len(server.events("edge.drain")) and len(
            server.edges()) == 2)
        assert conn._exactly(len(BIG)) == BIG
    wait_for("the old edge to end", lambda: len(server.edges()) == 1)


# --- the end ---

@fixture
def a_server_to_stop():
    with put_site(Server(None), drain_ms=20000) as server:
        yield server


def slow_download(server):
    """A connection that has taken a little of a large reply, and stopped."""
    conn = server.connect()
    conn.send(request("/big.bin"))
    assert conn.head()[0] == 200
    return conn


@case(a_server_to_stop)
def sigterm_lets_a_download_end(server):
    with slow_download(server) as conn, server.connect() as idle:
        idle.ask("/photo.png")
        server.process.send_signal(signal.SIGTERM)
        wait_for("the drain", lambda: server.events("edge.drain"))
        idle.closed()
        assert conn._exactly(len(BIG)) == BIG
        conn.closed()
    server.stop()
    server.start()


@case(a_server_to_stop)
def while_it_drains_it_is_not_ready(server):
    with server.connect(-1) as admin, slow_download(server) as conn:
        assert admin.ask("/readyz").body == b"ready\n"
        server.process.send_signal(signal.SIGTERM)
        wait_for("the drain", lambda: server.events("edge.drain"))
        reply = wait_for("the answer", lambda: admin.ask("/readyz"))
        assert reply.status == 503 and reply.body == b"draining\n", reply
        assert conn._exactly(len(BIG)) == BIG
    server.stop()
    server.start()


@fixture
def a_server_that_does_not_wait():
    with put_site(Server(None), drain_ms=500) as server:
        yield server


@case(a_server_that_does_not_wait)
def what_does_not_end_in_drain_ms_is_cut_off(server):
    server.expected.add("edge.killed")
    with slow_download(server) as conn:
        begun = time.monotonic()
        server.stop()
        assert 0.4 < time.monotonic() - begun < 5 * SLOW
        assert len(conn.rest()) < len(BIG)
    server.start()


@case(a_server_that_does_not_wait)
def sigint_twice_ends_at_once(server):
    server.expected |= {"edge.killed", "edge.died", "jail.died"}
    with slow_download(server):
        server.process.send_signal(signal.SIGINT)
        server.process.send_signal(signal.SIGINT)
        server.process.wait(10 * SLOW)
    server.check()
    server.process = None
    server.start()


# --- what is kept ---

LINKS = [f"/cdn-cgi/image/width={width},format=png/photo.png" for width in range(30, 50)]


@fixture
def a_server_with_a_disk():
    with put_site(Server(None)) as server:
        yield server


def fill(server):
    bodies = [server.ask(link).body for link in LINKS]
    wait_for("all to be on disk", lambda: server.metrics()[
        "selvedge_cache_disk_entries"] == len(LINKS))  # and not their source, which is a file
    return bodies


def jobs(server):
    return server.metrics()["selvedge_image_job_ms_count"]


@case(a_server_with_a_disk)
def a_restart_serves_what_was_kept_without_a_job(server):
    bodies = fill(server)
    server.stop()
    server.start()
    for link, body in zip(LINKS, bodies):
        reply = server.ask(link)
        assert reply.body == body and "hit" in reply.get("Cache-Status"), reply
    assert jobs(server) == 0


@case(a_server_with_a_disk)
def a_kill_of_everything_loses_nothing_that_was_on_disk(server):
    bodies = fill(server)
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.process = None
    server.start()
    assert [server.ask(link).body for link in LINKS] == bodies
    assert jobs(server) <= 2  # what was being written may be gone


@case(a_server_with_a_disk)
def damage_on_the_disk_is_noticed(server):
    bodies = fill(server)
    server.stop()
    files = [path for path in (server.folder / "data" / "cache").rglob("*")
             if path.is_file() and path.stat().st_size > 200]
    assert len(files) >= len(LINKS), files
    for number, path in enumerate(files):
        data = bytearray(path.read_bytes())
        if number % 3 == 0:
            data = data[:len(data) // 2]
        else:
            data[len(data) * (number % 7 + 1) // 9] ^= 1 << number % 8
        path.write_bytes(data)
    server.start()
    for link, body in zip(LINKS, bodies):
        reply = server.ask(link)
        assert reply.status == 200 and reply.body == body, link


@case(a_server_with_a_disk)
def a_purge_holds_after_a_restart(server):
    fill(server)
    assert server.purge(source="/photo.png").status == 200
    wait_for("the purge of the disk", lambda: server.metrics()[
        "selvedge_cache_disk_entries"] == 0)
    server.stop()
    server.start()
    assert "hit" not in server.ask(LINKS[0]).get("Cache-Status")
