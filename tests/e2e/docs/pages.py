"""The configurations that pages show, and servers of them, with the pictures they speak of.

A part of a configuration is put where its outermost settings belong, and what is still required
is added. Where it runs, 127.0.0.1 becomes another address of this machine, so that the ports
that a page speaks of are free, and origins on the Internet become servers of our own.
"""
import contextlib
import functools
import hashlib
import hmac
import itertools
import os
import re
import textwrap

import certificate
import origin
import pictures
from documents import TEXTS, of_kind
from run import fixture
from selvedge import Server, command

SECRET = "only for this run"
NEVER = 4102444800  # the year 2100
ROUTE = "/cdn-cgi/image/"
SIZE = (2040, 1356)  # of the photograph in docs/images.md
SMALL = (64, 48)

REQUIRED = {"listen": "listen:\n  - address: 127.0.0.1:8080\n",
            "sites": 'sites:\n  - hosts: ["*"]\n    routes: [{ path: /, files: { root: . } }]\n'}

_numbers = itertools.count(64)


@functools.lru_cache(maxsize=None)
def settings():
    """The names of the settings by the place they are in: "", "sites", "sites.routes", …"""
    told = command("help", "config")
    assert told.returncode == 0, told
    names, above = {}, []
    for line in told.stdout.splitlines():
        found = re.match(r"((?:  )*)([a-z_0-9]+) ", line)
        if found:
            above[len(found[1]) // 2:] = [found[2]]
            names.setdefault(".".join(above[:-1]), set()).add(found[2])
    return names


def whole(text):
    """The configuration that a part belongs to; a whole one stays as it is."""
    outermost = set(re.findall(r"^([^\s#:]+):", text, re.M))
    assert outermost, "no setting begins a line"
    if outermost <= settings()["sites.routes"] and "path" not in outermost:
        return whole("routes:\n  - path: " + ROUTE + "\n" + textwrap.indent(text, " " * 4))
    if outermost <= settings()["sites"]:
        return whole('sites:\n  - hosts: ["*"]\n' + textwrap.indent(text, " " * 4))
    strange = sorted(outermost - settings()[""])
    assert not strange, f"no place is known for {', '.join(strange)}"
    return text + "".join(more for name, more in REQUIRED.items() if name not in outermost)


def furnish(text, folder):
    """Make the folders, secrets and certificates that a configuration names. Returns it with
    absolute paths led into `folder`, where relative ones lead anyway."""
    for name in re.findall(r"\benv:(\w+)", text):
        os.environ[name] = SECRET
    for kind, path in re.findall(r"\b(root: *|file:|certificate: *)([^\s,}\"]+)", text):
        place = folder / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind.startswith("root"):
            place.mkdir(exist_ok=True)
        elif kind == "file:":
            place.write_text(SECRET)
        else:
            certificate.make(place.parent, place.stem, "example.com")
    return re.sub(r"\b((?:certificate|key|root): *|file:)/", rf"\g<1>{folder}/", text)


def photograph(width, height):
    slope = bytes(range(256)) * (width * 3 // 256 + 2)
    rows = (slope[y // 4 % 256:][:width * 3] for y in range(height))
    return pictures.png(width, height, b"".join(rows))


@functools.lru_cache(maxsize=None)
def jpegs():
    """By the names that pages give them; made by the program itself, of PNG."""
    pngs = {"samples/harbour.jpg": photograph(*SIZE), "pictures/cat.jpg": photograph(800, 600),
            "samples/small.jpg": pictures.photo(*SMALL)}
    server = Server(None)
    server.settings = {"sites": [{"hosts": ["*"], "routes": [
        {"path": "/", "files": {"root": "."}}, {"path": ROUTE, "images": {}}]}]}
    _write(server.folder, pngs)
    with server:
        made = {name: server.ask(f"{ROUTE}format=jpeg/{name}") for name in pngs}
    assert {reply.status for reply in made.values()} == {200}, made
    return {name: reply.body for name, reply in made.items()}


def _write(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def hang(folder):
    """Put the pictures there that pages speak of, and one that grows brighter from left to
    right, so that it shows how far a border reaches."""
    ramp = b"".join(bytes([x] * 3) for x in range(SMALL[0])) * SMALL[1]
    _write(folder, {**jpegs(), "brand/mark.png": pictures.photo(40, 40, 3, 4),
                    "samples/ramp.png": pictures.png(*SMALL, ramp)})


def own_address():
    """An address of this machine that nobody else uses, whatever the port."""
    high, low = divmod(os.getpid() & 0xffff, 256)
    return f"127.{next(_numbers)}.{high}.{low}"


class Site(Server):
    """A server of a configuration that is text. `here` turns a page's text into what holds for
    this server, `there` turns it back."""

    def __init__(self, text, swaps=()):
        super().__init__(None)
        self.at = own_address()
        self.swaps = [("127.0.0.1", self.at), *swaps]
        self.text = whole(text)
        if not re.search(r"^admin:", self.text, re.M):
            self.text += "admin: { listen: { address: 127.0.0.1:8081 } }\n"
        if not re.search(r"^s3:", self.text, re.M):
            self.text += "s3: { listen: { address: 127.0.0.1:8082 } }\n"
        hang(self.folder)

    def configure(self, settings=None):
        path = self.folder / "selvedge.yaml"
        path.write_text(furnish(self.here(self.text), self.folder))
        return path

    def here(self, text):
        for page, own in self.swaps:
            text = text.replace(page, own)
        return text

    def there(self, text):
        for page, own in self.swaps:
            text = text.replace(own, page)
        return text


class Stage(Site):
    """A site that is not started: a page's own commands do that."""

    def start(self):
        self.configure()


def signed(target):
    """A link with a signature, by docs/images.md: HMAC-SHA-256 over all that is before it."""
    text = f"{target}?exp={NEVER}"
    return f"{text}&sig={hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()}"


def shown(path, number=0):
    """The text of a configuration that a page shows."""
    return [block for block in of_kind("yaml") if block.path == path][number].text


@fixture
def the_site_of_the_readme():
    with Site(shown("README.md")) as server:
        yield server


@fixture
def the_site_of_files_md():
    with Site(shown("docs/files.md")) as server:
        yield server


@fixture
def the_site_of_images_md():
    text = shown("docs/images.md")
    with contextlib.ExitStack() as stack:
        swaps = []
        for base in sorted(set(re.findall(r"https://[a-z.]+(?=/)", text))):
            paths = re.findall(rf"{re.escape(base)}(/[^\s\"`]*\.jpg)", TEXTS["docs/images.md"])
            picture = origin.reply(jpegs()["samples/harbour.jpg"], Content_Type="image/jpeg")
            answers = dict.fromkeys(paths, picture)
            other = stack.enter_context(origin.Origin(answers))
            swaps.append((base, other.base))
        yield stack.enter_context(Site(text + "client: { private_networks: true }\n", swaps))


@fixture
def the_site_of_presets():
    """The presets of docs/images.md, and the pictures that they and their links are made of."""
    text = whole(shown("docs/images.md", 1))
    route = "    routes:\n"
    assert text.count(route) == 1, text
    more = "      - path: /\n        files: { root: . }\n"
    with Site(text.replace(route, route + more)) as server:
        yield server


# Pages that show no site of their own use the README's, but for those that follow a picture.
SITES = {"docs/files.md": the_site_of_files_md, "docs/images.md": the_site_of_images_md,
         "docs/ARCHITECTURE.md": the_site_of_images_md}


def site_of(path):
    return SITES.get(path, the_site_of_the_readme)
