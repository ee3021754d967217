"""Cached pictures, beside nginx: CPU time a request, and throughput.

Load comes from wrk (HTTP/1.1) and h2load (HTTP/2 over TLS 1.3), one thread on a CPU of its own,
64 connections; the server has the other CPU. Both sides serve the same stored result.
"""
import re

import rig

CONNECTIONS = 64
IMAGES = "/cdn-cgi/image"


def wrk(server, path, seconds):
    """(requests, bytes, seconds) of plain HTTP/1.1 with kept connections."""
    out = rig.run("taskset", "-c", rig.LOAD_CPU, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
        server.url(path))
    if "Non-2xx" in out or "Socket errors" in out:
        raise rig.Failed(f"wrk:\n{out}")
    requests, took, unit = re.search(r"(\d+) requests in ([\d.]+)(\w+),", out).groups()
    return int(requests), float(took) * {"s": 1, "ms": 1e-3, "m": 60}[unit]


def h2load(server, path, seconds):
    """The same of HTTP/2 over TLS, ten streams a connection."""
    out = rig.run("taskset", "-c", rig.LOAD_CPU, "h2load", "-t1", f"-c{CONNECTIONS}", "-m10",
        f"-D{seconds}", server.url(path, "https"))
    good, failed, errors = map(int, re.search(
        r"(\d+) succeeded, (\d+) failed, (\d+) errored", out).groups())
    if failed or errors or "TLSv1.3" not in out or "Application protocol: h2" not in out:
        raise rig.Failed(f"h2load:\n{out}")
    return good, float(seconds)


def pull(server, path, seconds):
    """As wrk(), by a load that costs little."""
    targets = rig.target_file("cached", [f"GET 0 {path}"])
    return rig.pull(server.ports["http"], targets, seconds, rig.LOAD_CPU)


def cost(load, server, path, seconds, size):
    before = server.cpu_s()
    requests, took = load(server, path, seconds)
    used = server.cpu_s() - before
    if not requests:  # a machine that stood still; one round does not move a median
        return {"cpu": float("inf"), "rate": 0, "bytes": 0}
    return {"cpu": used / requests * 1e6, "rate": requests / took,
        "bytes": requests * size / took / 1e9}


def path_of(server, size, near):
    """The URL of a picture whose WebP has about `size` bytes: no further off than `near`."""
    def bytes_of(path):
        status, _, body = server.get(path)
        if status != 200:
            raise rig.Failed(f"{path}: {status} {body[:200]!r}")
        return len(body)

    def path(width, quality=80):
        return f"{IMAGES}/width={width},quality={quality},format=webp/large/00.jpg"

    low, high = 8, 2000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bytes_of(path(middle)) < size else (low, middle)
    tries = [path(width, quality) for width in (low, high) for quality in range(70, 91)]
    found = min(tries, key=lambda one: abs(bytes_of(one) - size))
    if abs(bytes_of(found) - size) > near:
        raise rig.Failed(f"no picture of {size} bytes was found; nearest has {bytes_of(found)}")
    return found, bytes_of(found)


def same_answers(ours, peer, path):
    """Both have it in their caches, with the same bytes; returns the sizes of their heads."""
    for _ in range(3):
        answers = [server.get(path) for server in (ours, peer)]
    (_, own, body), (_, other, other_body) = answers
    if body != other_body or not own["Cache-Status"].startswith("Selvedge; hit"):
        raise rig.Failed("the two do not serve the same picture from their caches")
    return [sum(len(name) + len(value) + 4 for name, value in head.items())
        for head in (own, other)]


def beside_nginx(table, build, rounds, seconds, load, size, numbers, log=False, file_cache=False):
    """One kind of load on both; `numbers` are lines (name, what is measured, unit)."""
    with rig.selvedge(build, log=log) as ours:
        path, real = path_of(ours, size, size // 50)
        with rig.nginx(ours, log=log, file_cache=file_cache) as peer:
            heads = same_answers(ours, peer, path)
            rig.say(f"{numbers[0][0]}: {path}, {real} bytes, fields of {heads[0]} and {heads[1]}")
            seen = rig.medians(rounds, {
                "ours": lambda: cost(load, ours, path, seconds, real),
                "nginx": lambda: cost(load, peer, path, seconds, real)})
    for name, number, unit in numbers:
        table.add(name, *seen[number], unit)


CPU, RATE, BYTES = ("cpu", "CPU us/request"), ("rate", "requests/s"), ("bytes", "GB/s")
SMALL, LARGE = 1024, 102400


def h1_1k(table, build, rounds, seconds):
    beside_nginx(table, build, rounds, seconds, wrk, SMALL,
        [("cached-1k-h1-cpu", *CPU), ("cached-1k-h1-rate", *RATE)])


def h1_1k_file_cache(table, build, rounds, seconds):
    beside_nginx(table, build, rounds, seconds, wrk, SMALL,
        [("cached-1k-h1-filecache-cpu", *CPU)], file_cache=True)


def h1_1k_log(table, build, rounds, seconds):
    beside_nginx(table, build, rounds, seconds, wrk, SMALL, [("cached-1k-h1-log-cpu", *CPU)],
        log=True)


def h2_1k(table, build, rounds, seconds):
    beside_nginx(table, build, rounds, seconds, h2load, SMALL,
        [("cached-1k-h2-cpu", *CPU), ("cached-1k-h2-rate", *RATE)])


def h1_100k(table, build, rounds, seconds):
    beside_nginx(table, build, rounds, seconds, pull, LARGE,
        [("cached-100k-h1-throughput", *BYTES), ("cached-100k-h1-cpu", *CPU)])


def h1_100k_wrk(table, build, rounds, seconds):
    beside_nginx(table, build, rounds, seconds, wrk, LARGE,
        [("cached-100k-h1-wrk-throughput", *BYTES), ("cached-100k-h1-wrk-cpu", *CPU)])


def h2_100k(table, build, rounds, seconds):
    beside_nginx(table, build, rounds, seconds, h2load, LARGE,
        [("cached-100k-h2-throughput", *BYTES), ("cached-100k-h2-cpu", *CPU)])
