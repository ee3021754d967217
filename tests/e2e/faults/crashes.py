"""Processes that are killed or hang, under load: only what they had in hand is lost."""
import contextlib
import itertools
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pictures
import selvedge
from load import Load
from run import Skip, case, fixture
from selvedge import SLOW, Server, request, wait_for

ROUTE = "/cdn-cgi/image/"
PHOTO = pictures.photo(320, 240)
BIG = bytes(range(256)) * (1 << 16)  # four times what the kernel keeps for who does not read


def put_site(server, images=None, **settings):
    """A folder with a photograph and a large file, and pictures made of it."""
    server.root = server.folder / "root"
    server.root.mkdir(exist_ok=True)
    (server.root / "photo.png").write_bytes(PHOTO)
    (server.root / "big.bin").write_bytes(BIG)
    server.settings = {"sites": [{"hosts": ["*"], "routes": [
        {"path": "/", "files": {"root": str(server.root)}},
        {"path": ROUTE, "images": images or PATIENT}]}],
        "listen": [{"limits": {"requests_max": 1000000}}], **settings}
    return server


_widths = itertools.cycle((width, height) for height in range(1, 200) for width in range(2, 300))


def new_picture():
    """A link that was never asked."""
    width, height = next(_widths)
    return f"{ROUTE}width={width},height={height},fit=squeeze,format=png/photo.png"


KEPT = f"{ROUTE}width=100/photo.png"
PATIENT = {"job_ms": 60000}  # where the machine is busy jails get little of it, being niced


@fixture
def a_server_to_break():
    with put_site(Server(None), jails={"count": 2}) as server:
        yield server


def jails_after(server, gone):
    """Two jails that are not among those."""
    def fresh():
        pids = server.jails()
        return pids if len(pids) == 2 and not set(pids) & set(gone) else None
    return wait_for("the jails to be replaced", fresh)


@case(a_server_to_break)
def killing_every_jail_costs_the_jobs_in_hand(server):
    server.expected.add("jail.died")
    assert server.ask(KEPT).status == 200
    kills = 0
    with Load(server, new_picture) as made, Load(server, KEPT, 2) as kept, \
            Load(server, "/photo.png", 1, fresh=True) as files:
        for _ in range(3):
            before = made.count()
            wait_for("pictures to be made", lambda: made.count() > before + 20)
            pids = server.jails()
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            kills += len(pids)
            jails_after(server, pids)
        before = made.count()
        wait_for("pictures to be made again", lambda: made.count() > before + 20)
    assert kills == 6
    assert len(made.failed()) <= kills, made.failed()
    assert {answer.status for answer in made.failed()} <= {500}, made.failed()
    assert kept.failed() == [] and kept.count() > 50
    assert files.failed() == [] and files.count() > 50
    assert server.metrics()["selvedge_image_jails"] == 2


@case(a_server_to_break)
def killing_the_edge_costs_the_requests_in_hand(server):
    server.expected |= {"edge.died", "jail.died"}
    clients = 4
    kills = 2
    with Load(server, KEPT, clients) as kept, \
            Load(server, "/photo.png", clients, fresh=True) as fresh:
        for _ in range(kills):
            before = kept.count(), fresh.count()
            wait_for("answers", lambda: kept.count() > before[0] + 50
                     and fresh.count() > before[1] + 50)
            edge, = server.edges()
            os.kill(edge, signal.SIGKILL)
            wait_for("another edge", lambda: server.edges() not in ([], [edge]))
        before = kept.count(), fresh.count()
        wait_for("answers again", lambda: kept.count() > before[0] + 50
                 and fresh.count() > before[1] + 50)
    for load in (kept, fresh):
        assert len(load.failed()) <= clients * kills, load.failed()
        assert all(answer.status == 0 and "refused" not in answer.error
                   for answer in load.failed()), load.failed()
    wait_for("the jails", lambda: len(server.jails()) == 2)
    assert server.ask(new_picture()).status == 200


@case(a_server_to_break)
def connections_that_come_while_there_is_no_edge_wait(server):
    server.expected |= {"edge.died", "jail.died"}
    edge, = server.edges()
    os.kill(edge, signal.SIGKILL)
    conns = [server.connect() for _ in range(10)]
    for conn in conns:
        conn.send(request("/photo.png"))
    for conn in conns:
        assert conn.reply().body == PHOTO
        conn.close()


@case(a_server_to_break)
def when_the_parent_is_killed_nothing_stays_behind(server):
    everyone = [*server.edges(), *server.jails()]
    assert len(everyone) >= 2
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    wait_for("all to be gone", lambda: not any(os.path.exists(f"/proc/{pid}") and "Z" not in
                                               open(f"/proc/{pid}/stat", encoding="ascii").read()
                                               .rpartition(")")[2][:3] for pid in everyone))
    server.process = None
    server.start()
    assert server.ask(KEPT).status == 200


HANG_S = 6 * SLOW  # in which a jail must start and make a picture, on a busy machine too


