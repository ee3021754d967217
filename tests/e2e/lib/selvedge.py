"""A running selvedge, and raw conversations with it.

Each server has a configuration of its own, a data folder that goes with it, and ports that the
kernel chose. It is ready once it says where it listens. When it ends, what it wrote on standard
error must hold no report of a sanitizer, no failed assertion, and no death that was not expected.

SELVEDGE_BUILD names the build folder whose program is run; build/ if it is not set.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("SELVEDGE_BUILD", "build")
SLOW = 4 if "san" in BUILD.name else 1  # sanitizers take their time
WAIT_S = 20 * SLOW

REPORTS = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|assertion failed")
DEATHS = re.compile(r'"event":"(jail\.died|jail\.loop|edge\.died|edge\.killed)"')


def wait_for(what, question, seconds=WAIT_S):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)


def _program():
    """The program; with the thread sanitizer, beside jails that are built without: its runtime
    does not start within their sandbox."""
    if "tsan" not in BUILD.name:
        return BUILD / "selvedge"
    folder = BUILD / "e2e"
    folder.mkdir(exist_ok=True)
    jails = (ROOT / "build" / "src" / "jail" / "image").glob("selvedge-image*")
    for file in [BUILD / "selvedge", *filter(pathlib.Path.is_file, jails)]:
        # In one step: another suite may run it.
        copy = folder / f"{file.name}.{os.getpid()}"
        shutil.copy2(file, copy)
        copy.rename(folder / file.name)
    return folder / "selvedge"


PROGRAM = _program()


class Reply:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body
        self.interim = []  # statuses of 1xx that came before

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def code(self):
        return self.get("Selvedge-Error")

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:200]!r}"


def request(target, method="GET", fields=(), body=None, host="localhost", version="1.1"):
    """The bytes of a request. `fields` is a dict or pairs."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in pairs]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


class Conn:
    """A connection that says what it is told to, byte for byte."""

    def __init__(self, address, source=None, tls=None, name=None, timeout=WAIT_S):
        where = (source, 0) if source else None
        self.socket = socket.create_connection(address, timeout, source_address=where)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def ask(self, target, method="GET", **more):
        self.send(request(target, method, **more))
        return self.reply(method)

    def _more(self):
        """False at the end of the connection, however it came."""
        try:
            part = self.socket.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            part = b""
        self.got += part
        return bool(part)

    def _until(self, end):
        at = 0
        while True:
            found = self.got.find(end, max(at - len(end), 0))
            if found >= 0:
                taken, self.got = self.got[:found + len(end)], self.got[found + len(end):]
                return taken
            at = len(self.got)
            if not self._more():
                raise ConnectionError(f"closed within {self.got[:200]!r}")

    def _exactly(self, count):
        parts, have = [self.got], len(self.got)
        while have < count:
            self.got = b""
            if not self._more():
                raise ConnectionError(f"closed after {have} of {count} bytes")
            parts.append(self.got)
            have += len(self.got)
        all_of_it = b"".join(parts)
        self.got = all_of_it[count:]
        return all_of_it[:count]

    def _chunks(self):
        body = b""
        while True:
            size = int(self._until(b"\r\n").rstrip(), 16)
            if size == 0:
                while self._until(b"\r\n") != b"\r\n":
                    pass
                return body
            body += self._exactly(size)
            assert self._exactly(2) == b"\r\n", "a chunk without CRLF behind it"

    def head(self):
        """Status and fields of the next head, which must be well-formed."""
        lines = self._until(b"\r\n\r\n")[:-4].decode("latin-1").split("\r\n")
        first = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]*", lines[0])
        assert first, f"no status line: {lines[0]!r}"
        fields = []
        for line in lines[1:]:
            field = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\t -~\x80-\xff]*)", line)
            assert field, f"no field: {line!r}"
            fields.append((field[1], field[2]))
        return int(first[1]), fields

    def reply(self, method="GET"):
        interim = []
        status, fields = self.head()
        while status < 200:
            interim.append(status)
            status, fields = self.head()
        reply = Reply(status, fields, b"")
        reply.interim = interim
        length, coding = reply.all("Content-Length"), reply.all("Transfer-Encoding")
        assert len(length) + len(coding) <= 1, f"framed twice: {fields}"
        if method == "HEAD" or status in (204, 304):
            return reply
        if coding:
            assert coding == ["chunked"], coding
            reply.body = self._chunks()
        elif length:
            reply.body = self._exactly(int(length[0]))
        else:
            reply.body = self.rest()
        return reply

    def rest(self, seconds=None):
        """All that still comes until the connection is closed, which must be soon."""
        self.socket.settimeout(seconds or WAIT_S)
        try:
            while self._more():
                pass
        except TimeoutError:
            raise AssertionError(f"still open, {len(self.got)} bytes: {self.got[:200]!r}") from None
        rest, self.got = self.got, b""
        return rest

    def closed(self, seconds=None):
        """The connection ends, and nothing more is said on it."""
        rest = self.rest(seconds)
        assert rest == b"", f"unasked: {rest[:200]!r}"


