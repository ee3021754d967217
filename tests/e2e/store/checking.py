"""What is damaged, missing or left over is found, each by itself, while a server runs."""
import os
import pty
import shutil
import subprocess
import time

from filled import (BLOBS, LARGE, Writer, config, data, files, filled, flip, key_row, refused, rows,
                    store)
from run import case, fixture, table
from selvedge import PROGRAM, command, wait_for

DAY_S = 24 * 60 * 60


@fixture
def a_server_to_check():
    with filled() as server:
        yield server


def blob_of(server, value):
    """The file with that value."""
    found = [path for path in files(data(server)) if path.read_bytes().startswith(value)]
    assert len(found) == 1
    return found[0]


def age(path, seconds):
    when = time.time() - seconds
    os.utime(path, (when, when))


@table(a_server_to_check, [("check", "check"), ("scrub", "scrub")])
def what_is_good_is_said_to_be(server, what):
    line, = store(what, server)
    assert line.startswith(f"{what}: ") and line.endswith("; good"), line
    assert f"; {BLOBS} blobs, " in line and "damaged" not in line, line


@table(a_server_to_check, [
    ("its value", "UPDATE row SET value = value || X'00' WHERE key = ?"),
    ("its checksum", "UPDATE row SET sum = sum + 1 WHERE key = ?"),
    ("its body", "UPDATE body SET bytes = zeroblob(length(bytes)) WHERE version = "
                 "(SELECT version FROM row WHERE key = ?)"),
])
def a_damaged_row_is_named(server, change):
    name, key = server.filled.map, key_row("a key/with \\ and \"")
    with rows(server, name) as base:
        row = base.execute("SELECT * FROM row WHERE key = ?", (key,)).fetchone()
        body = base.execute("SELECT * FROM body WHERE version = ?", (row[1],)).fetchone()
        assert base.execute(change, (key,)).rowcount == 1
    lines = store("check", server, status=1)
    assert lines[0] == f'damaged row: {name} "ka key/with \\x5c and \\x22"', lines
    assert len(lines) == 2 and lines[1].endswith("; 1 damaged, 0 missing; not good"), lines
    with rows(server, name) as base:
        base.execute("REPLACE INTO row VALUES (?, ?, ?, ?, ?)", row)
        base.execute("REPLACE INTO body VALUES (?, ?, ?)", body)
    store("check", server)


