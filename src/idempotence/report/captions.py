"""The captions of the report: the first paragraph says what is shown, further ones the details."""

import re
from pathlib import Path

from markupsafe import Markup, escape

_MARKS = {"em": re.compile(r"\*([^*\s][^*]*)\*"), "code": re.compile(r"`+([^`]+)`+")}


def paragraphs(file: Path) -> list[Markup]:
    """The paragraphs of a caption (reStructuredText) as HTML, with emphasis and code.

    No paragraph where there is no such file.
    """
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8").strip()
    return [marked(" ".join(part.split())) for part in re.split(r"\n\s*\n", text) if part]


def marked(text: str) -> Markup:
    """A text as HTML: all of it escaped, *emphasis* and `code` as elements."""
    html = str(escape(text))
    for tag, mark in _MARKS.items():
        html = mark.sub(rf"<{tag}>\1</{tag}>", html)
    return Markup(html)