def children(pid):
    """Pids of the children of a process, with the name of each one's program and its words."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        state, parent = stat.rpartition(")")[2].split()[:2]
        if int(parent) == pid and state != "Z":
            found.append((int(entry.name), [word.decode() for word in words if word]))
    return found


def patient(route):
    """A route whose pictures may take a busy machine's time, unless it says how long."""
    return {name: {"job_ms": 60000 * SLOW, **value}
            if name in ("images", "imagedelivery") and isinstance(value, dict) else value
            for name, value in route.items()}


class Server:
    """`settings` is the configuration as a tree; addresses and the data folder are put into it.
    `addresses` has those that it got, in the order of `listen`; `admin` is the last, S3's, if there
    is any, the one before."""

    def __init__(self, settings, folder=None):
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="selvedge-e2e-"))
        self.settings = settings
        self.process = None
        self.expected = set()  # deaths that the test brings about
        self.starts = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.process:
                self.stop()
        finally:
            if self.own:
                shutil.rmtree(self.folder, ignore_errors=True)

    # --- life ---

    def configure(self, settings=None):
        """Write the configuration, changed or not. Returns its path."""
        self.settings = settings or self.settings
        # How long things may take is a case's own question, or none.
        tree = {"data": str(self.folder / "data"), "ready_ms": 20000 * SLOW,
                "drain_ms": 30000 * SLOW, **self.settings}
        tree["sites"] = [{**site, "routes": [patient(route) for route in site["routes"]]}
                         for site in tree["sites"]]
        tree["listen"] = [{"address": f"127.0.0.{number}:0", **listener}
                          for number, listener in enumerate(tree.get("listen", [{}]), 1)]
        admin = tree.get("admin", {})
        tree["admin"] = {**admin, "listen": {"address": "127.0.0.99:0", **admin.get("listen", {})}}
        # Only where it is asked for: addresses has it before the admin's.
        s3 = tree.get("s3", {"enabled": False})
        tree["s3"] = {**s3, "listen": {"address": "127.0.0.98:0", **s3.get("listen", {})}}
        path = self.folder / "selvedge.yaml"
        path.write_text(json.dumps(tree, indent=1))  # JSON is YAML
        return path

    def start(self):
        self.starts += 1
        path = self.configure()
        self.out = self.folder / f"out.{self.starts}"
        self.err = self.folder / f"err.{self.starts}"
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--config", path], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True)
        line = wait_for("the server to listen", self._announcement, 30 * SLOW)
        self.addresses = [(host, int(port)) for host, _, port in
                          (text.rpartition(":") for text in line[1].split())]
        self.admin = self.addresses[-1]
        self.address = self.addresses[0]

    def _announcement(self):
        text = self.errors()
        assert self.process.poll() is None, f"it did not start:\n{text[-2000:]}"
        return re.search(r"^selvedge: listening on (.+)\n", text, re.M)

    def stop(self, seconds=30 * SLOW):
        """End it as people do, and look at what it leaves behind."""
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"still there {seconds} s after SIGTERM") from None
        self.check()
        assert status == 0, f"ended with {status}:\n{self.errors()[-2000:]}"

    def check(self):
        """No sanitizer, assertion or death that was not expected."""
        for line in self.errors().splitlines():
            death = DEATHS.search(line)
            if REPORTS.search(line) or (death and death[1] not in self.expected):
                at = self.errors().index(line)
                raise AssertionError(self.errors()[at:at + 3000])

    def errors(self):
        return self.err.read_text(errors="replace")

    def events(self, name):
        """The log's events of that name."""
        return [entry for entry in self._lines(self.err) if entry.get("event") == name]

    def access(self):
        """The access log."""
        return list(self._lines(self.out))

    def _lines(self, path):
        for line in path.read_bytes().split(b"\n")[:-1]:
            if line.startswith(b"{"):
                yield json.loads(line)

    def edges(self):
        return [pid for pid, words in children(self.process.pid) if "edge" in words[1:]]

    def jails(self):
        return [pid for pid, words in children(self.process.pid) if words and "image" in words[0]]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    # --- talk ---

    def connect(self, listener=0, **more):
        return Conn(self.addresses[listener], **more)

    def ask(self, target, method="GET", listener=0, **more):
        """One request on a connection of its own."""
        with self.connect(listener) as conn:
            return conn.ask(target, method, **more)

    def ask_admin(self, target, method="GET", **more):
        return self.ask(target, method, listener=-1, **more)

    def metrics(self):
        """Samples by name with labels, as the text has them."""
        text = self.ask_admin("/metrics").body.decode()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                for line in text.splitlines() if line and line[0] != "#"}

    def purge(self, **what):
        return self.ask_admin("/purge", "POST", fields={"Content-Type": "application/json"},
                              body=json.dumps(what).encode())


def command(*words, **more):
    """A command of selvedge, to its end."""
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=WAIT_S,
                          check=False, **more)
