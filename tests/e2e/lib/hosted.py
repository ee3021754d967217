"""Pictures that are stored, by the calls of the Images API."""
import contextlib
from urllib.parse import quote

import account
from account import PREFIX, Answer, blobs
from pictures import photo
from selvedge import request, wait_for

URL = "https://img.example.com"
PICTURE = photo(40, 30)


def form(fields=(), file=None, filename="picture.png", boundary="a-boundary"):
    """A form with these fields, then the file; and its type."""
    parts = [(f'name="{name}"', value if isinstance(value, bytes) else value.encode())
             for name, value in dict(fields).items()]
    if file is not None:
        named = f'; filename="{filename}"' if filename is not None else ""
        parts.append((f'name="file"{named}', file))
    body = b"".join(f"--{boundary}\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode()
                    + data + b"\r\n" for what, data in parts)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Images:
    """The pictures of an account, as a client sees them. `base` is in front of "/images"."""

    def __init__(self, client, base="~"):
        self.client, self.base = client, base

    def by(self, client):
        return Images(client, self.base)

    def at(self, picture=None, rest=""):
        where = "" if picture is None else "/" + quote(picture, safe="")
        return f"{self.base}/images/v1{where}{rest}"

    def ask(self, method, path, body=None, fields=()):
        return self.client.ask(method, path, body, fields)

    def upload(self, file=PICTURE, filename="picture.png", **fields):
        body, kind = form(fields, file, filename)
        return self.ask("POST", self.at(), body, {"Content-Type": kind})

    def raw(self, file=PICTURE, query="", kind="image/png"):
        return self.ask("POST", self.at() + query, file, {"Content-Type": kind})

    def get(self, picture):
        return self.ask("GET", self.at(picture))

    def edit(self, picture, **what):
        return self.ask("PATCH", self.at(picture), what)

    def remove(self, picture):
        return self.ask("DELETE", self.at(picture))

    def blob(self, picture, fields=()):
        return self.ask("GET", self.at(picture, "/blob"), fields=fields)

    def list(self, query=""):
        return self.ask("GET", f"{self.base}/images/v2{query}")

    def ids(self, query=""):
        return [image["id"] for image in self.list(query).result["images"]]

    def pages(self, query=""):
        return self.ask("GET", self.at() + query)

    def stats(self):
        return self.ask("GET", self.at(rest="/stats")).result["count"]

    def draft(self, **fields):
        body, kind = form(fields)
        return self.ask("POST", f"{self.base}/images/v2/direct_upload", body,
                        {"Content-Type": kind})

    def is_gone(self, picture):
        return self.get(picture).refused(404, 5404, "Image not found")


def once(server, link, file=PICTURE, filename="picture.png", **fields):
    """Upload with the link of a draft, as somebody who has nothing else."""
    body, kind = form(fields, file, filename)
    return Answer(server.ask_admin(link[link.index(PREFIX):], "POST", body=body,
                                   fields={"Content-Type": kind}))


def begun(server, target, body, kind):
    """The answer to an upload whose last bytes are never sent."""
    whole = request(target, "POST", {
        "Content-Type": kind, "Authorization": f"Bearer {server.client.token}"}, body)
    with server.connect(-1) as conn:
        conn.send(whole[:-1000])
        return Answer(conn.reply("POST"))


def tidy(server):
    """Each blob is that of a picture, and nothing else was left."""
    wait_for("nothing to be left",
             lambda: len(blobs(server)) == server.images.stats()["current"])


@contextlib.contextmanager
def serve(folder=None, images_store=(), **settings):
    """A server with pictures to be."""
    with account.serve(folder, images_store={"url": URL, **dict(images_store)},
                       **settings) as server:
        server.images = Images(server.client)
        yield server
