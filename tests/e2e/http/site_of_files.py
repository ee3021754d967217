"""The site that most cases of this suite ask: a folder of files."""
import contextlib
import os
import random

from selvedge import Server

BIG = random.Random(1).randbytes(3 << 20)  # more than a socket holds
FILES = {
    "hello.txt": b"hello, world\n",
    "letters.txt": b"abcdefghijklmnopqrstuvwxyz",
    "empty.txt": b"",
    "big.bin": BIG,
    "page.html": b"<!doctype html><title>page</title>",
    "a b.txt": b"space",
    "100%.txt": b"percent",
    "\u00fc.txt": b"umlaut",
    "no-extension": b"octets",
    "UPPER.PNG": b"not really",
    ".hidden": b"secret",
    ".well/known.txt": b"secret",
    "folder/index.html": b"<p>index</p>",
    "folder/.git/config": b"secret",
    "bare/file.txt": b"in a bare folder",
}
OUTSIDE = b"root:x:0:0:outside"


def make_files(folder):
    """The site's root in `folder`, and beside it what must never be served."""
    root = folder / "root"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (folder / "outside").mkdir()
    (folder / "outside" / "secret.txt").write_bytes(OUTSIDE)
    (root / "link-out.txt").symlink_to(folder / "outside" / "secret.txt")
    (root / "link-up.txt").symlink_to("../outside/secret.txt")
    (root / "link-folder").symlink_to(folder / "outside")
    (root / "link-in.txt").symlink_to("hello.txt")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    return root


@contextlib.contextmanager
def serve(settings=None, listen=None, files=None, hosts=("*",)):
    """A server of those files. `settings` goes into the top of the configuration."""
    server = Server(None)
    root = make_files(server.folder)
    routes = [{"path": "/", "files": {"root": str(root), **(files or {})}}]
    server.root = root
    server.settings = {"listen": listen or [{}],
                       "sites": [{"hosts": list(hosts), "routes": routes}], **(settings or {})}
    with server:
        yield server
