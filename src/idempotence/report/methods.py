"""The page of methods: words, how a verdict comes about, and the details of each figure."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from idempotence.errors import UserError
from idempotence.figures.labels import percent
from idempotence.report.captions import marked, paragraphs

_ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \|$", re.MULTILINE)
_LINK = re.compile(r" ?\(\[[^]]+\]\([^)]+\)\)")  # to another page of the docs
_WILDCARD = " for {{ snakemake.wildcards.setting }}"


def methods_page(
    figures: Sequence[str], captions: Path, glossary: Path, confidence: float
) -> dict[str, Any]:
    """What the template `methods.html.j2` shows.

    figures: names of the study's figures; captions: folder of the report's captions, of which
    plot_<name>.rst or <name>.rst is about a figure; glossary: a table of words in Markdown;
    confidence: of the intervals, as 0.95. Raises `UserError` for a figure without a caption and a
    glossary without a word.
    """
    return {
        "title": "Methods",
        "interval": percent(confidence),
        "words": _words(glossary),
        "figures": [_figure(name, captions) for name in figures],
    }


def _words(glossary: Path) -> list[tuple[Markup, Markup]]:
    rows = _ROW.findall(_LINK.sub("", glossary.read_text(encoding="utf-8")))
    words = [(marked(word), marked(meaning)) for word, meaning in rows if word.strip("- ") != ""]
    if len(words) < 2:
        raise UserError(f"{glossary}: no table of words; rows are '| word | meaning |'")
    return words[1:]  # the first row is the head


def _figure(name: str, captions: Path) -> dict[str, Any]:
    files = [captions / f"{prefix}{name}.rst" for prefix in ("plot_", "")]
    about = next(filter(None, map(paragraphs, files)), None)
    if not about:
        raise UserError(f"{files[1]}: the figure {name} has no caption")
    return {
        "anchor": name,
        "title": name.replace("_", " "),
        "about": [Markup(part.replace(_WILDCARD, "")) for part in about],
    }
