"""Blocks of code, code within lines, links and headings of the project's Markdown pages."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from make_project import ROOT
from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@dataclass(frozen=True)
class Block:
    """A block of code. line: its first line; mark: the HTML comment right before it, or ""."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def tokens(page: Path) -> list[Token]:
    """The Markdown tokens of a page."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page, fenced and indented, in their order."""
    found, mark = [], ""
    for token in tokens(page):
        if token.type in ("fence", "code_block"):
            line, language = token.map[0] + 1, token.info.strip()
            name = str(page.relative_to(ROOT))
            found.append(Block(name, line, language, mark, token.content))
        comment = token.type == "html_block" and re.fullmatch(
            r"<!-- (.*?) -->", token.content.strip()
        )
        mark = comment[1] if comment else ""
    return found


def code_within_lines(page: Path) -> list[str]:
    """The texts between backticks, line breaks turned into spaces."""
    return [
        " ".join(child.content.split())
        for token in tokens(page)
        for child in token.children or []
        if child.type == "code_inline"
    ]


def links(page: Path) -> list[str]:
    """The targets of links and images."""
    return [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for token in tokens(page)
        for child in token.children or []
        if child.type in ("link_open", "image")
    ]


def anchors(page: Path) -> set[str]:
    """The anchors that a code host gives the headings of a page."""
    texts = [
        following.content
        for token, following in zip(tokens(page), tokens(page)[1:], strict=False)
        if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}
