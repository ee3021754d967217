"""Transforms of distinct photographs, beside IPX over sharp: CPU time, bytes, quality, memory,
and what they do to those who only want a cached picture.

Selvedge's cache is emptied before each round, so that every picture is read, transformed and
stored anew; that each answer was is checked. IPX has no cache.
"""
import concurrent.futures
import http.client
import itertools
import os
import statistics
import subprocess
import threading

import cached
import rig

WIDTH = 512
IN_FLIGHT = 2
TURN = 6  # pictures that one side makes before the other one has its turn
FORMATS = ("jpeg", "webp", "avif", "png")


def names(size, count):
    found = sorted((rig.WORK / "pictures" / size).glob("*.jpg"))[:count]
    return [f"{size}/{file.name}" for file in found]


def our_path(name, form, width=WIDTH):
    return f"{cached.IMAGES}/width={width},format={form}/{name}"


def ipx_path(name, form, width=WIDTH):
    quality = {"jpeg": ",q_80", "webp": ",q_80", "avif": ",q_50", "png": ""}[form]
    return f"/w_{width},f_{form}{quality}/{name}"


def fetch_all(server, paths, form, in_flight=IN_FLIGHT):
    """The bodies of `paths`, each asked once; all must be new pictures of format `form`."""
    local = threading.local()

    def fetch(path):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"],
                timeout=120)
        local.connection.request("GET", path)
        reply = local.connection.getresponse()
        body = reply.read()
        status = reply.headers.get("Cache-Status", "miss; fwd=uri-miss")
        if reply.status != 200 or "fwd=uri-miss" not in status or "collapsed" in status or \
                (form and reply.headers["Content-Type"] != f"image/{form}"):
            raise rig.Failed(f"{path}: {reply.status} {status}\n{body[:300]!r}")
        return body

    with concurrent.futures.ThreadPoolExecutor(in_flight) as pool:
        return list(pool.map(fetch, paths))


def purge(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["admin"], timeout=60)
    connection.request("POST", "/purge", '{"all":true}', {"Content-Type": "application/json"})
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    if reply.status != 200:
        raise rig.Failed(f"purge: {reply.status} {body!r}")


def compare_quality(pictures, results, form):
    """Means over all pictures: ([our PSNR, the peer's], [our SSIM, the peer's])."""
    folder = rig.WORK / "results"
    folder.mkdir(exist_ok=True)
    lines = []
    for index, name in enumerate(pictures):
        words = [rig.WORK / "pictures" / name]
        for side, bodies in results.items():
            file = folder / f"{side}-{index}.{form}"
            file.write_bytes(bodies[index])
            words.append(file)
        lines.append(" ".join(map(str, words)))
    out = rig.run(rig.NODE, rig.ROOT / "bench" / "quality.mjs", input="\n".join(lines))
    numbers = [float(word) for word in out.split()]
    return numbers[:2], numbers[2:]


def once(sides, pictures, form, turn):
    """All pictures by both sides, in turns of a few, so that a machine that becomes slower does so
    for both: ([our CPU ms a picture, the peer's], [our bodies, the peer's])."""
    cpu_s, bodies = [0.0] * len(sides), [[] for _ in sides]
    for begin in range(0, len(pictures), TURN):
        turn += 1
        order = list(enumerate(sides))
        for index, (server, path_of) in order if turn % 2 == 0 else reversed(order):
            if "admin" in server.ports:
                purge(server)
            paths = [path_of(name, form) for name in pictures[begin:begin + TURN]]
            before_s = server.cpu_s()
            bodies[index] += fetch_all(server, paths, form)
            cpu_s[index] += server.cpu_s() - before_s
    return [seconds / len(pictures) * 1e3 for seconds in cpu_s], bodies


def cell(table, servers, size, form, rounds, count, label=""):
    """One size and format: CPU, bytes and quality of both sides."""
    sides = list(zip(servers, (our_path, ipx_path)))
    pictures = names(size, count)
    rig.say(f"transform of {len(pictures)} {size} pictures to {form}")
    once(sides, pictures, form, 0)
    seen = []
    for index in range(rounds):
        cpu_ms, bodies = once(sides, pictures, form, index)
        seen.append(cpu_ms)
        rig.say(f"  round {index + 1}: ours {cpu_ms[0]:.4g}, ipx {cpu_ms[1]:.4g}")
    name = f"transform-{size}-{form}{label}"
    table.add(f"{name}-cpu", *map(statistics.median, zip(*seen)), "CPU ms/picture")
    table.add(f"{name}-bytes", *(sum(map(len, made)) / len(made) for made in bodies),
        "bytes/picture")
    psnr, ssim = compare_quality(pictures, dict(zip(("ours", "ipx"), bodies)), form)
    table.add(f"{name}-psnr", *psnr, "dB")
    table.add(f"{name}-ssim", *ssim, "SSIM")


