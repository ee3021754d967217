"""Blobs at an endpoint of S3: a second server, which is damaged, killed and started again."""
import contextlib
import os
import pathlib
import re
import signal
import tempfile
import threading
import time

import certificate
import endpoint
import s3
from account import Client, serve
from filled import BLOBS, LARGE, data, files, filled, refused, store
from run import case, fixture, table
from selvedge import SLOW, Server, command, wait_for

# A machine that has much else to do is not what is tried here.
CALM = {"lag_ms": 0}


def blobs_at(folder, address, key, prefix="kept"):
    """The setting, with the secret in a file."""
    path = folder / "secret"
    path.write_text(key.secret + "\n")
    return {"blobs": endpoint.url(address, key, prefix), "blobs_secret": f"file:{path}"}


class Far:
    """The server that keeps the blobs, and what is in its bucket."""

    def __init__(self, server):
        self.server = server
        self.key = s3.key_of(server.client.token)
        self.address = server.addresses[-2]
        self.client = s3.Client(self.address, self.key)
        # It comes back where it was.
        server.settings["s3"]["listen"] = {
            **server.settings["s3"].get("listen", {}),
            "address": f"{self.address[0]}:{self.address[1]}"}
        endpoint.make_bucket(self.address, self.key)

    def blobs(self, prefix="kept"):
        """Keys of what is there."""
        reply = self.client.ask("GET", f"/{endpoint.BUCKET}", f"list-type=2&prefix={prefix}%2F")
        return re.findall(r"<Key>([^<]+)</Key>", reply.body.decode())

    def uploads(self):
        reply = self.client.ask("GET", f"/{endpoint.BUCKET}", "uploads=")
        return re.findall(r"<UploadId>([^<]+)</UploadId>", reply.body.decode())

    def begin(self, key):
        assert self.client.post(f"/{endpoint.BUCKET}/{key}", b"", "uploads=").status == 200

    def with_value(self, value):
        """The key of the blob that begins with that."""
        found = [key for key in self.blobs() if self.get(key).startswith(value)]
        assert len(found) == 1, found
        return found[0]

    def get(self, key):
        return self.client.get(f"/{endpoint.BUCKET}/{key}").body

    def put(self, key, data):
        assert self.client.put(f"/{endpoint.BUCKET}/{key}", data).status == 200

    def delete(self, key):
        assert self.client.delete(f"/{endpoint.BUCKET}/{key}").status == 204

    def kill(self):
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()

    def start(self):
        self.server.start()
        self.server.client.close()


@contextlib.contextmanager
def far_away():
    with serve(s3={"enabled": True}, overload=CALM) as server:
        yield Far(server)


@fixture
def a_server_with_its_blobs_at_another():
    with far_away() as far:
        with filled(store=blobs_at(far.server.folder, far.address, far.key),
                    overload=CALM) as server:
            server.far = far
            yield server


@case(a_server_with_its_blobs_at_another)
def all_is_served_and_nothing_large_is_here(server):
    server.filled.is_in(server)
    assert len(server.far.blobs()) == BLOBS and not server.far.uploads()
    assert not (data(server) / "blobs").exists()


@case(a_server_with_its_blobs_at_another)
def a_range_of_an_object_is_read(server):
    whole = server.filled.want_objects["parts"]
    for first, last in ((0, 0), (65535, 65536), (5 << 20, (5 << 20) + 300000), (6100000, 6200000)):
        reply = server.filled.objects.get("/filled/parts", {"Range": f"bytes={first}-{last}"})
        assert reply.status == 206 and reply.body == whole[first:last + 1]


@case(a_server_with_its_blobs_at_another)
def what_is_removed_goes_there_too(server):
    space = server.client.space("short-lived")
    assert space.put("key", LARGE).status == 200
    assert len(server.far.blobs()) == BLOBS + 1
    assert space.put("key", LARGE[1:]).status == 200
    wait_for("the old one to go", lambda: len(server.far.blobs()) == BLOBS + 1)
    assert space.remove("key").status == 200
    wait_for("the blob to go", lambda: len(server.far.blobs()) == BLOBS)


@case(a_server_with_its_blobs_at_another)
def an_upload_that_is_given_up_leaves_nothing(server):
    """Cut off behind more than a part."""
    made = server.filled.objects.upload("/filled/cut", LARGE * 500)  # 50 MB
    with contextlib.closing(server.filled.objects.connect()) as conn:
        conn.send_head(made)
        conn.conn.send(LARGE * 250)
        wait_for("an upload there", server.far.uploads)
    wait_for("it to go", lambda: not server.far.uploads())
    assert len(server.far.blobs()) == BLOBS


