"""Where a key of the merged config was written: file and line, or the command line."""

from pathlib import Path
from typing import Any

import yaml

Key = tuple[str | int, ...]
Repeat = tuple[Key, int, int]  # a key written twice, its first and its second line
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE = "tag:yaml.org,2002:merge"


def dotted(key: Key) -> str:
    """("sft", "cells", 0) -> "sft.cells.0"."""
    return ".".join(str(part) for part in key)


class Places:
    """The places of the keys of a merged config.

    raw: the merged config. paths: the YAML files that it came from, the last one winning.
    """

    def __init__(self, raw: dict[str, Any], paths: list[str]):
        self.raw = raw
        read = [(shown(path), *_read(path)) for path in reversed(paths)]
        self.files = [(path, content, lines) for path, content, lines, _ in read]
        self.repeated = [
            f"{path}, line {line}, {dotted(key)}: is written a second time "
            f"(first on line {first}); YAML would quietly keep the last"
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

    def names(self, section: str) -> list[str]:
        """The keys that the files have in a section, each once."""
        held = (value.get(section) for _, value, _ in self.files if isinstance(value, dict))
        names = (name for each in held if isinstance(each, dict) for name in each)
        return [name for name in dict.fromkeys(names) if isinstance(name, str)]


def _read(path: str) -> tuple[Any, dict[Key, int], list[Repeat]]:
    """A YAML file's content, the line (from 1) of each of its keys, and the keys written twice.

    All empty if the file is unreadable.
    """
    lines: dict[Key, int] = {}
    twice: list[Repeat] = []
    try:
        loader = Loader(Path(path).read_text(encoding="utf-8"))
        root = loader.get_single_node()
        if root is not None:
            # before it is constructed: that copies what `<<` names into its section
            _walk(loader, root, (), lines, twice)
        return root and loader.construct_document(root), lines, twice
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None, {}, []


def _walk(
    loader: Any,
    node: yaml.Node,
    key: Key,
    lines: dict[Key, int],
    twice: list[Repeat],
    again: bool = False,
) -> None:
    """Note the lines of all keys below a node. again: its section was written twice."""
    if isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines[(*key, i)] = value.start_mark.line + 1
            _walk(loader, value, (*key, i), lines, twice, again)
    if not isinstance(node, yaml.MappingNode):
        return
    own = [(name, value) for name, value in node.value if name.tag != MERGE]
    for name, value in node.value:
        if name.tag == MERGE:  # the section's own keys go over those that it takes from elsewhere
            taken: dict[Key, int] = {}
            for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                _walk(loader, part, key, taken, [])
            lines |= taken
    written: dict[Key, int] = {}
    for name, value in own:
        inner, line = (*key, _key_of(loader, name)), name.start_mark.line + 1
        if inner in written and not again:  # of a section written twice, only the section
            twice.append((inner, written[inner], line))
        _walk(loader, value, inner, lines, twice, again or inner in written)
        lines[inner] = written[inner] = line


def _key_of(loader: Any, node: yaml.Node) -> Any:
    """A mapping's key as it is in the config: 5 and true are no texts."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_object(node)
    return str(node.value)


def _has(value: Any, key: Key) -> bool:
    for part in key:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _agree(written: Any, merged: Any, key: Key) -> bool:
    """Whether the merged value is the one written in a file.

    Sections are merged, so their content may differ, and one without a value keeps that of the
    files before; lists and all else are replaced whole.
    """
    for part in key:
        try:
            written, merged = written[part], merged[part]
        except (KeyError, IndexError, TypeError):
            return False
        if isinstance(merged, dict) and (isinstance(written, dict) or written is None):
            continue
        # True equals 1 but is not it; .nan is not equal to itself but reads the same.
        same = written == merged or repr(written) == repr(merged)
        if type(written) is not type(merged) or not same:
            return False
    return True


def shown(path: str) -> str:
    """A file as messages name it: from the folder that Snakemake runs in, where it lies below."""
    full = Path(path).resolve()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(path)
