"""Standalone HTML pages: no script, no network, all text that comes from data escaped."""

from pathlib import Path

import jinja2

from idempotence.io import write_text

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values) -> str:
    """Fill a template; every value is escaped, and a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


def write_page(path: str | Path, template: str, **values) -> None:
    """Render a template into a file."""
    write_text(path, render(template, **values))
