"""The table of options in docs/images.md: each value that it shows is taken, what is past its
bounds is not, and what it calls the default changes nothing.

A cell of values is read as far as ":", ";" or "(": what comes then is for people, but for spans
such as `width=auto`, which are options as they stand.
"""
import re

import pictures
from commands import TYPES
from documents import PROSE, spans, table as table_of
from pages import SMALL, signed, the_site_of_images_md
from run import case, table

# What is said in words: examples of it, and of what it is not.
WORDS = [
    (r"^`XxY` with both in 0…1|`XxY` with both in 0…1", ["0x0", "0.25x0.75", "1x1"], ["1.1x0"]),
    (r"`top;right;bottom;left` in px", ["1;2;3;4"], ["1;2;3", "1;2;3;4;5"]),
    (r"^any CSS colour", ["red", "%23fff", "rgb(1,2,3)"], ["%2300"]),
    (r"^above 0, to 2$", ["0.01", "2"], ["0", "2.01"]),
    (r"^px [^;:]*", ["1", "5"], ["-1", "1.5"]),
    (r"^a name of the settings$", [], []),  # asked for in facts.py
]
# Defaults that are not values of the option.
NO_VALUE = {"", "none", "as the source", "as the settings", "white where one is needed",
            "an error", "the rest", "as the top left px"}
# Beside what else an option shows its effect.
BESIDE = {"fit": "width=20,height=20", "gravity": "width=20,height=40,fit=cover",
          "g": "width=20,height=40,fit=cover", "dpr": "width=20", "quality": "format=jpeg",
          "q": "format=jpeg", "trim.border.tolerance": "trim=border",
          "trim.border.keep": "trim=border"}


class Option:
    def __init__(self, name, cell, default):
        self.name, self.cell, self.default = name, cell, default
        self.good, self.bad, self.unread = [], [name + "=nonsense"], ""


def cells_of_options():
    for names, values, default in table_of("docs/images.md", "Options"):
        for name in spans(names):
            yield Option(name, values, default)


def cell_of(name, options):
    return next((option.cell for option in options if option.name == name), "")


def read_values(option, others):
    """Fill in what the cell says is good and bad; what could not be read is `unread`."""
    cell = option.cell
    like = re.match(r"as `(\S+)`", cell)
    if like:
        cell = cell_of(like[1], others)
    good, bad = [], []
    for pattern, yes, no in WORDS:
        if re.search(pattern, cell):
            good, bad = good + yes, bad + no
            cell = re.sub(pattern, "", cell)
    whole = [span for span in spans(cell) if "=" in span and span.startswith(option.name)]
    head = re.split(r"[;:(]", cell)[0]
    for low, high in re.findall(r"(\d+)…(\d+)", head):
        good += [low, high]
        bad += [str(int(low) - 1), str(int(high) + 1)]
    head = re.sub(r"\d+…\d+( px)?", "", head)
    good += spans(head) + re.findall(r"\b\d+\b", re.sub(r"`[^`]*`", "", head))
    option.unread = re.sub(r"`[^`]*`|\b\d+\b|\bor\b|[\s,]", "", head)
    option.good = [f"{option.name}={value}" for value in good] + whole
    option.bad += [f"{option.name}={value}" for value in bad]


OPTIONS = list(cells_of_options())
for each in OPTIONS:
    read_values(each, OPTIONS)


def ask(site, options, source="/samples/small.jpg"):
    return site.ask(signed(f"/cdn-cgi/image/{options}{source}"))


@table(the_site_of_images_md, [(option.name, option) for option in OPTIONS])
def what_the_table_says_of_an_option_is_understood(_, option):
    assert not option.unread, f"{option.unread!r} of {option.cell!r}"
    assert option.good or option.name == "preset", option.cell
    assert option.default in NO_VALUE or re.fullmatch(r"`[^`]+`|[\d.]+", option.default), (
        option.default)


@table(the_site_of_images_md, [
    (text, option.name, text) for option in OPTIONS for text in option.good])
def a_value_that_is_listed_is_taken(site, name, text):
    reply = ask(site, text)
    assert reply.status == 200, reply
    value = text.partition("=")[2]
    kind = TYPES.get(value, "image/jpeg") if name in ("format", "f") else "image/jpeg"
    assert reply.get("Content-Type") == kind, reply
    if kind != "application/json":
        assert pictures.kind_of(reply.body) == kind


@table(the_site_of_images_md, [
    (text, text) for option in OPTIONS for text in option.bad])
def a_value_that_is_not_listed_is_refused(site, text):
    reply = ask(site, text)
    assert (reply.status, reply.code) == (400, "option"), reply


@table(the_site_of_images_md, [
    (f"{option.name}={value}", option.name, value) for option in OPTIONS
    for value in [option.default.strip("`")] if option.default not in NO_VALUE])
def the_default_changes_nothing(site, name, value):
    beside = BESIDE.get(name, "width=30")
    source = "/samples/ramp.png" if "border" in name else "/samples/small.jpg"
    replies = [ask(site, options, source) for options in (beside, f"{beside},{name}={value}")]
    assert [reply.status for reply in replies] == [200, 200], replies
    assert replies[0].body == replies[1].body


@table(the_site_of_images_md, [
    (f"width={width}", width)
    for width in re.findall(r"\d+", cell_of("width", OPTIONS).partition("picks")[2])])
def width_auto_picks_one_of_the_widths_listed(site, width):
    """By the hint of a viewport that is as wide; none of the others comes out."""
    target = signed("/cdn-cgi/image/width=auto/samples/harbour.jpg")
    reply = site.ask(target, fields={"Sec-CH-Viewport-Width": width, "Sec-CH-DPR": "1"})
    assert pictures.size_of(reply.body)[0] == int(width), pictures.size_of(reply.body)


@case(the_site_of_images_md)
def what_needs_a_model_is_refused_by_name(site):
    text = re.search(r"^.*need a model.*$", PROSE["docs/images.md"], re.M)[0]
    named = spans(text.partition("need a model")[0])
    assert len(named) >= 3, named
    for option in named:
        reply = ask(site, option if "=" in option else option + "=foreground")
        assert (reply.status, reply.code) == (400, "unsupported"), (option, reply)


@case(the_site_of_images_md)
def each_width_and_height_is_at_most_the_source_unless_told(site):
    """As the default of fit and that of width say."""
    for options in ("width=16384", "height=16384", "quality=50"):
        assert pictures.size_of(ask(site, options).body) == SMALL, options
