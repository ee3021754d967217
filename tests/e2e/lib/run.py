"""Runs the cases of a suite: one line a case, and the count at the end.

A suite is a folder with an executable `run` and modules beside it. A case is a function that
states a fact; what it needs (a server, say) comes from a fixture, which lives from its first case
to its last. That a fixture ends cleanly is a case of its own: a sanitizer's report counts there.

    run [PART]...       only the cases whose name has one of the parts in it
"""
import contextlib
import importlib
import pathlib
import signal
import sys
import time
import traceback

CASE_S = 180  # then a case is stuck

_cases = []  # (fixture, name, function, arguments)


class Skip(Exception):
    """This case cannot be tried here; the text says why."""


class Stuck(Exception):
    pass


def fixture(make):
    """A generator that yields once what its cases are given."""
    return contextlib.contextmanager(make)


def case(uses):
    def register(function):
        _cases.append((uses, function.__name__.replace("_", " "), function, ()))
        return function
    return register


def table(uses, rows):
    """A case for each row; a row is a name and the arguments behind the fixture's."""
    def register(function):
        what = function.__name__.replace("_", " ")
        for name, *arguments in rows:
            _cases.append((uses, f"{what}: {name}", function, arguments))
        return function
    return register


def _stuck(_number, _frame):
    raise Stuck(f"no end after {CASE_S} s")


def _reason(error):
    """What failed, and in which line of the suite."""
    frames = traceback.extract_tb(error.__traceback__)
    lib = str(pathlib.Path(__file__).parent)
    own = [frame for frame in frames if not frame.filename.startswith(lib)] or frames
    place = f"{pathlib.Path(own[-1].filename).name}:{own[-1].lineno}"
    text = str(error) or own[-1].line
    return f"{place}: {type(error).__name__}: {text}"


class _Count:
    def __init__(self):
        self.passed = self.skipped = 0
        self.failures = []

    def run(self, name, function, *arguments):
        begun = time.monotonic()
        signal.alarm(CASE_S)
        try:
            function(*arguments)
            self.passed += 1
            print(f"ok    {name} ({time.monotonic() - begun:.2f} s)", flush=True)
        except Skip as why:
            self.skipped += 1
            print(f"skip  {name}: {why}", flush=True)
        except Exception as error:  # whatever it was, the others still run
            self.failures.append(f"BAD   {name}: {_reason(error)}")
            print(self.failures[-1], flush=True)
        finally:
            signal.alarm(0)


def _run_fixture(count, make, cases):
    given = []
    name = make.__name__.replace("_", " ")
    with contextlib.ExitStack() as stack:
        count.run(f"{name} starts", lambda: given.append(stack.enter_context(make())))
        if given:
            for _, case_name, function, arguments in cases:
                count.run(case_name, function, given[0], *arguments)
        count.run(f"{name} ends cleanly", stack.close)


def main(file):
    signal.signal(signal.SIGALRM, _stuck)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by way of what fixtures undo
    folder = pathlib.Path(file).resolve().parent
    sys.path.insert(0, str(folder))
    for module in sorted(folder.glob("*.py")):
        importlib.import_module(module.stem)
    wanted = [entry for entry in _cases
              if len(sys.argv) < 2 or any(part in entry[1] for part in sys.argv[1:])]
    fixtures = list(dict.fromkeys(entry[0] for entry in wanted))
    count = _Count()
    for make in fixtures:
        _run_fixture(count, make, [entry for entry in wanted if entry[0] is make])
    skipped = f", {count.skipped} skipped" if count.skipped else ""
    if count.failures:
        print("What failed:", *count.failures, sep="\n")
    print(f"{count.passed} passed, {len(count.failures)} failed{skipped}")
    sys.exit(len(count.failures) > 0)
