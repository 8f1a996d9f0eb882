"""Pages as a browser takes them apart: their text, and whether they stand alone."""

import base64
import gzip
import json
import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}
PAGES = ["index.html", "tables.html", "replies.html", "methods.html"]
DATA = "application/octet-stream"
SVG = "http://www.w3.org/2000/svg"  # a name of elements; nothing is fetched from there


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


def check_standalone(html: str) -> Reader:
    """No script but our own, no frame, nothing fetched; links lead to places on the page.

    Or to the other pages beside it. Data may stand in the page, which a browser does not run.
    """
    reader = Reader(html)
    scripts = [attrs for tag, attrs in reader.elements if tag == "script"]
    assert len([attrs for attrs in scripts if attrs.get("type") != DATA]) == 1
    tags = {tag for tag, _ in reader.elements}
    assert not tags & {"iframe", "link", "object", "embed", "form"}
    ids = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in reader.elements:
        assert not any(name.startswith("on") for name in attrs)
        assert attrs.get("src", "data:").startswith("data:")
        page, _, place = attrs.get("href", "#").partition("#")
        assert page in PAGES if page else not place or place in ids
    html = html.replace(SVG, "")
    assert "http://" not in html and "https://" not in html and "url(" not in html
    return reader


def packed(html: str) -> dict:
    """The data of the page of replies."""
    return json.loads(gzip.decompress(base64.b64decode(html.split('id="data">')[1].split("<")[0])))


def sentences(text: str) -> int:
    """How many sentences a text has; a sign that stands alone ends none."""
    return len(re.findall(r"(?<=\S)[.?!](?=\s|$)", text))


def words(text: str) -> int:
    """How many words and numbers a text has; signs that stand alone are none."""
    return sum(re.search(r"\w", part) is not None for part in text.split())


def check_caption(text: str) -> None:
    """Short sentences without chains of signs, and few words in all."""
    assert text.endswith(".") and words(text) <= 100, text
    for sentence in re.split(r"(?<=\S[.?!])\s", text):
        assert words(sentence) <= 30 and sentence.count(":") <= 1, sentence
        assert ";" not in sentence and "(s)" not in sentence, sentence
