"""What of a study's files the schema of docs/schema/ lacks, or has otherwise."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from idempotence.io import read_jsonl
from idempotence.reference.files import Column, Content, Schema

ARROW = {"string": "text", "large_string": "text", "int64": "whole number", "double": "number",
         "bool": "true or false"}  # fmt: skip
PYTHON = {str: "text", int: "whole number", float: "number", bool: "true or false", list: "list",
          dict: "object"}  # fmt: skip


def differences(results: Path, schema: Schema, settings: list[str]) -> list[str]:
    """One line for each file, column, key or type that the schema lacks or has otherwise.

    results: folder of a study; settings: its settings, of which figures may have one each.
    """
    lines = []
    for path in sorted(results.rglob("*")):
        name = str(path.relative_to(results))
        if not path.is_file() or path.name.startswith("."):
            continue
        if path.parent.name == "tables":
            lines += [f"{name}: {line}" for line in _of_table(path, schema.tables)]
        elif path.parent.name == "figures" and path.suffix == ".csv":
            lines += [f"{name}: {line}" for line in _of_figure(path, schema.figures, settings)]
        else:
            kinds = [each for each in schema.files if fnmatchcase(name, each.path)]
            lines += [] if kinds else [f"{name}: no such file in files.yaml"]
            for kind in kinds:
                lines += [f"{name}: {line}" for line in _of_keys(path, kind.content)]
    return lines


def _of_table(path: Path, tables: dict[str, Content]) -> Iterator[str]:
    if path.stem not in tables:
        yield "no such table in tables.yaml"
        return
    content = tables[path.stem]
    if path.suffix == ".csv":
        yield from _names(list(pd.read_csv(path, nrows=0).columns), content)
        return
    table = pq.read_table(path)
    yield from _names(table.column_names, content)
    for column in content.columns:
        # a column without any value has a type by chance
        if column.name in table.column_names and table[column.name].to_pandas().notna().any():
            kind = str(table[column.name].type)
            yield from _type(column, ARROW.get(kind, kind))


def _of_figure(path: Path, figures: dict[str, Content], settings: list[str]) -> Iterator[str]:
    names = [path.stem, *(path.stem.replace(f"_{each}", "_<setting>") for each in settings)]
    content = next((figures[name] for name in names if name in figures), None)
    if content is None:
        yield "no such figure in figures.yaml"
    else:
        yield from _names(list(pd.read_csv(path, nrows=0).columns), content)


def _of_keys(path: Path, content: Content | None) -> Iterator[str]:
    """Of JSON and JSON lines: their keys, and the types of the values that are there."""
    if content is None:
        return
    if path.suffix == ".jsonl":
        rows = read_jsonl(path)
    else:
        rows = [json.loads(path.read_text(encoding="utf-8"))]
    for row in rows[:1]:
        yield from _names(list(row), content, ordered=False)
    for column in content.columns:
        values = [row[column.name] for row in rows if row.get(column.name) is not None]
        for value in values[:1]:
            yield from _type(column, PYTHON[type(value)])


def _names(found: list[str], content: Content, ordered: bool = True) -> Iterator[str]:
    described = [column.name for column in content.columns]
    for name in found:
        if name not in described:
            yield f"{name} is not described"
    for name in described:
        if name not in found and name not in content.optional:
            yield f"{name} is described, and not there"
    common = [name for name in described if name in found]
    if ordered and common != [name for name in found if name in described]:
        yield f"columns are in the order {', '.join(found)}"


def _type(column: Column, found: str) -> Iterator[str]:
    whole = column.type == "number" and found == "whole number"
    if not whole and found != column.type:
        yield f"{column.name} is {found}, described as {column.type}"
