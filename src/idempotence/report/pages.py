"""Standalone HTML pages: no network, scripts of our own only, all text from data escaped."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2

from idempotence.io import write_text

TEMPLATES = Path(__file__).parent / "templates"
# Bytes of a page. Snakemake's report holds it as a data address in base64, and Chromium opens none
# of more than 2 MiB.
LARGEST = 1_500_000


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
    environment.globals["source"] = _source
    return environment.get_template(template).render(**values)


def write_page(path: str | Path, template: str, **values: Any) -> None:
    """Render a template into a file."""
    write_text(path, render(template, **values))


def _source(name: str) -> str:
    """A script or style of the templates' folder, as text."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """SHA-256 in base64, as a content security policy names a script."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
