"""More work than there are hands, and no room on the disk."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

from run import Skip, case, fixture
from selvedge import SLOW, Server, request, wait_for
from studio import jobs, link, serve, was_hit


@fixture
def a_server_with_one_jail():
    settings = {"jails": {"count": 1, "queue_max": 3}}
    with serve({"job_ms": 30000}, settings) as server:
        yield server


@case(a_server_with_one_jail)
def past_a_full_queue_requests_are_told_to_come_again(server):
    server.ask(link("width=50"))  # the jail is there, and something is kept
    jail, = server.jails()
    os.kill(jail, signal.SIGSTOP)
    conns = []
    try:
        for width in range(100, 110):
            conns.append(server.connect())
            conns[-1].send(request(link(f"width={width}")))
        wait_for("the queue to overflow", lambda: server.metrics()[
            "selvedge_image_jobs_rejected_total"] >= 6)
        slowest = 0
        for _ in range(200):
            begun = time.monotonic()
            assert was_hit(server.ask(link("width=50")))
            assert server.ask("/tiny.png").status == 200
            assert server.ask_admin("/healthz").status == 200
            slowest = max(slowest, time.monotonic() - begun)
        assert slowest < 1 * SLOW, f"{slowest:.2f} s"
    finally:
        os.kill(jail, signal.SIGCONT)
    replies = [conn.reply() for conn in conns]
    for conn in conns:
        conn.close()
    busy = [reply for reply in replies if reply.status == 503]
    assert len(busy) == 6 and len([reply for reply in replies if reply.status == 200]) == 4, [
        reply.status for reply in replies]
    for reply in busy:
        assert int(reply.get("Retry-After")) >= 1 and reply.code == "busy", reply
    assert server.metrics()['selvedge_image_jobs_waiting{lane="small"}'] == 0


@case(a_server_with_one_jail)
def what_was_refused_is_made_when_it_comes_again(server):
    for width in range(100, 110):
        assert server.ask(link(f"width={width}")).status == 200


@fixture
def a_server_whose_access_log_is_full():
    server = Server(None)
    server.settings = {"sites": [{"hosts": ["*"], "routes": [
        {"path": "/", "files": {"root": str(server.folder)}}]}]}
    (server.folder / "out.1").symlink_to("/dev/full")
    with server:
        yield server


@case(a_server_whose_access_log_is_full)
def lines_that_are_lost_are_counted(server):
    assert server.metrics()['selvedge_log_lost_lines{log="access"}'] == 0
    for _ in range(3):
        assert server.ask("/nothing").status == 404
    wait_for("the lines to be counted", lambda: server.metrics()[
        'selvedge_log_lost_lines{log="access"}'] == 3)
    assert server.metrics()['selvedge_log_lost_lines{log="events"}'] == 0


@contextlib.contextmanager
def small_disk():
    folder = tempfile.mkdtemp(prefix="selvedge-e2e-disk-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder],
                          capture_output=True, text=True, check=False)
    try:
        yield folder if done.returncode == 0 else None
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@fixture
def a_server_on_a_small_disk():
    with small_disk() as disk:
        if not disk:
            yield None
            return
        with serve(settings={"data": disk + "/data"}) as server:
            server.disk = disk
            yield server


@case(a_server_on_a_small_disk)
def a_full_disk_stops_keeping_and_not_serving(server):
    if not server:
        raise Skip("a file system of its own can only be mounted by root")
    server.ask(link("width=20"))
    filler = os.path.join(server.disk, "filler")
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    for width in range(200, 230):
        reply = server.ask(link(f"width={width},format=png"))
        assert reply.status == 200, reply
    for width in range(200, 230):  # from memory
        assert was_hit(server.ask(link(f"width={width},format=png")))
    wait_for("the trouble to be told", lambda: server.metrics()["selvedge_cache_disk_errors"] > 0)
    assert server.events("cache.disk")
    kept = server.metrics()["selvedge_cache_disk_entries"]
    os.unlink(filler)

    def keeps_again():
        keeps_again.width += 1
        server.ask(link(f"width={keeps_again.width},format=png"))
        return server.metrics()["selvedge_cache_disk_entries"] > kept
    keeps_again.width = 230
    wait_for("the disk to be used again", keeps_again, 40 * SLOW)


@case(a_server_on_a_small_disk)
def a_disk_that_was_full_serves_after_a_restart(server):
    if not server:
        raise Skip("a file system of its own can only be mounted by root")
    server.stop()
    server.start()
    assert server.ask(link("width=200,format=png")).status == 200
    assert jobs(server) <= 1
