"""Where the replies of an audit lie: path patterns, the files that fit, what their paths tell."""

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass

from idempotence.config.audit import DOSES, PLACES, WHOLE, Audit

_MARK = re.compile(r"\{(\w+)\}|\*")
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
CELL = re.compile(r"[\w.+=,:@ -]+")  # figures write these as they are
_FORM = {**dict.fromkeys(WHOLE, r"\d+"), **dict.fromkeys(DOSES, _NUMBER)}
Value = str | int | float


class PathPattern:
    """A path with `*` and placeholders: "runs/{trait}/seed{seed}/cycle_{cycle}.jsonl".

    names: its placeholders, known or not. parts: whether `*` says that several files are one.
    """

    def __init__(self, text: str):
        self.names = [name for name in _MARK.findall(text) if name]
        self.parts = "*" in text
        pieces, at, seen = [], 0, set()
        for mark in _MARK.finditer(text):
            pieces.append(re.escape(text[at : mark.start()]))
            name, at = mark[1], mark.end()
            if not name:
                pieces.append("[^/]*")
            elif name in seen:
                pieces.append(f"(?P={name})")
            else:
                pieces.append(f"(?P<{name}>{_FORM.get(name, '[^/]+?')})")
                seen.add(name)
        self._fits = re.compile("".join(pieces) + re.escape(text[at:]))
        # what stands between the marks is no pattern, whatever it looks like
        literal = re.split(r"\{\w+\}|\*", text)
        self._glob = "*".join(glob.escape(part) for part in literal)

    def find(self) -> Iterator[tuple[str, dict[str, Value]]]:
        """(path, what its placeholders say) of each file that fits, in order of the paths."""
        for path in sorted(glob.glob(self._glob)):
            match = self._fits.fullmatch(path)
            if match:
                yield path, {name: _value(name, text) for name, text in match.groupdict().items()}


def _value(name: str, text: str) -> Value:
    if name in WHOLE:
        return int(text)
    return float(text) if name in DOSES else text


@dataclass(frozen=True)
class ReplyFile:
    """A file of replies: path; told: what its rows belong to, as far as the path or the entry says;
    part: whether other files may hold replies of the same chain and cycle."""

    path: str
    told: dict[str, Value]
    part: bool


def tells_doses(audit: Audit) -> bool:
    """Whether the rows of an audit come with any dose."""
    names = {name for entry in audit.files for name in PathPattern(entry.path).names}
    fixed = (getattr(source, name) for source in (*audit.files, audit.columns) for name in DOSES)
    return not names.isdisjoint(DOSES) or any(value is not None for value in fixed)


def reply_files(entries: list[dict]) -> list[ReplyFile]:
    """The files of all entries of `audit.files`, in their order. An entry: path, and fixed values."""
    found = []
    for entry in entries:
        fixed = {name: entry[name] for name in PLACES if entry.get(name) is not None}
        pattern = PathPattern(entry["path"])
        for path, told in pattern.find():
            found.append(ReplyFile(path, {**told, **fixed}, pattern.parts))
    return found
