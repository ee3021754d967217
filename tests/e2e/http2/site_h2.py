"""The server that the suite talks to: its own, or with SELVEDGE_H2 (host:port) another one.

Whichever it is, it speaks HTTP/2 by prior knowledge, answers GET /letters.txt with 26 letters and
GET /big.bin with three MiB, and takes a POST to neither.
"""
import contextlib
import os

import selvedge
from peer import Peer
from run import fixture

LETTERS = b"abcdefghijklmnopqrstuvwxyz"
BIG_BYTES = 3 << 20


class Site:
    def __init__(self, address):
        self.address = address

    def raw(self):
        """A connection on which nothing was said."""
        return Peer(self.address)

    @contextlib.contextmanager
    def peer(self, *pairs):
        """A connection after both prefaces; `pairs` are the client's SETTINGS."""
        with Peer(self.address) as made:
            yield made.begin(*pairs)


@fixture
def an_http2_server():
    outside = os.environ.get("SELVEDGE_H2")
    if outside:
        host, _, port = outside.rpartition(":")
        yield Site((host, int(port)))
        return
    server = selvedge.Server(None)
    root = server.folder / "root"
    root.mkdir()
    (root / "letters.txt").write_bytes(LETTERS)
    (root / "big.bin").write_bytes(bytes(range(256)) * (BIG_BYTES // 256))
    server.settings = {"listen": [{}], "sites": [
        {"hosts": ["*"], "routes": [{"path": "/", "files": {"root": str(root)}}]}]}
    with server:
        yield Site(server.address)
