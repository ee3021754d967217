"""What was uploaded is there: after restarts and kills, and on a full disk; and what is damaged is
told, never shown."""
import contextlib
import os
import signal
import threading

from account import PREFIX, Client, blobs, small_disk
from hosted import PICTURE, Images, once, serve, tidy
from pictures import photo
from run import case, fixture, table
from selvedge import command, wait_for

LARGE = photo(320, 200)


@fixture
def a_server_to_shake():
    with serve() as server:
        server.expected |= {"edge.died", "jail.died"}
        yield server


def everything(server):
    """All that there is to see."""
    images, ask = server.images, server.client.ask
    server.client.close()
    ids = images.ids()
    return (images.list().result, {name: images.blob(name).body for name in ids},
            [ask("GET", images.at(rest=rest)).result for rest in ("/variants", "/keys", "/config")])


def fill(server, mark):
    images, ask = server.images, server.client.ask
    for size in (PICTURE, LARGE):
        images.upload(size, creator=mark, metadata='{"mark": 1}').result
    gone = images.upload(LARGE).result["id"]
    images.edit(images.upload(id=f"{mark}/edited").result["id"], requireSignedURLs=True).result
    ask("POST", images.at(rest="/variants"), {"id": mark, "options": {"width": 5}}).result
    ask("PUT", images.at(rest=f"/keys/{mark}")).result
    ask("PATCH", images.at(rest="/config"), {"flexible_variants": True}).result
    images.remove(gone).result
    return everything(server), images.draft().result


@case(a_server_to_shake)
def everything_is_there_after_a_restart(server):
    before, draft = fill(server, "restart")
    server.client.close()
    server.stop()
    server.start()
    assert everything(server) == before
    assert once(server, draft["uploadURL"], LARGE).result["id"] == draft["id"]


@case(a_server_to_shake)
def everything_is_there_after_the_edge_was_killed(server):
    before, draft = fill(server, "killed")
    edge, = server.edges()
    os.kill(edge, signal.SIGKILL)
    wait_for("another edge", lambda: server.edges() not in ([], [edge]))
    assert everything(server) == before
    assert once(server, draft["uploadURL"]).result["id"] == draft["id"]
    once(server, draft["uploadURL"]).refused(403, 5403)


@case(a_server_to_shake)
def an_edge_that_is_killed_while_it_takes_uploads_loses_none_that_it_answered(server):
    promised, stopped = [], threading.Event()

    def upload():
        while not stopped.is_set():
            with Client(server, server.client.token, server.client.account) as client:
                with contextlib.suppress(OSError, AssertionError):
                    answer = Images(client).upload(LARGE)
                    if answer.status == 200:
                        promised.append(answer.result["id"])
    threads = [threading.Thread(target=upload) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            before = len(promised)
            wait_for("uploads", lambda: len(promised) > before + 5)
            edge, = server.edges()
            os.kill(edge, signal.SIGKILL)
            wait_for("another edge", lambda: server.edges() not in ([], [edge]))
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    server.client.close()
    listed = set(server.images.ids("?per_page=10000"))
    assert set(promised) <= listed
    for name in listed:
        assert server.images.blob(name).body in (PICTURE, LARGE)
    check(server, "; good")
    for name in promised:
        assert server.images.remove(name).status == 200


def check(server, part, *words, status=0):
    """What `selvedge store check` says of it."""
    done = command("store", "check", "--config", str(server.folder / "selvedge.yaml"), *words)
    assert done.returncode == status and part in done.stdout, done
    return done.stdout


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


@fixture
def a_server_to_check():
    with serve() as server:
        yield server


@case(a_server_to_check)
def the_store_knows_whose_blobs_they_are(server):
    made = server.images.upload(LARGE).result
    server.images.draft().result
    tidy(server)
    path, = blobs(server)
    aged = 10 * 24 * 3600
    os.utime(path, (path.stat().st_mtime - aged,) * 2)
    said = check(server, "; good", "--repair")
    assert "orphan" not in said and "unknown" not in said and "; 1 blobs, " in said, said
    assert server.images.blob(made["id"]).body == LARGE
    orphan = path.parent.parent / "00" / ("00" * 16)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(path.read_bytes())
    os.utime(orphan, (path.stat().st_mtime,) * 2)
    check(server, "1 orphans, 1 removed; good", "--repair")
    kept = path.read_bytes()
    path.unlink()
    said = check(server, "1 missing; not good", status=1)
    server.images.blob(made["id"]).refused(500, 10001)
    path.write_bytes(kept)
    check(server, "; good")
    assert server.images.remove(made["id"]).status == 200


@table(a_server_to_check, [("in its first piece", 1000), ("at its end", len(LARGE) - 1)])
def an_original_that_is_damaged_is_an_error(server, at):
    made = server.images.upload(LARGE).result
    wait_for("the one blob", lambda: len(blobs(server)) == 1)
    path, = blobs(server)
    assert len(LARGE) < 256 << 10  # it is read whole before the reply begins
    flip(path, at)
    server.images.blob(made["id"]).refused(500, 10001)
    flip(path, at)
    assert server.images.blob(made["id"]).body == LARGE
    assert server.images.remove(made["id"]).status == 200
    tidy(server)


@case(a_server_to_check)
def a_full_disk_is_told_and_originals_are_handed_out(_):
    with small_disk() as small, serve(folder=small.folder, cache={"disk_bytes": 0}) as server:
        made = server.images.upload(LARGE).result
        link = server.images.draft().result["uploadURL"]
        ballast = server.folder / "data" / "ballast"
        with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 65536) == 65536:
                pass
        for _ in range(3):
            server.images.upload(LARGE).refused(500, 10001)
            assert server.images.blob(made["id"]).body == LARGE
        once(server, link, LARGE).refused(500, 10001)
        ballast.unlink()
        failed = wait_for("it in the log", lambda: [
            entry["path"] for entry in server.events("request.failed")
            if "/upload/" in entry["path"]])
        assert failed == [PREFIX + "/upload/:"], failed
        assert once(server, link, LARGE).status == 200
        assert link.rpartition("/")[2] not in server.errors() + server.out.read_text()
        assert server.images.upload(LARGE).status == 200
        tidy(server)
