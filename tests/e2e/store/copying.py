"""Backups are what the store was at one moment, and what is restored from them is all of it."""
import contextlib
import shutil
import subprocess

from account import Client, Space, serve
from database import postgres
from filled import (BLOBS, LARGE, Writer, config, data, files, filled, flip, key_row, refused, rows,
                    store)
from run import case, fixture
from selvedge import PROGRAM, Server, command, wait_for

MANY = 1500  # keys of a namespace: several pages


@fixture
def a_server_to_copy():
    with filled() as server:
        yield server


@contextlib.contextmanager
def restored(server, backup, **settings):
    """Another server, whose store came from that backup."""
    other = Server({**server.settings, **settings})
    other.configure()
    line = store("restore", other, backup)[-1]
    assert line.startswith("restore: ") and line.endswith("; good"), line
    with other:
        yield other


@case(a_server_to_copy)
def what_was_backed_up_is_restored_and_served(server):
    backup = server.folder / "backup"
    line, = store("backup", server, backup)
    assert line.endswith("; good") and f"; {BLOBS} blobs, " in line, line
    assert command("store", "scrub", "--data", str(backup)).returncode == 0
    assert [path.name for path in files(backup)] == [path.name for path in files(data(server))]
    with restored(server, backup) as other:
        server.filled.is_in(other)
        assert "its first API token" not in other.errors()
        store("scrub", other)
        refused("restore", other, "is not empty", backup)
        server.filled.is_in(other)


@case(a_server_to_copy)
def nothing_else_is_written_over_or_restored(server):
    backup, mine = server.folder / "backup2", server.folder / "mine"
    mine.mkdir()
    (mine / "diary").write_text("dear")
    refused("backup", server, "is not empty and no backup", mine)
    refused("backup", server, "is not empty and no backup", data(server))
    assert (mine / "diary").read_text() == "dear" and len(list(mine.iterdir())) == 1
    refused("restore", server, "is no backup", mine)
    refused("restore", server, "open the folder", server.folder / "nowhere")
    other = Server(server.settings)
    other.configure()
    refused("backup", other, "nothing to back up", backup)
    assert not backup.exists()
    shutil.rmtree(other.folder)


@case(a_server_to_copy)
def a_backup_that_was_killed_goes_on_and_is_not_restored_before(server):
    backup = server.folder / "killed"
    words = [PROGRAM, "store", "backup", "--config", config(server), str(backup)]
    space = server.client.space("many blobs")
    for number in range(150):
        assert space.put(f"{number}", b"%d " % number + LARGE).status == 200
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        wait_for("some blobs", lambda: len(files(backup)) > 20)
        process.kill()
    there = {path: path.stat().st_ino for path in files(backup) if path.suffix != ".new"}
    assert BLOBS < len(there) < 150 + BLOBS
    refused("restore", server, "is not whole", backup)
    # As if it had been killed while it wrote this one.
    path, = [path for path in files(data(server)) if path.read_bytes().startswith(b"149 ")]
    begun = backup / "blobs" / path.name[:2] / (path.name + ".new")
    begun.parent.mkdir(exist_ok=True)
    begun.write_bytes(b"begun")
    assert store("backup", server, backup)[-1].endswith("; good")
    assert command("store", "scrub", "--data", str(backup)).returncode == 0
    assert [path.name for path in files(backup)] == [path.name for path in files(data(server))]
    again = {path: path.stat().st_ino for path in files(backup)}
    assert {path: again[path] for path in there} == there  # they were not written anew
    with restored(server, backup) as other:
        server.filled.is_in(other)
    server.client.ask("DELETE", space.path).result
    wait_for("its blobs to go", lambda: len(files(data(server))) == BLOBS, 90)


