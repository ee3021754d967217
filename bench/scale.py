"""Many keys and many objects: what a read, a list and a removal cost when there are few and when
there are many, and the memory that it takes. The second column is what it cost with few."""
import http.client
import json
import random
import statistics
import time

import objects
import rig

FEW = 100  # times fewer than many
ASKED = 2000
LISTED = 200
BULK = 10000  # pairs of one request


class _Talk:
    """One connection, kept."""

    def __init__(self, port, fields=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.fields = fields or {}

    def ask(self, method, target, body=None):
        self.connection.request(method, target, body, self.fields)
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.status not in (200, 201, 204):
            raise rig.Failed(f"{method} {target}: {reply.status} {text[:300]!r}")
        return text


def _timed(server, calls):
    """Of each call: CPU time of the server, and the time until half and 99 of 100 were answered."""
    before = server.cpu_s()
    took = []
    for call in calls:
        begun = time.perf_counter()
        call()
        took.append(time.perf_counter() - begun)
    took.sort()
    return {"cpu": (server.cpu_s() - before) / len(took) * 1e6,
        "p50": statistics.median(took) * 1e6, "p99": took[len(took) * 99 // 100] * 1e6}


class _Keys:
    """Values of a namespace."""

    def __init__(self, server, account, token):
        self.talk = _Talk(server.ports["admin"], {"Authorization": f"Bearer {token}",
            "Content-Type": "application/json"})
        spaces = f"/client/v4/accounts/{account}/storage/kv/namespaces"
        made = json.loads(self.talk.ask("POST", spaces, json.dumps({"title": "scale"})))
        self.space = f"{spaces}/{made['result']['id']}"

    def fill(self, begin, end):
        for first in range(begin, end, BULK):
            self.talk.ask("PUT", f"{self.space}/bulk", json.dumps([
                {"key": f"key {number:010}", "value": f"value {number}"}
                for number in range(first, min(first + BULK, end))]))

    def get(self, number):
        self.talk.ask("GET", f"{self.space}/values/key%20{number:010}")

    def list(self, number):
        text = self.talk.ask("GET", f"{self.space}/keys?prefix=key%20{number // 1000:07}")
        if not json.loads(text)["result"]:
            raise rig.Failed("an empty list")

    def remove(self, number):
        self.talk.ask("DELETE", f"{self.space}/values/key%20{number:010}")

    def put(self, number):
        self.talk.ask("PUT", f"{self.space}/values/key%20{number:010}", f"value {number}")


class _Objects:
    """Objects of 100 bytes in a bucket, by presigned URLs."""

    SIGNED = 50000  # at once

    def __init__(self, server, _account, token):
        self.port, self.token = server.ports["s3"], token
        self.talk = _Talk(self.port)
        self.talk.ask("PUT", self._sign("PUT", "/scale"))

    def _sign(self, method, path, params=None):
        return objects.presigned(self.token, method, path, self.port, params=params)

    def _path(self, number):
        return f"/scale/{number // 1000:07}/{number % 1000:03}"

    def fill(self, begin, end):
        for first in range(begin, end, self.SIGNED):
            objects.wrk_once(self.port, rig.target_file("scale", (
                "PUT 100 " + self._sign("PUT", self._path(number))
                for number in range(first, min(first + self.SIGNED, end)))))
        self.talk.connection.close()  # it stood still; the next request opens another

    def _ask(self, method, number, body=None):
        path = self._path(number)
        self.talk.ask(method, self._sign(method, path), body)

    def get(self, number):
        self._ask("GET", number)

    def list(self, number):
        text = self.talk.ask("GET", self._sign("GET", "/scale", {
            "list-type": "2", "prefix": f"{number // 1000:07}/"}))
        if b"<Key>" not in text:
            raise rig.Failed("an empty list")

    def remove(self, number):
        self._ask("DELETE", number)

    def put(self, number):
        self._ask("PUT", number, b"x" * 100)


def _costs(server, things, count):
    chance = random.Random(count)
    found = {}
    for name, asked in (("get", ASKED), ("list", LISTED), ("remove", ASKED), ("put", ASKED)):
        if name != "put":  # what was removed, so that there are as many again
            numbers = chance.sample(range(count), min(asked, count // 2))
        call = getattr(things, name)
        found[name] = _timed(server, [lambda number=number: call(number) for number in numbers])
    found["memory"] = {"MiB": server.pss_mib()}
    return found


def scale(kind, make):
    """Costs among `count` of them, beside those among a hundredth of that."""
    def measure(table, build, count):
        server, account, token = objects.selvedge(build, None, 0)
        with server:
            things = make(server, account, token)
            things.fill(0, count // FEW)
            few = _costs(server, things, count // FEW)
            begun = time.monotonic()
            things.fill(count // FEW, count)
            rig.say(f"  {count} in {time.monotonic() - begun:.0f} s")
            many = _costs(server, things, count)
            for name, numbers in many.items():
                for number, value in numbers.items():
                    table.add(f"{kind}-{count}-{name}-{number}", value, few[name][number],
                        number if name == "memory" else "us/request")
    return measure


keys = scale("kv", _Keys)
buckets = scale("s3", _Objects)