def transforms(size, form):
    def measure(table, build, rounds, count):
        with rig.selvedge(build) as ours, rig.ipx() as peer:
            cell(table, (ours, peer), size, form, rounds, count)
    return measure


def avif_as_shipped(table, build, rounds, count):
    """AVIF as each side makes it when nobody says how: sharp at effort 4 with full chroma."""
    with rig.selvedge(build) as ours, rig.ipx(avif="default") as peer:
        cell(table, (ours, peer), "medium", "avif", rounds, count, "-shipped")


def mixed(path_of, first, count):
    """`count` URLs that were not asked before: both sizes, all formats, other widths each time."""
    pictures = [name for pair in zip(names("medium", 99), names("large", 99)) for name in pair]
    paths = []
    for index in range(first, first + count):
        turn = index // len(pictures)
        paths.append(path_of(pictures[index % len(pictures)], FORMATS[turn % 4], WIDTH + turn))
    return paths


def memory(table, build, thousand):
    """Resident memory after `thousand` transforms and after as many again, four in flight. Our
    memory cache is as small as it may be, because IPX has none."""
    seen = []
    for server, path_of in ((rig.selvedge(build, cpu=None, memory="1M"), our_path),
            (rig.ipx(cpu=None), ipx_path)):
        with server:
            fetch_all(server, mixed(path_of, 0, thousand), None, 4)
            first = server.rss_mib(), server.pss_mib()
            fetch_all(server, mixed(path_of, thousand, thousand), None, 4)
            seen.append((*first, (server.rss_mib() / first[0] - 1) * 100, server.pss_mib()))
            rig.say(f"  rss {first[0]:.0f}, pss {first[1]:.0f}, rss {seen[-1][2]:+.1f} %")
    table.add("memory-rss", seen[0][0], seen[1][0], f"MiB after {thousand} transforms")
    table.add("memory-pss", seen[0][1], seen[1][1], f"MiB after {thousand} transforms")
    table.add("memory-growth", seen[0][2], seen[1][2], f"% by the next {thousand}")


def pace(server, path, seconds):
    """The 99th percentile of a cached picture asked 400 times a second, in ms. The one who asks
    is to notice an answer at once, however busy the machine is: a real-time priority where that
    is allowed."""
    words = [rig.program("pace", "-lpthread"), server.ports["http"], path, 400, seconds]
    if os.geteuid() == 0 and subprocess.run(["chrt", "-f", "1", "true"]).returncode == 0:
        words = ["chrt", "-f", "1", *words]
    count, p50, p99, worst = map(float, rig.run(*words).split())
    rig.say(f"  {count:.0f} requests: p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {worst:.2f} ms")
    return {"p99": p99, "p50": p50}


def latency(table, build, rounds, seconds):
    """Cached hits while eight clients keep every jail busy; the bar is in the peer's column."""
    with rig.selvedge(build, cpu=None, loops=0) as ours:
        path, _ = cached.path_of(ours, cached.SMALL, cached.SMALL // 50)
        ended = threading.Event()
        begun = itertools.count()
        failed = []

        def client():
            try:
                while not ended.is_set():
                    fetch_all(ours, mixed(our_path, next(begun), 1), None, 1)
            except rig.Failed as why:
                failed.append(why)

        def busy():
            ended.clear()
            threads = [threading.Thread(target=client) for _ in range(8)]
            for thread in threads:
                thread.start()
            seen = pace(ours, path, seconds)
            ended.set()
            for thread in threads:
                thread.join()
            if failed:
                raise failed[0]
            return seen

        seen = rig.medians(rounds, {"busy": busy, "idle": lambda: pace(ours, path, seconds)})
    table.add("latency-idle-p99", seen["p99"][1], float("nan"), "ms")
    table.add("latency-busy-p99", seen["p99"][0], 5 + 2 * seen["p99"][1],
        "ms; the bar is 5 ms + 2 x idle")