@case(a_server_to_copy)
def a_second_backup_brings_the_first_one_up_to_date(server):
    backup = server.folder / "twice"
    space = server.client.space("changes")
    for key in ("goes", "stays", "grows", "shrinks"):
        assert space.put(key, (b"" if key == "grows" else LARGE) + key.encode()).status == 200
    other = server.client.space("goes whole")
    assert other.put("key", LARGE).status == 200
    store("backup", server, backup)
    assert len(files(backup)) == BLOBS + 4
    assert space.remove("goes").status == 200
    assert space.put("grows", LARGE).status == 200
    assert space.put("shrinks", b"x").status == 200
    # Written anew, with the blob that it has.
    reply = server.filled.objects.ask("PUT", "/filled/large", fields={
        "x-amz-copy-source": "/filled/large", "x-amz-metadata-directive": "REPLACE",
        "x-amz-meta-a": "b"})
    assert reply.status == 200, reply
    server.client.ask("DELETE", other.path).result
    wait_for("its map to go", lambda: not (
        data(server) / "maps" / f"kv-{other.id}.db").exists() or not rows_of(server, other), 90)
    assert store("backup", server, backup)[-1].endswith("; good")
    assert len(files(backup)) == BLOBS + 2
    with restored(server, backup) as copy, Client(
            copy, server.client.token, server.client.account) as client:
        there = Space(client, space.record)
        assert there.names() == ["grows", "shrinks", "stays"]
        assert there.value("grows") == LARGE and there.value("stays") == LARGE + b"stays"
        Space(client, other.record).get("key").refused(404)
        server.filled.is_in(copy)
    server.client.ask("DELETE", space.path).result
    wait_for("its blobs to go", lambda: len(files(data(server))) == BLOBS, 90)


def rows_of(server, space):
    with rows(server, f"kv-{space.id}") as base:
        return base.execute("SELECT count(*) FROM row").fetchone()[0]


# --- while it is written to ---

def is_a_state(journal, first, values, least, most):
    """The number of writes after which the namespace was like that."""
    state = dict(first)
    for number, (key, value) in enumerate(journal[:most]):
        if number >= least and state == values:
            return number
        state.pop(key, None)
        if value is not None:
            state[key] = value
    assert state == values, f"{len(values)} values are of no one moment"
    return most


@case(a_server_to_copy)
def a_backup_under_load_is_what_was_there_at_one_moment(server):
    backup = server.folder / "load"
    space = server.client.space("journal")
    first = {f"{number:04}": b"first" for number in range(MANY)}
    assert space.bulk([{"key": key, "value": value.decode()} for key, value in first.items()]
                      ).status == 200
    with Writer(server, space, MANY, 5) as writer:
        wait_for("writes", lambda: writer.acknowledged > 50)
        before = writer.acknowledged
        assert store("backup", server, backup)[-1].endswith("; good")
        after = len(writer.journal)
        wait_for("more writes", lambda: writer.acknowledged > after)
    assert after - before > 10, "there was no load"
    assert command("store", "scrub", "--data", str(backup)).returncode == 0
    with restored(server, backup) as other, Client(
            other, server.client.token, server.client.account) as client:
        copy = Space(client, space.record)
        names = copy.names()
        while len(names) % 1000 == 0:
            names += copy.names(f"?cursor={copy.list().json['result_info']['cursor']}")
        values = {key: copy.value(key) for key in names}
        assert before < is_a_state(writer.journal, first, values, before, after)
    server.client.ask("DELETE", space.path).result
    wait_for("its blobs to go", lambda: len(files(data(server))) == BLOBS, 90)


@case(a_server_to_copy)
def blobs_that_go_while_they_are_copied_are_not_missed(server):
    space = server.client.space("blobs come and go")
    with Writer(server, space, 20, 1) as writer:
        for number in range(5):
            begun = writer.acknowledged
            wait_for("writes", lambda: writer.acknowledged > begun + 30)
            backup = server.folder / f"racing {number}"
            line, = store("backup", server, backup)
            assert line.endswith("; good"), line
            done = command("store", "scrub", "--data", str(backup), "--orphan-age", "0")
            assert done.returncode == 0 and "orphan" not in done.stdout, done
    server.client.ask("DELETE", space.path).result
    wait_for("its blobs to go", lambda: len(files(data(server))) == BLOBS, 90)


