"""A server with keys, values and objects of all kinds, and what they shall be."""
import contextlib
import pathlib
import re
import sqlite3
import threading

import s3
from account import Client, Space, serve
from selvedge import command

LARGE = bytes(range(256)) * 400  # a blob
PART = LARGE * 60  # of an object; more than the least
KEYS = ["small", "a key/with \\ and \"", "ключ"]


def key_row(key):
    return b"k" + key.encode()


class Filled:
    """`space` is a namespace with one row for each kind, `objects` a bucket."""

    def __init__(self, server):
        self.server = server
        self.space = server.client.space("filled")
        self.objects = s3.Client(server.addresses[-2], s3.key_of(server.client.token))
        self.want = {key: key.encode() for key in KEYS}
        self.want["large"], self.want["other"] = LARGE[3:], LARGE[1:]
        self.want_objects = {"small": b"small", "large": LARGE[2:], "parts": PART + LARGE}
        for key, value in self.want.items():
            assert self.space.put(key, value).status == 200
        assert self.space.put_form("form", b"x", '{"a": 1}', "?expiration_ttl=36000").status == 200
        assert self.objects.ask("PUT", "/filled").status == 200
        assert self.objects.put("/filled/small", b"small").status == 200
        assert self.objects.put("/filled/large", LARGE[2:]).status == 200
        self._upload("/filled/parts", PART, LARGE)

    def _upload(self, path, *parts):
        begun = self.objects.post(path, b"", "uploads")
        upload = re.search(rb"<UploadId>(.+)</UploadId>", begun.body)[1].decode()
        told = b""
        for number, part in enumerate(parts, 1):
            reply = self.objects.put(path, part, query=f"partNumber={number}&uploadId={upload}")
            assert reply.status == 200, reply
            told += b"<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>" % (
                number, reply.get("ETag").encode())
        reply = self.objects.post(path, b"<CompleteMultipartUpload>" + told
                                  + b"</CompleteMultipartUpload>", f"uploadId={upload}")
        assert reply.status == 200, reply

    def is_in(self, server):
        """That server has it all, under the same token."""
        with Client(server, self.server.client.token, self.server.client.account) as client:
            space = Space(client, self.space.record)
            assert {key: space.value(key) for key in self.want} == self.want
            assert space.value("form") == b"x" and space.metadata("form").result == {"a": 1}
            assert len(space.names()) == len(self.want) + 1
        objects = s3.Client(server.addresses[-2], self.objects.key)
        got = {key: objects.get(f"/filled/{key}").body for key in self.want_objects}
        assert got == self.want_objects

    @property
    def map(self):
        """The name of the namespace's map."""
        return f"kv-{self.space.id}"


class Writer:
    """Writes one key after the other, each so many of them a blob, and keeps a journal: what was
    answered before the next."""

    def __init__(self, server, space, keys, blob_each):
        self.keys, self.blob_each = keys, blob_each
        self.client = Client(server, server.client.token, server.client.account)
        self.space = space.by(self.client)
        self.journal = []  # (key, value or None), begun
        self.acknowledged = 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.client.close()

    def _run(self):
        while not self.ended.is_set():
            number = len(self.journal)
            key = f"{number * 7919 % self.keys:04}"  # all over the map
            value = b"%d" % number + (LARGE if number % self.blob_each == 0 else b"")
            value = None if number % 11 == 10 else value
            self.journal.append((key, value))
            answer = self.space.remove(key) if value is None else self.space.put(key, value)
            assert answer.status == 200, answer
            self.acknowledged = number + 1


BLOBS = 2 + 1 + 2  # of values, of an object, of its parts


@contextlib.contextmanager
def filled(**settings):
    with serve(s3={"enabled": True}, **settings) as server:
        server.filled = Filled(server)
        yield server


def data(server):
    return server.folder / "data"


@contextlib.contextmanager
def rows(server, name):
    """The table of a map's file, behind the back of everybody."""
    base = sqlite3.connect(data(server) / "maps" / f"{name}.db", timeout=20)
    try:
        with base:
            yield base
    finally:
        base.close()


def files(folder):
    """The blobs in a data folder, unfinished ones among them."""
    return sorted(path for path in (pathlib.Path(folder) / "blobs").rglob("*") if path.is_file())


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def config(server):
    return str(server.folder / "selvedge.yaml")


def store(what, server, *words, status=0):
    """The lines that `selvedge store` prints; its exit status is that."""
    done = command("store", what, "--config", config(server), *map(str, words))
    assert (done.returncode, done.stderr) == (status, ""), done
    return done.stdout.splitlines()


def refused(what, server, part, *words, status=1):
    """It does not, and says why."""
    done = command("store", what, "--config", config(server), *map(str, words))
    assert (done.returncode, done.stdout) == (status, ""), (done.returncode, done.stdout)
    assert part in done.stderr, done.stderr