@case(a_server_with_its_blobs_at_another)
def a_flipped_byte_is_told_and_not_handed_out(server):
    value = b"flipped " + LARGE  # nobody has read it yet
    assert server.filled.space.put("flipped", value).status == 200
    key = server.far.with_value(value)
    good = server.far.get(key)
    server.far.put(key, good[:70000] + bytes([good[70000] ^ 1]) + good[70001:])
    try:
        answer = server.filled.space.get("flipped")
        assert answer.status == 500 and LARGE[100:200] not in answer.body, answer
    except ConnectionError:
        server.client.close()  # it is cut off before the span that is damaged
    lines = store("scrub", server, status=1)
    assert lines[0].startswith(f"damaged blob: {key.split('/')[-1]}, which "), lines
    server.far.put(key, good)
    assert server.filled.space.value("flipped") == value
    store("scrub", server)
    assert server.filled.space.remove("flipped").status == 200
    wait_for("it to go", lambda: len(server.far.blobs()) == BLOBS)


@case(a_server_with_its_blobs_at_another)
def one_that_is_away_is_named(server):
    key = server.far.with_value(server.filled.want["large"])
    good = server.far.get(key)
    server.far.delete(key)
    lines = store("check", server, status=1)
    assert lines[0].startswith(f"missing blob: {key.split('/')[-1]}, which "), lines
    server.far.put(key, good)
    store("check", server)


@case(a_server_with_its_blobs_at_another)
def orphans_are_found_and_removed(server):
    """A blob that nobody names, one that was begun, and what is not ours."""
    finished, begun = "01" + "0" * 30, "02" + "0" * 30
    server.far.put(f"kept/01/{finished}", b"x")
    server.far.put("kept/01/readme", b"x")
    server.far.begin(f"kept/02/{begun}")
    assert store("check", server)[-1].endswith("; good")  # they are young
    time.sleep(1.1)  # what is older than 0 seconds
    lines = store("check", server, "--orphan-age", "0", "--repair")
    told = [line for line in lines if line.startswith("orphan removed: ")]
    assert sorted(line.split()[2].rstrip(",") for line in told) == [finished, begun], lines
    assert not server.far.uploads()
    assert sorted(server.far.blobs())[0] == "kept/01/readme"
    assert len(server.far.blobs()) == BLOBS + 1
    server.far.delete("kept/01/readme")


@case(a_server_with_its_blobs_at_another)
def it_is_backed_up_and_restored_to_files_and_back(server):
    backup = server.folder / "backup"
    assert store("backup", server, backup)[-1].endswith("; good")
    assert len(files(backup)) == BLOBS
    for where in ({}, blobs_at(server.folder, server.far.address, server.far.key, "copy")):
        other = Server({**server.settings, "store": where})
        other.configure()
        assert store("restore", other, backup)[-1].endswith("; good")
        refused("restore", other, "is not empty", backup)
        with other:
            server.filled.is_in(other)
            store("scrub", other)
    assert sorted(key.split("/")[-1] for key in server.far.blobs("copy")) == sorted(
        key.split("/")[-1] for key in server.far.blobs())


class Busy:
    """Writes and reads values and objects as long as it is told to, each under a key of its own,
    and knows what was acknowledged. Whoever is refused is told 503."""

    def __init__(self, server, space, number):
        self.client = Client(server, server.client.token, server.client.account)
        self.space = space.by(self.client)
        self.objects = server.filled.objects.as_key(server.filled.objects.key)
        self.number, self.acknowledged = number, {}
        self.writes, self.reads, self.wrong = [], [], []  # statuses; of reads some from memory
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.client.close()

    def _ask(self, key, value=None):
        """A value's key is "v…", an object's "o…"; status and body."""
        if key[0] == "v":
            answer = self.space.get(key) if value is None else self.space.put(key, value)
        elif value is None:
            answer = self.objects.get(f"/busy/{key}")
        else:
            answer = self.objects.put(f"/busy/{key}", value)
        if answer.status == 503 and key[0] == "v":
            assert "endpoint of the blobs" in answer.message, answer
        return answer.status, answer.body

    def _run(self):
        count = 0
        while not self.ended.is_set():
            key = f"{'vo'[count % 2]}{self.number}-{count}"
            value = b"%s " % key.encode() + LARGE
            count += 1
            try:
                status, _ = self._ask(key, value)
                self.writes.append(status)
                if status == 200:
                    self.acknowledged[key] = value
                for old in list(self.acknowledged)[-3:]:
                    status, body = self._ask(old)
                    self.reads.append(status)
                    if status == 200 and body != self.acknowledged[old]:
                        self.wrong.append((old, len(body)))
            except (OSError, AssertionError) as why:
                self.wrong.append((key, repr(why)))
                self.client.close()

    def look(self):
        """What was acknowledged is there."""
        for key, value in self.acknowledged.items():
            status, body = self._ask(key)
            assert (status, body == value) == (200, True), (key, status)


