"""The servers that the suite talks to, each with a bucket and the first key."""
import itertools
import json
import pathlib

import certificate
import s3
from run import fixture
from selvedge import Server

BUCKET = "/bucket"
_numbers = itertools.count()


def key(end=""):
    """The path of an object that nobody has had yet."""
    return f"{BUCKET}/{next(_numbers)}{end}"


class Store(Server):
    """A server with an S3 listener. `client` asks as the first key."""

    def __init__(self, settings=None, listen=None, hosts=(), **more):
        super().__init__(None, **more)
        (self.folder / "root").mkdir(exist_ok=True)
        self.settings = {
            "sites": [{"hosts": ["*"], "routes": [
                {"path": "/", "files": {"root": str(self.folder / "root")}}]}],
            "s3": {"enabled": True, "listen": listen or {}, "hosts": list(hosts)},
            **(settings or {})}

    def start(self):
        super().start()
        self.s3 = self.addresses[-2]
        self.token = s3.first_token(self)
        self.client = s3.Client(self.s3, s3.key_of(self.token))

    def api(self, target, method="GET", body=None):
        fields = {"Authorization": "Bearer " + self.token}
        if body is not None:
            fields["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        reply = self.ask_admin("/client/v4" + target, method, fields=fields, body=body)
        assert reply.status == 200, reply
        return json.loads(reply.body)["result"]

    @property
    def account(self):
        return self.api("/accounts")[0]["id"]

    def blobs(self):
        """The files of large objects, those that are being written among them."""
        folder = pathlib.Path(self.settings.get("data", self.folder / "data")) / "blobs"
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def memory(self):
        """The most bytes that an edge has had in memory at once."""
        return 1024 * max(int(line.split()[1]) for pid in self.edges() for line in
                          pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
                          if line.startswith("VmHWM:"))


def make_bucket(store):
    reply = store.client.ask("PUT", BUCKET)
    assert reply.status == 200, reply


@fixture
def a_store():
    with Store(hosts=["s3.test", "objects.example"]) as store:
        make_bucket(store)
        yield store


@fixture
def a_store_behind_tls():
    store = Store()
    one = certificate.make(store.folder, "one", "localhost", "127.0.0.98")
    store.settings["s3"]["listen"] = {"tls": [one]}
    store.certificate = one["certificate"]
    with store:
        store.client.tls = certificate.client(one["certificate"])
        store.client.name = "localhost"
        make_bucket(store)
        yield store