@case(a_server_to_check)
def a_file_of_rows_that_is_damaged_is_told_and_the_others_are_checked(server):
    space = server.client.space("rots")
    assert space.put("key", b"x").status == 200
    path = data(server) / "maps" / f"kv-{space.id}.db"
    server.client.close()
    server.stop()
    with rows(server, f"kv-{space.id}") as base:  # all of it into the file
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = path.read_bytes()
    path.write_bytes(kept[:4096] + b"no page of a tree" * (len(kept) // 17))
    done = command("store", "check", "--config", config(server))
    first, last = done.stdout.splitlines()
    assert done.returncode == 1 and "malformed" in done.stderr, done
    assert first.startswith(f"damaged map: kv-{space.id} cannot be read"), first
    assert last.endswith("; 1 damaged, 0 missing; not good"), last
    assert f"; {BLOBS} blobs, " in last, last
    backup = server.folder / "backup"
    done = command("store", "backup", "--config", config(server), str(backup))
    assert done.returncode == 1 and done.stdout.startswith(
        f"damaged map, not copied: kv-{space.id}: "), done
    assert " in 5 maps, " in done.stdout and f"; {BLOBS} blobs, " in done.stdout, done
    path.write_bytes(kept)
    server.start()
    store("check", server)


@case(a_server_to_check)
def a_missing_blob_is_named_with_the_row_that_wants_it(server):
    path = blob_of(server, LARGE[2:])
    path.rename(path.parent / "away")
    for what in ("check", "scrub"):
        first, last = store(what, server, status=1)
        assert first.startswith(f"missing blob: {path.name}, which s3-"), first
        assert first.endswith('"olarge" names'), first
        assert last.endswith("; 0 damaged, 1 missing; not good"), last
    (path.parent / "away").rename(path)
    store("check", server)


@table(a_server_to_check, [("at its begin", 0), ("in the middle", 70000), ("at its end", -1)])
def a_damaged_blob_is_found_by_a_scrub(server, at):
    path = blob_of(server, LARGE[1:])
    flip(path, at % path.stat().st_size)
    store("check", server)
    first, last = store("scrub", server, status=1)
    assert first == f'damaged blob: {path.name}, which {server.filled.map} "kother" names', first
    assert last.endswith("; 1 damaged, 0 missing; not good"), last
    flip(path, at % path.stat().st_size)
    store("scrub", server)


def leave(server, name, seconds):
    """A blob that nobody names, of that age."""
    path = data(server) / "blobs" / name[:2] / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(files(data(server))[0], path)
    age(path, seconds)
    return path


@case(a_server_to_check)
def orphans_are_found_and_removed_and_nothing_else_is(server):
    kept = files(data(server))
    for path in kept:
        age(path, 10 * DAY_S)
    old = leave(server, "00" * 16, DAY_S + 60)
    begun = leave(server, "ff" * 16 + ".new", DAY_S + 60)
    young = leave(server, "7f" * 16, DAY_S - 600)
    *lines, last = store("check", server)
    assert sorted(lines) == [f"orphan: {name * 16}, which no row names" for name in ("00", "ff")]
    assert last.endswith("; 2 orphans; good"), last
    assert old.exists() and begun.exists()
    *lines, last = store("check", server, "--repair")
    assert len(lines) == 2 and last.endswith("; 2 orphans, 2 removed; good"), (lines, last)
    assert files(data(server)) == sorted([*kept, young])
    line, last = store("check", server, "--orphan-age", DAY_S - 1200, "--repair")
    assert line == f"orphan removed: {'7f' * 16}, which no row names", line
    assert files(data(server)) == kept
    server.filled.is_in(server)


@case(a_server_to_check)
def what_was_begun_is_not_taken_for_the_blob_beside_it(server):
    path = blob_of(server, LARGE[1:])
    begun = path.parent / (path.name + ".new")
    shutil.copy(path, begun)
    age(begun, 2 * DAY_S)
    age(path, 2 * DAY_S)
    store("check", server, "--repair")
    assert path.exists()
    begun.unlink()


@case(a_server_to_check)
def with_a_row_that_cannot_be_read_no_orphan_is_removed(server):
    name, key = server.filled.map, key_row("large")
    with rows(server, name) as base:
        assert base.execute("UPDATE row SET sum = sum + 1 WHERE key = ?", (key,)).rowcount == 1
    named = blob_of(server, LARGE[3:])
    age(named, 2 * DAY_S)
    orphan = leave(server, "00" * 16, 2 * DAY_S)
    lines = store("check", server, "--repair", status=1)
    assert named.exists() and orphan.exists()
    assert "orphans were not removed: what cannot be read may name them" in lines, lines
    assert lines[-1].endswith("; 2 orphans, 0 removed; not good"), lines
    with rows(server, name) as base:
        base.execute("UPDATE row SET sum = sum - 1 WHERE key = ?", (key,))
    store("check", server, "--repair")
    assert named.exists() and not orphan.exists()


@case(a_server_to_check)
def with_a_map_of_an_unknown_kind_no_orphan_is_removed(server):
    orphan = leave(server, "00" * 16, 2 * DAY_S)
    strange = data(server) / "maps" / "strange.db"
    with rows(server, "kv") as base:
        base.execute("VACUUM INTO ?", (str(strange),))
    lines = store("check", server, "--repair")
    assert "unknown map: strange is of a kind that this version does not know" in lines, lines
    assert orphan.exists()
    for path in strange.parent.glob("strange.db*"):
        path.unlink()
    store("check", server, "--repair")
    assert not orphan.exists()


@case(a_server_to_check)
def blobs_without_any_map_are_left_alone(server):
    folder = server.folder / "others"
    shutil.copytree(data(server) / "blobs", folder / "blobs")
    for path in files(folder):
        age(path, 2 * DAY_S)
    done = command("store", "check", "--data", str(folder), "--repair")
    assert "there are blobs and no maps: is store.maps right?" in done.stdout, done
    assert len(files(folder)) == BLOBS


@table(a_server_to_check, [("check", "check"), ("scrub", "scrub")])
def under_load_nothing_is_missing_or_left_over(server, what):
    space = server.client.space(f"load of a {what}")
    with Writer(server, space, 10, 1) as writer:
        for _ in range(20):
            begun = writer.acknowledged
            line, = store(what, server, "--repair")
            assert line.endswith("; good"), line
            wait_for("writes", lambda: writer.acknowledged > begun)
    server.client.close()
    left = {key: value for key, value in writer.journal if value is not None}
    assert {key: space.value(key) for key in space.names()}.items() <= left.items()
    server.client.ask("DELETE", space.path).result
    wait_for("its blobs to go", lambda: len(files(data(server))) == BLOBS, 90)


@case(a_server_to_check)
def a_scrub_is_as_gentle_as_it_is_told_to_be(server):
    size = sum(path.stat().st_size for path in files(data(server)))
    begun = time.monotonic()
    store("scrub", server, "--rate-mb", 4)
    assert time.monotonic() - begun >= (size >> 20) / 4 - 0.5


@case(a_server_to_check)
def progress_is_shown_on_a_terminal_and_nowhere_else(server):
    assert command("store", "scrub", "--config", config(server)).stderr == ""
    own, other = pty.openpty()
    done = subprocess.run([PROGRAM, "store", "scrub", "--config", config(server), "--rate-mb", "8"],
                          stdout=subprocess.PIPE, stderr=other, check=True, text=True)
    os.close(other)
    shown = os.read(own, 1 << 16).decode()
    os.close(own)
    assert "\rscrub: " in shown.replace("\x1b[K", "") and " blobs, " in shown, shown
    assert "%" in shown and shown.endswith("\x1b[K"), shown
    assert done.stdout.count("\n") == 1


@table(a_server_to_check, [
    ("no task", []),
    ("another task", ["polish"]),
    ("a word too many", ["check", "more"]),
    ("an option of another", ["check", "--rate-mb", "3"]),
    ("an age that is none", ["check", "--orphan-age", "old"]),
    ("no folder", ["backup"]),
    ("two folders", ["backup", "one", "two"]),
    ("two stores", ["check", "--config", "a", "--data", "b"]),
])
def words_that_are_not_understood_end_it(_, words):
    done = command("store", *words)
    assert done.returncode == 2 and "see 'selvedge help store'" in done.stderr, done
    assert command("help", "store").stdout.startswith("selvedge store check")


@case(a_server_to_check)
def a_configuration_that_is_not_there_is_told(server):
    done = command("store", "check", "--config", str(server.folder / "none.yaml"))
    assert done.returncode == 1 and "none.yaml" in done.stderr, done
    refused("backup", server, "'/proc/none'", "/proc/none")
