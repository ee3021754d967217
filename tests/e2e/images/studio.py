"""A site with pictures and the images service in front of them."""
import contextlib
import functools
import pathlib

import pictures
from selvedge import Server

ROUTE = "/cdn-cgi/image/"
CORPUS = pathlib.Path(__file__).resolve().parents[2] / "corpus"
SVG = b"""<?xml version="1.0"?><?xml-stylesheet href="https://evil.example/"?><!DOCTYPE svg>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="40" height="30" onload="alert(1)"><script>alert(2)</script><title>kept</title>
<a xlink:href="java&#9;script:alert(3)"><rect width="40" height="30" fill="#369"
 onclick="alert(4)"/></a><foreignObject><iframe src="https://evil.example/"/></foreignObject>
<image href="https://evil.example/x.png"/><use href="https://evil.example/y.svg#z"/>
<animate attributeName="href" to="javascript:alert(5)"/><style>@import url(//evil.example/)</style>
</svg>"""


@functools.lru_cache(maxsize=None)
def samples():
    """Made once; each is small enough that a case takes milliseconds."""
    return {
        "photo.png": pictures.photo(320, 240),
        "large.png": pictures.photo(1000, 700, seed=2),
        "tiny.png": pictures.photo(16, 12, seed=3),
        "alpha.png": pictures.photo(80, 60, seed=4, channels=4),
        "quadrants.png": pictures.quadrants(64, 32),
        "animation.gif": pictures.gif(60, 40, 5),
        "animation.avif": (CORPUS / "jail_sequence/five-frames.avif").read_bytes(),
        "picture.svg": SVG,
        "text.png": b"this is no picture at all, whatever its name says\n" * 10,
        "page.html": b"<!doctype html><p>SECRET PAGE</p>",
        "empty.png": b"",
    }


@contextlib.contextmanager
def serve(images=None, settings=None, route=ROUTE, extra=()):
    """A server of the samples. `images` are the settings of the service."""
    server = Server(None)
    server.root = server.folder / "root"
    server.root.mkdir()
    for name, data in samples().items():
        (server.root / name).write_bytes(data)
    server.settings = {"sites": [{"hosts": ["*"], "routes": [
        {"path": "/", "files": {"root": str(server.root)}},
        {"path": route, "images": images or {}}, *extra]}], **(settings or {})}
    with server:
        yield server


def link(options, source="photo.png"):
    return f"{ROUTE}{options}/{source}"


def jobs(server):
    """How many pictures jails have made so far."""
    return int(server.metrics()["selvedge_image_job_ms_count"])


def was_hit(reply):
    return reply.get("Cache-Status", "").startswith("Selvedge; hit")
