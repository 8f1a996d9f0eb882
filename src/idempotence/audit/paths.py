"""Where the replies of an audit lie: path patterns, the files that fit, what paths say of rows."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from idempotence.doses import DOSES
from idempotence.jobs.audit import ReadRepliesJob, ReplySource

DEFAULT_CELL, DEFAULT_MODEL = "all", "model"  # where they are not given
# what a row belongs to: given by the path, by the entry of `files`, or by a column
NAMES = ("setting", "model", "trait", "cell")
WHOLE = ("seed", "cycle")
PLACES = (*NAMES, *WHOLE, *DOSES)
_MARK = re.compile(r"\{(\w+)\}|\*")
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
CELL = re.compile(r"[\w.+=,:@ -]+")  # figures write these as they are
_FORM = {**dict.fromkeys(WHOLE, r"\d+"), **dict.fromkeys(DOSES, _NUMBER)}
Value = str | int | float


class PathPattern:
    """A path with `*` and placeholders: "runs/{trait}/seed{seed}/cycle_{cycle}.jsonl".

    A `~` at its start is the home folder.

    names: its placeholders, known or not. parts: whether `*` says that several files are one.
    """

    def __init__(self, text: str):
        text = os.path.expanduser(text)
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
        """(path, values of its placeholders) of each file that fits, in order of the paths."""
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
    """A file of replies.

    place: what its rows belong to, as far as the path or the entry gives it. part: whether other
    files may hold replies of the same chain and cycle.
    """

    path: str
    place: dict[str, Value]
    part: bool


def gives_doses(job: ReadRepliesJob) -> bool:
    """Whether the rows of an audit come with any dose."""
    names = {name for source in job.files for name in PathPattern(source.path).names}
    fixed = [getattr(source, name) for source in job.files for name in DOSES]
    columns = [job.columns[name] for name in DOSES]
    return not names.isdisjoint(DOSES) or any(value is not None for value in [*fixed, *columns])


def reply_files(sources: Sequence[ReplySource]) -> list[ReplyFile]:
    """The files of all sources, in their order."""
    files = []
    for source in sources:
        given = asdict(source)
        fixed = {name: given[name] for name in PLACES if given[name] is not None}
        pattern = PathPattern(source.path)
        for path, place in pattern.find():
            files.append(ReplyFile(path, {**place, **fixed}, pattern.parts))
    return files
