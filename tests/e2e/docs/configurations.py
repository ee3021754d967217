"""Every configuration that is shown is right."""
import pathlib
import tempfile

from documents import BLOCKS, MISSING, of_kind
from pages import furnish, whole
from run import case, fixture, table
from selvedge import command

KINDS = {"yaml", "console", "sh", "json", ""}


@fixture
def a_folder():
    with tempfile.TemporaryDirectory(prefix="selvedge-e2e-") as folder:
        yield pathlib.Path(folder)


@table(a_folder, [(str(block), block) for block in BLOCKS])
def a_block_is_of_a_kind_that_is_known(_, block):
    assert block.kind in KINDS, f"a block of {block.kind!r}; known are {sorted(KINDS)}"


def check(folder, text):
    path = folder / "selvedge.yaml"
    path.write_text(furnish(text, folder))
    return command("check", str(path))


@table(a_folder, [(str(block), block) for block in of_kind("yaml")])
def selvedge_accepts_it(folder, block):
    done = check(folder, whole(block.text))
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.endswith(": good\n"), (
        done.stdout + done.stderr)


@case(a_folder)
def every_table_that_is_held_to_the_truth_is_there(_):
    assert not MISSING, MISSING


@case(a_folder)
def there_are_configurations_to_check(_):
    """Else the reading of documents is what is wrong."""
    assert len(of_kind("yaml")) >= 5