@fixture
def a_server_whose_jail_hangs():
    with put_site(Server(None), {"job_ms": 1000 * HANG_S}, jails={"count": 1}) as server:
        yield server


@case(a_server_whose_jail_hangs)
def a_hanging_jail_costs_one_request_and_is_replaced(server):
    assert server.ask(KEPT).status == 200
    jail, = server.jails()
    os.kill(jail, signal.SIGSTOP)
    with server.connect() as slow:
        begun = time.monotonic()
        slow.send(request(new_picture()))
        for _ in range(20):
            assert server.ask(KEPT).status == 200
        reply = slow.reply()
    assert (reply.status, reply.code) == (504, "timeout"), reply
    assert HANG_S - 0.5 <= time.monotonic() - begun < HANG_S + 5, time.monotonic() - begun
    for _ in range(5):
        assert server.ask(new_picture()).status == 200
    assert server.jails() != [jail] and len(server.jails()) == 1
    assert server.metrics()["selvedge_image_jail_kills_total"] == 1
    assert server.events("jail.deadline")


@fixture
def a_server_whose_jails_retire():
    with put_site(Server(None), jails={"count": 2, "jobs_per_jail": 5}) as server:
        yield server


@case(a_server_whose_jails_retire)
def retirement_is_not_noticed(server):
    before = set(server.jails())
    with Load(server, new_picture, 3) as load:
        wait_for("many pictures", lambda: load.count() > 60, 60)
    assert load.failed() == [], load.failed()
    wait_for("the jails", lambda: len(server.jails()) == 2)
    assert not before & set(server.jails())
    assert server.metrics()["selvedge_image_jail_retirements_total"] >= 8


@fixture
def a_server_of_small_jails():
    with put_site(Server(None), jails={"count": 1, "memory_limit_bytes": "256M"}) as server:
        yield server


@case(a_server_of_small_jails)
def a_jail_has_the_memory_of_the_settings(server):
    """And 256M are enough for a picture."""
    if SLOW > 1:
        raise Skip("a sanitizer's memory is past every bound")
    assert server.ask(KEPT).status == 200
    limit = re.search(r"^Max data size +(\d+) +(\d+)", Path(
        f"/proc/{server.jails()[0]}/limits").read_text(), re.M)
    assert limit.groups() == (str(256 << 20),) * 2, limit[0]
    path = server.configure({**server.settings, "jails": {"memory_limit_bytes": "255M"}})
    done = selvedge.command("check", path)
    assert done.returncode == 1 and "at least 256M is needed" in done.stderr, done
    server.configure({**server.settings, "jails": {"count": 1}})


# --- what jails say ---

@fixture
def a_server_whose_jails_talk():
    """Before they become jails: the sandbox keeps them from nothing that a script could show."""
    server = put_site(Server(None), jails={"count": 2})
    program = selvedge.PROGRAM
    jail = selvedge.BUILD / "src" / "jail" / "image" / "selvedge-image"
    folder = server.folder / "bin"
    folder.mkdir()
    shutil.copy2(program, folder / "selvedge")
    script = folder / "selvedge-image"
    script.write_text("#!/bin/sh\nprintf 'jail: not permitted here: the moon\\n\\033[31mred\\007\\n'"
                      f" >&2\nprintf '%600s' x >&2\nread none\nexec {jail}\n")
    script.chmod(0o755)
    try:
        selvedge.PROGRAM = folder / "selvedge"
        server.start()
    finally:
        selvedge.PROGRAM = program
    with contextlib.ExitStack() as stack:
        stack.push(server.__exit__)
        yield server


@case(a_server_whose_jails_talk)
def what_a_jail_says_is_an_event_and_a_weaker_sandbox_one_for_all(server):
    assert server.ask(KEPT).status == 200
    wait_for("two jails", lambda: len(server.jails()) == 2)
    pids = wait_for("their words", lambda: {
        event["pid"] for event in server.events("jail.said") if "red" in event["text"]}
        if len(server.events("jail.said")) >= 2 else None)
    assert set(server.jails()) <= pids, (pids, server.jails())
    said = server.events("jail.said")
    assert {event["kind"] for event in said} == {"image"}
    assert {event["text"] for event in said if "red" in event["text"]} == {"\x1b[31mred\x07"}
    assert "moon" not in str(said) and b"\x1b" not in server.err.read_bytes()

    server.expected.add("jail.died")
    lacking = [event for event in server.events("jail.sandbox") if "moon" in event["lacks"]]
    assert len(lacking) == 1 and lacking[0]["level"] == "warn", lacking
    os.kill(server.jails()[0], signal.SIGKILL)
    jails = len(pids)
    wait_for("another jail's words", lambda: len(
        [event for event in server.events("jail.said") if "red" in event["text"]]) > jails)
    assert len(server.events("jail.sandbox")) == 1
    # The last line had no end until the jail itself wrote or ended; it was cut.
    assert all(len(event["text"]) <= 512 for event in server.events("jail.said"))
