"""Every command that is shown is run, and prints what is shown below it."""
import concurrent.futures
import html
import os
import re
import shlex
import signal
import subprocess

import pictures
from documents import PROSE, of_kind, spans
from pages import Stage, site_of
from run import case, table
from selvedge import PROGRAM, REPORTS, Conn, command, wait_for

RUN = {"selvedge", "build/selvedge", "curl", "export"}
EXEMPT = {  # what is not run, and why
    "make build": "installs packages; what it builds is the program that is run here",
    "make demo": "installs packages and serves until it is ended; tests/e2e/browser has the demo",
    "make test": "installs packages, and runs this suite",
}
TYPES = {"avif": "image/avif", "webp": "image/webp", "jpeg": "image/jpeg", "png": "image/png",
         "baseline-jpeg": "image/jpeg", "png-force": "image/png", "gif": "image/gif",
         "json": "application/json"}


def read(block):
    """The commands of a block, each with the lines that it shall print, or None."""
    found = []
    lines = iter(block.text.splitlines())
    for line in lines:
        prompt = line.startswith("$ ")
        assert (prompt or found) if block.kind == "console" else not prompt, (
            f"{block}: {line!r}: commands have a $ before them in console, and none in sh")
        if block.kind == "console" and not prompt:
            found[-1][1].append(line)
            continue
        text = line[2:] if prompt else line
        while text.endswith("\\"):
            text += "\n" + next(lines)
        if text.strip() and not text.startswith("#"):
            found.append((text, [] if prompt else None))
    assert found, f"{block}: no command"
    return found


def matches(printed, lines):
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "…" else
                      re.escape(line).replace("…", ".*") + r"\n" for line in lines)
    return re.fullmatch(pattern, printed)


class Shell:
    """A shell in the folder of a site, that is told one command after the other."""

    def __init__(self, site):
        self.site, self.folder = site, site.folder
        self.server = None
        for name in ("bin/selvedge", "build/selvedge"):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(  # the admin listener is not where it is unless told
                "#!/bin/sh\n"
                f'case "$*" in purge*--admin*) ;; purge*) shift; '
                f'set -- purge --admin {site.at}:8081 "$@" ;; esac\n'
                f'exec {shlex.quote(str(PROGRAM))} "$@"\n')
            path.chmod(0o755)
        (self.folder / ".curlrc").write_text("silent\nshow-error\nmax-time = 60\n")
        self.shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], cwd=self.folder, start_new_session=True, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.folder),
                 "PATH": f"{self.folder}/bin:{os.environ['PATH']}"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.end_server()
        finally:
            os.killpg(self.shell.pid, signal.SIGKILL)
            self.shell.communicate()

    def say(self, text):
        """Its status."""
        self.shell.stdin.write(text + "\necho $?\n")
        self.shell.stdin.flush()
        answer = self.shell.stdout.readline()
        assert answer, f"the shell ended at {text!r}"
        return int(answer)

    def run(self, text):
        """What it prints; it must succeed."""
        status = self.say(f"eval {shlex.quote(self.site.here(text))} >printed 2>&1 </dev/null")
        printed = self.site.there((self.folder / "printed").read_text().replace("\r\n", "\n"))
        assert status == 0, f"{text!r} ended with {status}:\n{printed}"
        return printed

    def serve(self, text):
        """Start it, at the back whether it says so or not, and wait until it listens."""
        told = self.folder / "told"
        text = self.site.here(text.partition("#")[0].rstrip(" &")) + " &"
        self.say(f"eval {shlex.quote(text)} >requests 2>told </dev/null; echo $! >pid; true")
        self.server = int((self.folder / "pid").read_text())

        def listens():
            assert self.say(f"kill -0 {self.server} 2>/dev/null") == 0, told.read_text()
            return re.search(r"^selvedge: listening on .+\n", told.read_text(), re.M)
        wait_for("the server to listen", listens)

    def end_server(self):
        server, self.server = self.server, None
        if server:
            status = self.say(f"kill {server}; wait {server}")
            told = (self.folder / "told").read_text()
            assert status == 0 and not REPORTS.search(told), (status, told[-3000:])


def follow(site, printed):
    """Ask for the links that were signed, one of each format: those of a set are all asked for in
    tests/e2e/images."""
    def ask(link):
        with Conn((site.at, 8080)) as conn:
            reply = conn.ask(link, host=site.at)
        assert reply.status == 200, (link, reply)
        holds(link, reply.get("Content-Type"), reply.body)

    links = re.findall(r"/cdn-cgi/image/[^\s\"]+", html.unescape(printed))
    chosen = {re.search(r"\bformat=\w+|$", link)[0]: link for link in links}
    with concurrent.futures.ThreadPoolExecutor(4) as several:
        list(several.map(ask, chosen.values()))


def holds(link, kind, data):
    """A picture is of the format and the width that its link says."""
    wanted = dict(re.findall(r"\b(format|width)=([a-z0-9-]+)", link))
    if wanted.get("format", "auto") != "auto":
        assert kind == TYPES[wanted["format"]], (link, kind)
    if kind != "application/json":
        assert pictures.kind_of(data) == kind, (link, kind)
    if "width" in wanted and wanted["width"].isdigit() and kind in ("image/jpeg", "image/png"):
        assert pictures.size_of(data)[0] == int(wanted["width"]), (link, pictures.size_of(data))


def is_serve(text):
    return re.match(r"(build/)?selvedge serve\b", text)


def run_block(site, block, serves):
    with Shell(site) as shell:
        for text, lines in read(block):
            what = text.partition(" #")[0].strip()
            if what in EXEMPT:
                continue
            assert what.split()[0] in RUN, f"{block}: {what!r} is neither run nor exempt"
            if is_serve(what):
                shell.serve(text)
                continue
            printed = shell.run(text)
            assert lines is None or matches(printed, lines), (
                f"{block}: {text!r} printed:\n{printed}")
            if " sign " in what and (shell.server or not serves):
                follow(site, site.here(printed))
        shell.end_server()


def _register(block):
    @table(site_of(block.path), [(str(block), block)])
    def what_the_commands_do_is_what_is_shown(site, block):
        if any(is_serve(text) for text, _ in read(block)):
            # The block starts a server itself, so it has a folder and an address of its own.
            with Stage(site.text) as own:
                run_block(own, block, True)
        else:
            run_block(site, block, False)


for each in of_kind("console", "sh"):
    _register(each)


@table(site_of("README.md"), [
    (f"{path}: {span}", span) for path, prose in PROSE.items()
    for span in dict.fromkeys(spans(prose)) if span.startswith("selvedge ")])
def a_command_within_a_line_is_one_that_there_is(_, span):
    words = shlex.split(span)
    known = re.findall(r"^  selvedge (\w+)", command("help").stdout, re.M)
    assert words[1] in known, f"{words[1]!r} is none of {known}"
    if words[1] == "help":
        done = command(*words[1:])
        assert done.returncode == 0 and done.stdout, done
    options = set(re.findall(r"--[a-z-]+", span)) - {"--markdown"}
    assert options <= set(re.findall(r"--[a-z-]+", command("help", words[1]).stdout)), options


@case(site_of("README.md"))
def what_is_exempt_is_still_shown(_):
    """A list of exemptions that nobody needs hides what it was for."""
    shown_now = {text.partition(" #")[0].strip() for block in of_kind("console", "sh")
                 for text, _ in read(block)}
    assert set(EXEMPT) <= shown_now, set(EXEMPT) - shown_now
