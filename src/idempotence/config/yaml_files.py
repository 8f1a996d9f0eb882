"""What a config file may hold of YAML: little enough that a study is what it looks like."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from idempotence.config.places import shown
from idempotence.errors import UserError
from idempotence.io import read_text

DEEPEST = 30  # sections within sections
MOST_VALUES = 100_000  # with what anchors repeat
LONGEST_NUMBER = 100  # digits
MISTAKES_SHOWN = 20
LONGEST_TEXT = 1200  # characters of one mistake; all keys of a section take 800
TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
}
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SIXTIES = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?", re.ASCII)
BEFORE_KEYS = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.MappingStartEvent)
TEMPLATE = "__use_yte__"  # a key by which Snakemake computes the values of the others
OCTAL = re.compile(r"[-+]?0[\d_]+", re.ASCII)
DIGITS = re.compile(rf"[-+]?[\d_]{{{LONGEST_NUMBER},}}", re.ASCII)


def check_files(paths: list[str]) -> None:
    """Raise `UserError` for files that are no config, or that YAML reads otherwise than people do.

    Such are another encoding, broken YAML, a file without keys, a template (YTE); numbers in base
    60 (1:30) and octal ones (012), tags (!!set); sections that are nested too deeply, anchors that
    multiply. A path without a file is left to who reads it.
    """
    mistakes = [
        f"{shown(path)}, line {line}: {text}"
        for path in paths
        if Path(path).is_file()
        for line, text in _mistakes(path)
    ]
    if mistakes:
        raise UserError(in_short("mistake", mistakes))


def in_short(what: str, mistakes: list[str]) -> str:
    """A message with the first of many mistakes, and how many there are."""
    count = f"a {what}" if len(mistakes) == 1 else f"{len(mistakes):,} {what}s"
    first = "\n  ".join(_cut(mistake) for mistake in mistakes[:MISTAKES_SHOWN])
    more = len(mistakes) - MISTAKES_SHOWN
    rest = f"\n  and {more:,} more" if more > 0 else ""
    return f"{count} in the config; nothing was run.\n  {first}{rest}"


def _cut(text: str) -> str:
    """A message without its middle, where it is long: its end says what to do."""
    half = LONGEST_TEXT // 2
    return text if len(text) <= LONGEST_TEXT else f"{text[:half]} ... {text[-half:]}"


def _mistakes(path: str) -> Iterator[tuple[int, str]]:
    """(line, message) of a file; the last one may be why the rest was not looked at."""
    try:
        text = read_text(path)
    except UserError:
        yield 1, "is no UTF-8 text: save the file in UTF-8"
        return
    sizes: dict[str, int] = {}  # anchor -> values that it stands for
    opened: list[tuple[str | None, int]] = [(None, 0)]  # (anchor, values so far) of open sections
    try:
        events: Iterator[Any] = yaml.parse(text, Loader=Loader)
        for event in events:
            line = event.start_mark.line + 1
            if opened == [(None, 0)] and not isinstance(event, BEFORE_KEYS):
                yield line, "must hold keys and values"
                return
            if isinstance(event, yaml.NodeEvent) and not isinstance(event, yaml.AliasEvent):
                yield from ((line, message) for message in _of_node(event))
            size = 1
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append((event.anchor, 0))
                if len(opened) > DEEPEST:
                    yield line, f"is nested more than {DEEPEST} deep"
                    return
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, inner = opened.pop()
                size += inner
                if anchor:
                    sizes[anchor] = size
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in sizes:
                    yield line, f"*{event.anchor} is within what it stands for"
                    return
                size = sizes[event.anchor]
            elif isinstance(event, yaml.ScalarEvent) and event.anchor:
                sizes[event.anchor] = 1
            if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                if not isinstance(event, yaml.CollectionStartEvent):
                    opened[-1] = (opened[-1][0], opened[-1][1] + size)
                if opened[-1][1] > MOST_VALUES:
                    yield line, f"holds more than {MOST_VALUES:,} values with what anchors repeat"
                    return
    except yaml.YAMLError as error:
        yield _line_of(error), f"is no YAML: {' '.join(str(error).split())}"


def _line_of(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark else 1


def _of_node(event: Any) -> Iterator[str]:
    """What is wrong with a value, a list or a section in itself."""
    if event.tag is not None and event.tag not in TAGS and event.tag != "!":
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        yield f"has the tag {tag[:50]}; a config has texts, numbers, lists and sections alone"
    if not isinstance(event, yaml.ScalarEvent) or not event.implicit[0] or event.style:
        return
    if event.value == TEMPLATE:
        yield f"{TEMPLATE}: templates are not read: write the values themselves"
    elif SIXTIES.fullmatch(event.value):
        yield f"YAML reads {event.value[:50]} in base 60: write the number, or quote a text"
    elif OCTAL.fullmatch(event.value):
        yield f"YAML reads {event.value[:50]} as octal: write it without the 0, or quote a text"
    elif DIGITS.fullmatch(event.value):
        yield f"{event.value[:10]}... is a number of more than {LONGEST_NUMBER} digits"
