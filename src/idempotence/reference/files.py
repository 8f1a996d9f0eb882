"""The page of files: every file of a study with its columns or keys, their types and units."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.scores.schema import TABLE

TYPES = ("text", "whole number", "number", "true or false", "list", "object")
ARROW = {"string": "text", "int64": "whole number", "float64": "number"}

HEAD = """# Files

<!-- Written by scripts/write_reference.py from docs/schema/ and scores/schema.py. -->

Every file below `results/<study>/`, with its columns or keys. *Points* are points of a score, 0 to
100. A *nat* is a unit of log-likelihood, by the natural logarithm. A value that is not known is
missing (empty in CSV, null elsewhere), never 0. How a table is computed stands in its caption
(`report/<table>.rst`), in the report, and in [statistics](statistics.md).

`<panel>` stands for `<setting>/<model>/<trait>/seed<k>`, `<cell>` for the name of a dose.

## All files

The last line of each `.jsonl` file is no row: it has the number of rows and their SHA-256
([reliability](reliability.md)). Other programs must skip this line.

"""


@dataclass(frozen=True)
class Column:
    """A column of a table, or a key of a JSON object; type: one of `TYPES`."""

    name: str
    type: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Content:
    """The columns of a table or the keys of a JSON object; optional: those that may be absent."""

    rows: str
    columns: tuple[Column, ...]
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True)
class File:
    """A kind of file.

    path: below the study's folder, `*` for any text, slashes too. shown: the same for people. what:
    "" for one that the row above describes too. content: None where it is not described further.
    """

    path: str
    shown: str
    what: str
    content: Content | None


@dataclass(frozen=True)
class Schema:
    """Files, tables (by name) and figures (by name, with `<setting>` in it) of a study."""

    files: tuple[File, ...]
    tables: dict[str, Content]
    figures: dict[str, Content]


def load_schema(folder: Path) -> Schema:
    """The schema of docs/schema/. Raises `UserError` for a name or a type that is not defined."""
    parts: dict[str, Any] = {}
    for path in sorted(folder.glob("*.yaml")):
        parts |= parse_yaml(path.read_text(encoding="utf-8"))
    names = {name: _column(name, entry) for name, entry in parts["names"].items()}

    def content(entry: dict[str, Any], key: str) -> Content:
        columns = tuple(_columns(entry[key], names))
        return Content(entry.get("rows", ""), columns, frozenset(entry.get("optional", [])))

    return Schema(
        files=tuple(
            File(
                each["path"],
                each.get("shown", each["path"]),
                each.get("what", ""),
                content(each, "keys") if "keys" in each else None,
            )
            for each in parts["files"]
        ),
        tables={name: content(entry, "columns") for name, entry in parts["tables"].items()},
        figures={name: content(entry, "columns") for name, entry in parts["figures"].items()},
    )


def _columns(entries: Iterable[Any], names: dict[str, Column]) -> Iterator[Column]:
    """Columns of a list of names, of groups of names, and of `{name: [type, unit, meaning]}`."""
    for entry in entries:
        if isinstance(entry, list):
            yield from _columns(entry, names)
        elif isinstance(entry, dict):
            yield from (_column(name, own) for name, own in entry.items())
        elif entry in names:
            yield names[entry]
        else:
            raise UserError(
                f"docs/schema: {entry} is a name without a meaning; "
                "add it to names.yaml or write {name: [type, unit, meaning]}"
            )


def _column(name: str, entry: list[str]) -> Column:
    if len(entry) != 3 or entry[0] not in TYPES:
        raise UserError(
            f"docs/schema: {name}: {entry} is not [type, unit, meaning]; "
            f"the types are {', '.join(TYPES)}"
        )
    return Column(name, *entry)


def files_page(folder: Path) -> str:
    """The text of docs/files.md. folder: docs/schema/."""
    schema = load_schema(folder)
    parts = [HEAD + _list_of_files(schema.files)]
    described = [each for each in schema.files if each.content]
    parts += [_section(each.shown, each.what, each.content) for each in described]
    scores = Content(
        "a reply",
        tuple(Column(each.name, ARROW[each.type], each.unit, each.meaning) for each in TABLE),
    )
    parts.append(_section("scores.parquet", "scores of all replies", scores))
    parts.append("## Tables\n\n`tables/<table>.csv` has six digits, `tables/<table>.parquet` all.")
    parts += [_section(name, "", content, 3) for name, content in schema.tables.items()]
    parts.append("## Numbers of figures\n\n`figures/<figure>.csv`: what the figure draws.")
    parts += [_section(name, "", content, 3) for name, content in schema.figures.items()]
    return "\n\n".join(parts) + "\n"


def _list_of_files(files: Iterable[File]) -> str:
    rows = [f"| {_code(each.shown)} | {each.what} |" for each in files if each.what]
    more = ["| `tables/<table>.csv`, `.parquet` | a table; see *Tables* |"]
    return "\n".join(["| path below `results/<study>/` | what |", "|---|---|", *rows, *more])


def _section(title: str, what: str, content: Content | None, level: int = 2) -> str:
    if content is None:
        return ""
    lines = [f"{'#' * level} {_code(title)}", ""]
    lines += [f"{what[0].upper()}{what[1:]}.", ""] if what else []
    lines += [f"A row is {content.rows}.", ""] if content.rows else []
    lines += ["| name | type | unit | meaning |", "|---|---|---|---|"]
    for each in content.columns:
        often = " (not always there)" if each.name in content.optional else ""
        lines.append(f"| `{each.name}` | {each.type} | {each.unit} | {each.meaning}{often} |")
    return "\n".join(lines)


def _code(names: str) -> str:
    """Names between commas as code, so that Markdown takes no `<setting>` for a tag."""
    return ", ".join(f"`{name}`" for name in names.split(", "))
