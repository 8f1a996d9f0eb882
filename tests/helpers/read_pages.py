"""Pages as a browser takes them apart: their text, and whether they stand alone."""

from html.parser import HTMLParser
from typing import Any

from idempotence.report.pages import render, script

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Collects text and elements, and checks that elements close in order."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def check_standalone(html: str, scripts: int = 0) -> Reader:
    """No script but our own, no frame, nothing fetched; links lead to places on the page."""
    reader = Reader(html)
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("script") == scripts
    assert not set(tags) & {"iframe", "link", "img", "object", "embed", "form"}
    ids = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in reader.elements:
        assert not any(name.startswith("on") or name == "src" for name in attrs)
        if "href" in attrs:
            assert attrs["href"].removeprefix("#") in ids
    assert "http://" not in html and "https://" not in html and "url(" not in html
    return reader


def choosing(page: dict[str, Any]) -> str:
    """The page of replies with its script, which lets a reader choose."""
    return render("replies.html.j2", script=script("choose.js"), **page)
