"""What README.md and docs/*.md are made of: fenced blocks, spans of code, tables.

What the kinds of blocks mean, here and to whoever writes them:

    yaml     a whole configuration, or a part of one: pages.py finds where it belongs
    console  `$ command`, and below it what the command prints; in there … stands for anything
             within a line, and on a line of its own for any lines
    sh       a command a line, to be copied; what they print is not said
    json     an example of what the program says; facts.py knows which
    none     a drawing; facts.py knows which, and what in it can be held to the truth
"""
import re

from selvedge import ROOT

PATHS = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
TEXTS = {path: (ROOT / path).read_text(encoding="utf-8") for path in PATHS}


class Block:
    def __init__(self, path, line, kind):
        self.path, self.line, self.kind = path, line, kind
        self.text = ""

    def __str__(self):
        return f"{self.path}:{self.line}"


def _split(path):
    """The blocks of a document, and the text between them, line for line."""
    blocks, prose, block = [], [], None
    for number, line in enumerate(TEXTS[path].split("\n"), 1):
        fence = re.match(r"\s*(```+|~~~+)(.*)$", line)
        if block and line == "```":
            block = None
        elif block:
            block.text += line + "\n"
        elif fence:
            # A fence that is indented, or not of three backticks, is a kind that nobody knows.
            known = line.startswith("```") and line[3:4] != "`"
            block = Block(path, number, fence[2].strip() if known else line)
            blocks.append(block)
        prose.append("" if block or fence else line)
    if block:
        block.kind += " that does not end"
    return blocks, prose


_parts = {path: _split(path) for path in PATHS}
BLOCKS = [block for blocks, _ in _parts.values() for block in blocks]
PROSE = {path: "\n".join(prose) for path, (_, prose) in _parts.items()}


def of_kind(*kinds):
    return [block for block in BLOCKS if block.kind in kinds]


MISSING = []  # tables that were looked for in vain


def spans(text):
    """What is written as code within lines."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


def table(path, section):
    """The rows of a section's first table, without its head, as lists of cells."""
    whole = re.split(rf"^## {re.escape(section)}$", PROSE[path], flags=re.M)
    text = re.split(r"^## ", whole[1], flags=re.M)[0] if len(whole) == 2 else ""
    found = re.search(r"(?:^\|.*\n)+", text + "\n", re.M)
    if not found:
        MISSING.append(f"{path}: no table below {section!r}")
        return []
    return [[cell.strip() for cell in line.strip().strip("|").split(" | ")]
            for line in found[0].splitlines()[2:]]
