"""Standalone HTML pages: no network, one script of our own, all text from data escaped."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2

from idempotence.io import write_text

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    """Fill a template; every value is escaped, and a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["digest"] = _digest
    return environment.get_template(template).render(**values)


def write_page(path: str | Path, template: str, **values: Any) -> None:
    """Render a template into a file."""
    write_text(path, render(template, **values))


def script(name: str) -> str:
    """A script of the templates' folder, for a page to run."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """SHA-256 in base64, as a content security policy names a script."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
