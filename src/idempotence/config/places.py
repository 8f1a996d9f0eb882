"""Where a key of the merged config was written: file and line, or the command line."""

from pathlib import Path
from typing import Any

import yaml

Key = tuple[str | int, ...]


def dotted(key: Key) -> str:
    """("sft", "cells", 0) -> "sft.cells.0"."""
    return ".".join(str(part) for part in key)


class Places:
    """The places of the keys of a merged config.

    raw: the merged config. paths: the YAML files that it came from, the last one winning.
    """

    def __init__(self, raw: dict, paths: list[str]):
        self.raw = raw
        read = [(_shown(path), *_read(path)) for path in reversed(paths)]
        self.files = [(path, content, lines) for path, content, lines, _ in read]
        self.repeated = [
            f"{path}, line {line}, {dotted(key)}: is written a second time (first on line {first}); "
            "YAML would quietly keep the last"
            for path, _, _, twice in read
            for key, first, line in twice
        ]

    def of(self, key: Key) -> str:
        """ "config.yaml, line 3, key"; a key that is missing is sought where its section is."""
        sought = key if _has(self.raw, key) else key[:-1]
        if not sought and self.files:
            return f"{self.files[-1][0]}, {dotted(key)}"
        for path, value, lines in self.files:
            if sought in lines and _agree(value, self.raw, sought):
                return f"{path}, line {lines[sought]}, {dotted(key)}"
        return f"command line, {dotted(key)}"


def _read(path: str) -> tuple[Any, dict[Key, int], list[tuple[Key, int, int]]]:
    """A YAML file's content, the line (from 1) of each of its keys, and the keys written twice.

    A key written twice comes with both lines. All empty if the file is unreadable.
    """
    lines: dict[Key, int] = {}
    twice: list[tuple[Key, int, int]] = []
    try:
        loader = yaml.SafeLoader(Path(path).read_text(encoding="utf-8"))
        root = loader.get_single_node()
        if root is None:
            return None, lines, twice
        content = loader.construct_document(root)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None, lines, twice

    def walk(node: yaml.Node, key: Key, again: bool = False) -> None:
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                inner = (*key, name.value)
                line = name.start_mark.line + 1
                repeated = inner in lines
                if repeated and not again:  # of a section written twice, only the section
                    twice.append((inner, lines[inner], line))
                lines[inner] = line
                walk(value, inner, again or repeated)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                lines[(*key, i)] = value.start_mark.line + 1
                walk(value, (*key, i), again)

    walk(root, ())
    return content, lines, twice


def _has(value: Any, key: Key) -> bool:
    for part in key:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _agree(written: Any, merged: Any, key: Key) -> bool:
    """Whether the merged value is the one written in a file.

    Sections are merged, so their content may differ; lists and all else are replaced whole.
    """
    for part in key:
        try:
            written, merged = written[part], merged[part]
        except (KeyError, IndexError, TypeError):
            return False
        if isinstance(written, dict) and isinstance(merged, dict):
            continue
        # True equals 1 but is not it; .nan is not equal to itself but reads the same.
        same = written == merged or repr(written) == repr(merged)
        if type(written) is not type(merged) or not same:
            return False
    return True


def _shown(path: str) -> str:
    full = Path(path).resolve()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(path)
