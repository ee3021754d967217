"""Objects over S3, beside Ceph's gateway.

The least cluster that lasts: a monitor, an OSD with BlueStore on a file and a gateway, all below
build/bench/ceph and stopped by those who started them; no manager, for the gateway does not need
one. The same presigned requests are sent to both sides, and both answer a PUT when it is on the
disk. What a request costs is the CPU time of all three.
"""
import contextlib
import hashlib
import os
import shutil
import subprocess
import uuid

import objects
import rig

TOKEN = "ceph_bench_secret"  # in the form of ours, so that objects.presigned signs with it
DISK_BYTES = 4 << 30
START_S = 300  # of each step; a pool is dozens of syncs
# Who takes part, and what each may do where.
KEYS = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
    "client.rgw": {"mon": "allow rw", "osd": "allow rwx"},
}


def _run(*words):
    try:
        return rig.run(*words, timeout=START_S)
    except subprocess.TimeoutExpired as why:
        raise rig.Failed(f"{words[0]} took longer than {START_S} s") from why


class Cluster:
    """What rig.Server is to one program; `ports` has "s3"."""

    def __init__(self, ports, servers):
        self.ports = ports
        self.servers = servers

    def cpu_s(self):
        return sum(server.cpu_s() for server in self.servers)

    def pin(self, cpu):
        """To one CPU, or with None to all that this program may use."""
        cpus = cpu or ",".join(map(str, sorted(os.sched_getaffinity(0))))
        for server in self.servers:
            rig.run("taskset", "-a", "-c", "-p", cpus, server.process.pid)


def _prepare(folder, ports):
    """The folder with its configuration, its keys and its disk. Returns the option that names the
    configuration."""
    cluster_id = uuid.uuid4()
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir(parents=True)
    config = folder / "ceph.conf"
    config.write_text(rig.filled("ceph.conf", folder=folder, fsid=cluster_id, bytes=DISK_BYTES,
        s3=ports["s3"], mon=ports["mon"]))
    keyring = folder / "keyring"
    _run("ceph-authtool", "--create-keyring", keyring)
    for name, caps in KEYS.items():
        _run("ceph-authtool", keyring, "--gen-key", "-n", name,
            *(word for where, may in caps.items() for word in ("--cap", where, may)))
    _run("monmaptool", "--create", "--fsid", cluster_id, "--addv", "a",
        f"[v2:127.0.0.1:{ports['mon']}/0]", folder / "monmap")
    _run("dd", "if=/dev/zero", f"of={folder / 'osd' / 'block'}", "bs=1M",
        f"count={DISK_BYTES >> 20}", "conv=fsync")
    return "-c", config


@contextlib.contextmanager
def cluster():
    """One with nothing in it but a user, whose key is that of TOKEN; stopped and removed after."""
    if not shutil.which("radosgw"):
        raise rig.Failed("no radosgw; tools/deps bench-ceph installs it")
    folder = rig.WORK / "ceph"
    shutil.rmtree(folder, ignore_errors=True)
    for log in rig.WORK.glob("ceph.*"):
        log.unlink()
    ports = {"mon": rig.free_port(), "s3": rig.free_port()}
    with contextlib.ExitStack() as started:
        started.callback(shutil.rmtree, folder, ignore_errors=True)
        conf = _prepare(folder, ports)

        def start(name, listens, *words):
            return started.enter_context(rig.Server([*words, *conf, "-f"], listens,
                rig.WORK / f"ceph.{name}.err"))

        _run("ceph-mon", *conf, "-i", "a", "--mkfs", "--monmap", folder / "monmap",
            "--keyring", folder / "keyring")
        mon = start("mon", {"mon": ports["mon"]}, "ceph-mon", "-i", "a")
        disk_id = uuid.uuid4()
        _run("ceph", *conf, "osd", "new", disk_id)
        _run("ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", disk_id)
        osd = start("osd", {}, "ceph-osd", "-i", "0")
        # The first to need pools: it waits for the OSD.
        _, key_id, _ = TOKEN.split("_")
        _run("radosgw-admin", *conf, "user", "create", "--uid", key_id, "--display-name", key_id,
            "--access-key", key_id, "--secret-key", hashlib.sha256(TOKEN.encode()).hexdigest())
        rgw = start("rgw", {"s3": ports["s3"]}, "radosgw", "-n", "client.rgw")
        yield Cluster({"s3": ports["s3"]}, [mon, osd, rgw])


def _fill(side, server, token):
    port = server.ports["s3"]
    for size, count in objects.COUNTS.items():
        objects.wrk_once(port, objects.s3_targets(server, token, "PUT", size, count, side))
        for index in (0, count - 1):
            got = objects.ask(port, "GET",
                objects.presigned(token, "GET", f"/bench/{size}-{index}", port))
            if got != b"x" * size:
                raise rig.Failed(f"{side}: object {size}-{index} is not what was put")


def _turns(table, sides, method, size, rounds, seconds, setting):
    name, load_cpu, text = setting
    load = objects.pull if method == "GET" and size == objects.LARGE else objects.wrk
    seen = rig.medians(rounds, {who: lambda server=server, token=token, who=who: objects.cost(
        server, server.ports["s3"],
        objects.s3_targets(server, token, method, size, objects.COUNTS[size], who),
        seconds, load_cpu, load=load) for who, (server, token) in sides.items()})
    table.add(f"s3-ceph-{method.lower()}-{objects.UNITS[size]}-{name}", *seen[name], text)


def s3(table, build, rounds, seconds):
    """PUT and GET of both sizes. Every object is there before, so that each PUT replaces one."""
    with cluster() as ceph:
        objects.make_bucket(ceph, TOKEN)
        for name, cpu, load_cpu, loops, text in (
                ("cpu", rig.SERVER_CPU, rig.LOAD_CPU, 1, "CPU us/request"),
                ("rate", None, None, 0, "requests/s")):
            ceph.pin(None)
            server, _, token = objects.selvedge(build, cpu, loops)
            with server:
                objects.make_bucket(server, token)
                sides = {"ours": (server, token), "ceph": (ceph, TOKEN)}
                for side, (place, key) in sides.items():
                    _fill(side, place, key)
                ceph.pin(cpu)
                for size in objects.COUNTS:
                    for method in ("PUT", "GET"):
                        _turns(table, sides, method, size, rounds, seconds, (name, load_cpu, text))
