"""The same with its rows in PostgreSQL, which may be away for a while."""
import subprocess

import pictures
from database import postgres
from run import case, fixture
from selvedge import wait_for
from shelf import serve


@fixture
def a_shelf_with_postgresql():
    with postgres() as (url, control), serve(store={"maps": url}) as server:
        server.control = control
        yield server


def told(server, *words):
    """Tell the database's server something, and wait until it is done."""
    done = subprocess.run(f"{server.control} -w {' '.join(words)}", shell=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    assert done.returncode == 0, done


@case(a_shelf_with_postgresql)
def what_changes_is_seen_at_once_by_the_process_that_changed_it(server):
    shelf = server.shelf
    target = shelf.path(shelf.store(id="a/b"))
    assert {pictures.size_of(reply.body) for reply in shelf.everywhere(target)} == {(320, 240)}
    assert shelf.images.edit("a/b", requireSignedURLs=True).status == 200
    assert {reply.status for reply in shelf.everywhere(target)} == {403}
    assert shelf.images.remove("a/b").status == 200
    assert {reply.status for reply in shelf.everywhere(target)} == {404}


@case(a_shelf_with_postgresql)
def without_its_rows_nothing_is_shown(server):
    shelf = server.shelf
    target = shelf.path(shelf.store())
    assert server.ask(target).status == 200
    told(server, "stop -m fast")
    # Each loop has memory of its own, which is out of date in its own time.
    wait_for("rows to be out of date", lambda: all(
        reply.status != 200 for reply in shelf.everywhere(target)))
    for reply in shelf.everywhere(target):
        assert reply.status in (500, 503, 504) and reply.get("Cache-Control") == "no-store", reply
    told(server, "start")
    wait_for("the rows again", lambda: server.ask(target).status == 200)