# --- damage ---

@case(a_server_to_copy)
def what_is_damaged_is_told_and_the_last_good_copy_of_it_stays(server):
    backup, name = server.folder / "damaged", server.filled.map
    store("backup", server, backup)
    with rows(server, name) as base:
        assert base.execute("UPDATE row SET sum = sum + 1 WHERE key = ?",
                            (key_row("small"),)).rowcount == 1
    lines = store("backup", server, backup, status=1)
    assert lines[0] == f'damaged row, not copied: {name} "ksmall"', lines
    assert lines[-1].endswith("; 1 damaged, 0 missing; not good"), lines
    with rows(server, name) as base:
        base.execute("UPDATE row SET sum = sum - 1 WHERE key = ?", (key_row("small"),))
    with restored(server, backup) as other:
        server.filled.is_in(other)


@case(a_server_to_copy)
def a_blob_that_is_missing_or_damaged_is_told_with_its_row(server):
    backup = server.folder / "holes"
    gone, = [path for path in files(data(server)) if path.read_bytes().startswith(LARGE[1:])]
    rots, = [path for path in files(data(server)) if path.read_bytes().startswith(LARGE[2:])]
    gone.rename(gone.parent / "away")
    flip(rots, 100)
    *lines, last = store("backup", server, backup, status=1)
    assert sorted(lines)[0].startswith(f"damaged blob: {rots.name}, which s3-"), lines
    assert sorted(lines)[1] == f'missing blob: {gone.name}, which {server.filled.map} "kother" ' \
                               "names", lines
    assert last.endswith("; 1 damaged, 1 missing; not good"), last
    (gone.parent / "away").rename(gone)
    flip(rots, 100)
    assert store("backup", server, backup)[-1].endswith("; good")
    with restored(server, backup) as other:
        server.filled.is_in(other)


# --- from one driver to the other ---

@case(a_server_to_copy)
def a_store_moves_to_postgresql_and_back(server):
    one, two = server.folder / "to-postgresql", server.folder / "from-postgresql"
    store("backup", server, one)
    with postgres() as (url, _), restored(server, one, store={"maps": url}) as middle:
        server.filled.is_in(middle)
        assert not (data(middle) / "maps").exists()
        store("scrub", middle)
        with Client(middle, server.client.token, server.client.account) as client:
            space = Space(client, server.filled.space.record)
            assert space.put("in between", LARGE).status == 200
            assert store("backup", middle, two)[-1].endswith("; good")
    with restored(server, two) as last, Client(
            last, server.client.token, server.client.account) as client:
        space = Space(client, server.filled.space.record)
        assert space.value("in between") == LARGE
        assert space.remove("in between").status == 200
        server.filled.is_in(last)


@fixture
def a_server_with_postgresql_to_check():
    with postgres() as (url, _), serve(store={"maps": url}) as server:
        server.url = url
        yield server


@case(a_server_with_postgresql_to_check)
def a_damaged_row_in_postgresql_is_named(server):
    space = server.client.space("rots")
    assert space.put("key", b"x").status == 200 and space.put("other", LARGE).status == 200
    sql = "UPDATE selvedge.row SET value = value || '\\x00'::bytea WHERE key = 'kkey'"
    done = subprocess.run(["psql", server.url, "-c", sql], check=True, capture_output=True)
    assert done.stdout == b"UPDATE 1\n", done
    first, last = store("check", server, status=1)
    assert first == f'damaged row: kv-{space.id} "kkey"', first
    assert "; 1 blobs, " in last and last.endswith("; 1 damaged, 0 missing; not good"), last
