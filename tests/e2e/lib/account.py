"""A server with an account, and clients of its API."""
import contextlib
import json
import re
import subprocess
from urllib.parse import quote

from run import Skip
from selvedge import Server, command, wait_for

PREFIX = "/client/v4"
MIB = 1 << 20
FIRST = re.compile(r"^selvedge: account ([0-9a-f]{32}); its first API token, shown only now: "
                   r"(slv_[0-9a-f]{32}_[0-9A-Za-z]{46})$", re.M)
LIMITS = {"requests_max": 1000000}


class Answer:
    """A reply of the API: what holds for all of them is looked at here."""

    def __init__(self, reply):
        self.status, self.body, self.get = reply.status, reply.body, reply.get
        self.json = None
        if reply.get("Content-Type") == "application/json" and reply.body:
            self.json = json.loads(reply.body)
            assert set(self.json) - {"result_info"} == {
                "success", "errors", "messages", "result"}, self.json
            assert self.json["success"] == (self.status == 200), self
            assert bool(self.json["errors"]) != self.json["success"], self
            assert reply.get("Cache-Control") == "no-store", reply

    @property
    def result(self):
        assert self.status == 200 and self.json, self
        return self.json["result"]

    @property
    def code(self):
        return self.json["errors"][0]["code"]

    @property
    def message(self):
        return self.json["errors"][0]["message"]

    def refused(self, status, code=None, part=""):
        """It is an error, that one."""
        assert self.json and self.status == status, self
        assert code in (None, self.code) and part in self.message, self
        return self

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    """Asks with a token, on a connection that is kept."""

    def __init__(self, server, token, account):
        self.server, self.token, self.account = server, token, account
        self.conn = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.conn:
            self.conn.close()
        self.conn = None

    def fields(self, more=()):
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**own, **dict(more)}

    def ask(self, method, path, body=None, fields=()):
        """`body` is bytes, or what becomes JSON. "~" in front of a path is the account's."""
        path = PREFIX + path.replace("~", f"/accounts/{self.account}", 1)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields = {"Content-Type": "application/json", **dict(fields)}
        if method in ("POST", "PUT") and body is None:
            body = b""
        self.conn = self.conn or self.server.connect(-1)
        try:
            reply = self.conn.ask(path, method, body=body, fields=self.fields(fields))
        except (OSError, AssertionError):
            self.close()
            raise
        if reply.get("Connection") == "close":
            self.close()
        return Answer(reply)

    def token_with(self, *groups, name="one", **more):
        """Make a token with these permission groups; its record with its value."""
        return self.ask("POST", "~/tokens", {
            "name": name, "policies": [policy(self.account, *groups)], **more}).result

    def client(self, value):
        return Client(self.server, value, self.account)

    def with_rights(self, *groups, **more):
        return self.client(self.token_with(*groups, **more)["value"])

    def space(self, title):
        """A new namespace."""
        return Space(self, self.ask("POST", "~/storage/kv/namespaces", {"title": title}).result)


def policy(account, *groups, effect="allow", resources=None):
    return {"effect": effect, "permission_groups": [{"id": GROUPS[name]} for name in groups],
            "resources": resources or {f"com.cloudflare.api.account.{account}": "*"}}


# As Cloudflare has them: scripts know these by heart.
GROUPS = {
    "Account Settings Read": "c1fde68c7bcc44588cbb6ddbc16d6480",
    "Account API Tokens Read": "0fdbf2b4a0b747bcbea7a1ee2ae7e8c1",
    "Account API Tokens Write": "0fc3f8b21c554832afc660159ab75fa2",
    "Workers KV Storage Read": "8b47d2786a534c08a1f94ee8f9f599ef",
    "Workers KV Storage Write": "f7f0eda5697f475c90846e879bab8666",
    "Workers R2 Storage Read": "b4992e1108244f5d8bfbd5744320c2e1",
    "Workers R2 Storage Write": "bf7481a1826f439697cb59a20b22293e",
    "Workers R2 Storage Bucket Item Read": "6a018a9f2fc74eb6b293b0c548f38b39",
    "Workers R2 Storage Bucket Item Write": "2efd5506f9c8494dacb1fa10a3e7d5b6",
    "Images Read": "0f1a2bd7f5a0437d8b9a5b84a31bc1a3",
    "Images Write": "0f8ec6c64a3a42f8b08bdcb147ded4e4",
}


class Space:
    """A namespace of keys and values."""

    def __init__(self, client, record):
        self.client, self.id, self.record = client, record["id"], record
        self.path = f"~/storage/kv/namespaces/{self.id}"

    def by(self, client):
        return Space(client, self.record)

    def at(self, key):
        return f"{self.path}/values/{quote(key, safe='')}"

    def put(self, key, value, query="", fields=()):
        return self.client.ask("PUT", self.at(key) + query, value, fields)

    def put_form(self, key, value, metadata=None, query=""):
        parts = [("value", value)] + ([("metadata", metadata)] if metadata is not None else [])
        body, kind = form(*parts)
        return self.put(key, body, query, {"Content-Type": kind})

    def get(self, key):
        return self.client.ask("GET", self.at(key))

    def value(self, key):
        answer = self.get(key)
        assert answer.status == 200, (key, answer)
        return answer.body

    def metadata(self, key):
        return self.client.ask("GET", f"{self.path}/metadata/{quote(key, safe='')}")

    def remove(self, key):
        return self.client.ask("DELETE", self.at(key))

    def list(self, query=""):
        return self.client.ask("GET", f"{self.path}/keys{query}")

    def names(self, query=""):
        return [key["name"] for key in self.list(query).result]

    def bulk(self, pairs):
        return self.client.ask("PUT", f"{self.path}/bulk", pairs)

    def bulk_get(self, keys, **more):
        return self.client.ask("POST", f"{self.path}/bulk/get", {"keys": keys, **more})

    def bulk_remove(self, keys):
        return self.client.ask("POST", f"{self.path}/bulk/delete", keys)

    def is_gone(self, key):
        return self.get(key).refused(404, 10009, "key not found")


def form(*parts, boundary="a-boundary"):
    """A multipart form and its type."""
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + (data if isinstance(data, bytes) else data.encode()) + b"\r\n" for name, data in parts)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def first_token(server):
    """Account and token, as the first start shows them."""
    return wait_for("the first token", lambda: FIRST.search(server.errors())).groups()


@contextlib.contextmanager
def serve(folder=None, **settings):
    """A server with the client that the first token makes."""
    server = Server({"sites": [{"hosts": ["*"], "routes": [{"path": "/", "files": {"root": "."}}]}],
                     "admin": {"listen": {"limits": LIMITS}}, **settings}, folder)
    with server:
        account, value = first_token(server)
        with Client(server, value, account) as client:
            server.client = client
            yield server


@contextlib.contextmanager
def small_disk():
    """A server, not started, whose data is on a disk of 6 MiB."""
    server = Server(None)
    folder = server.folder / "data"
    folder.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder],
                              capture_output=True, check=False)
        if done.returncode:
            raise Skip("mounting is not allowed here")
        yield server
    finally:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


def blobs(server):
    """The files of all blobs, finished or not."""
    return [path for path in (server.folder / "data" / "blobs").rglob("*") if path.is_file()]


def calls():
    """Every call that `selvedge help api` lists: method, path, permission group."""
    found = re.findall(r"^([A-Z]+) +(/\S+) +(.+)$", command("help", "api").stdout, re.M)
    assert len(found) > 20, found
    return found
