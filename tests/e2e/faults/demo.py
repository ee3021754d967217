"""`demo/run` with a program that serves, one that dies and one that does neither."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from run import case, fixture
from selvedge import PROGRAM, ROOT, SLOW, wait_for

CONFIG = """
data: ./data
listen:
  - address: 127.0.0.1:8080
admin:
  listen: { address: 127.0.0.1:8081 }
s3: { enabled: false }
sites:
  - hosts: ["*"]
    routes:
      - path: /
        files: { root: . }
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Demo:
    """A copy of the folder whose pictures and gallery are made by nobody."""

    def __init__(self, folder):
        self.folder = folder / "demo"
        (folder / "build").mkdir(parents=True)
        self.folder.mkdir()
        (folder / "bin").mkdir()
        shutil.copy2(ROOT / "demo" / "run", self.folder)
        (self.folder / "selvedge.yaml").write_text(CONFIG)
        self.program = folder / "build" / "selvedge"
        self.script(self.folder / "prepare", "exit 0")
        self.script(folder / "bin" / "node", "echo /a-signed-link")
        self.bin = folder / "bin"
        self.started = []

    @staticmethod
    def script(path, text):
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, text):
        """With `text` as what the program does."""
        self.script(self.program, text)
        http, admin = free_ports(2)
        process = subprocess.Popen(
            [self.folder / "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}",
                 "SELVEDGE_BUILD": str(self.program.parent), "SELVEDGE_DEMO_PORT": http,
                 "SELVEDGE_DEMO_ADMIN_PORT": admin})
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            process.terminate()
            process.wait()


@fixture
def a_demo():
    with tempfile.TemporaryDirectory(prefix="selvedge-demo-") as folder:
        demo = Demo(pathlib.Path(folder))
        yield demo
        demo.end()


@case(a_demo)
def the_demo_tells_its_addresses_when_it_serves(demo):
    process = demo.run(f'exec {PROGRAM} "$@"')
    wait_for("the link", lambda: "/a-signed-link" in process.stdout.readline(), 60 * SLOW)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60 * SLOW)
    assert process.returncode == 0, err


@case(a_demo)
def the_demo_of_a_program_that_dies_says_why(demo):
    process = demo.run("echo the port is taken >&2; exit 1")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "gallery" not in out and "the port is taken" in err, err


@case(a_demo)
def the_demo_of_a_program_that_does_not_serve_fails(demo):
    demo.script(demo.bin / "sleep", "exit 0")  # so that half a minute is soon over
    process = demo.run("echo still thinking >&2; exec /bin/sleep 1000")
    out, err = process.communicate(timeout=120 * SLOW)
    (demo.bin / "sleep").unlink()
    assert process.returncode == 1 and "gallery" not in out, (out, err)
    assert "does not serve" in err and "still thinking" in err, err