@case(a_server_with_its_blobs_at_another)
def one_that_is_killed_under_load_loses_nothing(server):
    server.client.close()  # it may have been idle for too long
    space = server.client.space("busy")
    assert server.filled.objects.ask("PUT", "/busy").status == 200
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(Busy(server, space, number)) for number in range(4)]

        def new(status):
            """All of them are told that, from now on."""
            before = [len(one.writes) for one in busy]
            wait_for(f"answers of {status}", lambda: all(
                status in one.writes[seen:] for one, seen in zip(busy, before)), 60 * SLOW)

        for _ in range(3):
            new(200)
            server.far.kill()
            new(503)
            server.far.start()
        new(200)
    for one in busy:
        told = set(one.writes + one.reads)
        assert not one.wrong and told == {200, 503}, (one.wrong[:3], told)
        one.look()
    server.client.close()
    server.filled.is_in(server)
    assert store("scrub", server)[-1].endswith("; good")
    assert server.events("store.trouble") and server.far.key.secret not in server.errors()


@case(a_server_with_its_blobs_at_another)
def what_is_small_is_served_without_it(server):
    server.client.close()
    space = server.client.space("while away")
    assert server.filled.objects.ask("PUT", "/away").status == 200
    assert space.put("large", LARGE).status == 200  # nobody has read it yet
    assert server.filled.objects.put("/away/large", LARGE).status == 200
    server.far.kill()
    try:
        assert server.filled.space.value("small") == b"small"
        assert space.put("new", b"small").status == 200
        space.get("large").refused(503, 10001, "endpoint of the blobs")
        space.put("other", LARGE).refused(503, 10001, "endpoint of the blobs")
        reply = server.filled.objects.get("/away/large")
        assert s3.told(reply) == (503, "ServiceUnavailable"), reply
        refused("check", server, "endpoint of the blobs")
    finally:
        server.far.start()
    wait_for("it to be found again", lambda: space.get("large").status == 200)
    server.filled.is_in(server)


@fixture
def a_server_with_its_blobs_at_s3rver():
    with endpoint.s3rver() as (address, key):
        endpoint.make_bucket(address, key)
        with tempfile.TemporaryDirectory(prefix="selvedge-e2e-") as folder:
            with filled(store=blobs_at(pathlib.Path(folder), address, key)) as server:
                yield server


@case(a_server_with_its_blobs_at_s3rver)
def somebody_elses_endpoint_will_do(server):
    server.filled.is_in(server)
    assert server.filled.objects.put("/filled/long", LARGE * 300).status == 200  # 30 MB
    assert server.filled.objects.get("/filled/long").body == LARGE * 300


@fixture
def an_endpoint_behind_tls():
    """What is told of it: everything but whom to trust."""
    with tempfile.TemporaryDirectory(prefix="selvedge-e2e-") as folder:
        folder = pathlib.Path(folder)
        one = certificate.make(folder, "one", "localhost", "127.0.0.98")
        with serve(s3={"enabled": True, "listen": {"tls": [one]}}, overload=CALM) as server:
            key, address = s3.key_of(server.client.token), server.addresses[-2]
            reply = s3.Client(address, key, tls=certificate.client(one["certificate"]),
                              name="localhost").ask("PUT", f"/{endpoint.BUCKET}")
            assert reply.status == 200, reply
            where = blobs_at(folder, address, key)
            where["blobs"] = where["blobs"].replace("&tls=false", "")
            yield where, one["certificate"]


@case(an_endpoint_behind_tls)
def one_that_is_trusted_is_used(told):
    where, trusted = told
    with filled(store={**where, "blobs": f"{where['blobs']}&ca={trusted}"}) as server:
        server.filled.is_in(server)
        assert not server.events("store.trouble")


@case(an_endpoint_behind_tls)
def one_that_nobody_vouches_for_is_not(told):
    with serve(store=told[0]) as server:
        server.client.space("one").put("large", LARGE).refused(503, 10001, "is away")
        wait_for("the log", lambda: server.events("store.trouble"))


@fixture
def a_server_with_a_key_that_is_none():
    with far_away() as far:
        wrong = s3.Key(far.key.id, "0" * 64)
        with serve(store=blobs_at(far.server.folder, far.address, wrong)) as server:
            server.wrong = wrong
            yield server


@case(a_server_with_a_key_that_is_none)
def it_is_refused_and_the_log_says_why(server):
    space = server.client.space("one")
    assert space.put("small", b"small").status == 200
    space.put("large", LARGE).refused(500, 10001)
    trouble = wait_for("the log", lambda: server.events("store.trouble"))
    assert "SignatureDoesNotMatch" in trouble[0]["why"], trouble
    assert server.wrong.secret not in server.errors()
    refused("check", server, "refuses")


@table(a_server_with_a_key_that_is_none, [
    ("no secret", {"blobs": "s3://k@h/bucket"}, "store.blobs: the secret"),
    ("no bucket", {"blobs": "s3://k@h", "blobs_secret": "x"}, "store.blobs: s3://KEY_ID@HOST/BUCKET"),
    ("an option", {"blobs": "s3://k@h/bucket?a=b", "blobs_secret": "x"}, "region, tls and ca"),
    ("a relative folder", {"blobs": "file:b"}, "must begin with file:/ or s3://"),
])
def a_mistake_is_told_before_it_starts(server, settings, part):
    other = Server({**server.settings, "store": settings})
    done = command("check", str(other.configure()))
    assert done.returncode == 1 and part in done.stderr, done
    other.__exit__()
