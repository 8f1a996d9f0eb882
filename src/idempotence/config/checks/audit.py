"""Mistakes in the section `audit`: files that are not there, rows that nothing places."""

import os
from pathlib import Path

from idempotence.audit.paths import (
    CELL,
    DEFAULT_MODEL,
    PLACES,
    PathPattern,
    ReplyFile,
    reply_files,
)
from idempotence.config.checks.known import Key, Known, Mistakes, as_far_as_clear, nearest
from idempotence.config.checks.models import place
from idempotence.config.places import dotted
from idempotence.jobs.audit import ReplySource

SHOWN = 5  # names of a folder


def audit_mistakes(known: Known) -> Mistakes:
    """(key, message) of every mistake between the keys of an audit, or against its files."""
    entries = known.size("audit", "files")
    if not entries:
        yield from as_far_as_clear(_needs_judge(known))
        return
    for check in (_own_loop, _judge, _scores, _models, _columns):
        yield from as_far_as_clear(check(known))
    seen: dict[str, str] = {}
    for i in range(entries):
        yield from as_far_as_clear(_entry(known, i, seen))


def _needs_judge(known: Known) -> Mistakes:
    roles = ["judge"] if known("second_judge") is None else ["judge", "second_judge"]
    for role in roles:
        if known(role, "backend") == "none":
            yield (role, "backend"), "'none' is for audits alone: a loop is measured by its judge"


def _own_loop(known: Known) -> Mistakes:
    if known("scores_from") is not None:
        yield (
            ("scores_from",),
            "is not allowed beside audit.files: both name the source of replies",
        )
    if known("second_judge") is not None:
        yield ("second_judge",), "is not allowed beside audit.files: an audit has one judge"


def _judge(known: Known) -> Mistakes:
    local = known("judge", "backend") == "local"
    if local and known("judge", "path") == "world/judge" and known("texts") == "written":
        text = "the micro world's judge reads its language alone; name another, or backend: none"
        yield ("judge", "path"), f"'world/judge' is not allowed with texts: written: {text}"


def _scores(known: Known) -> Mistakes:
    low, high = known("audit", "lowest_score"), known("audit", "highest_score")
    if high <= low:
        yield ("audit", "highest_score"), f"{high:g} must be above audit.lowest_score ({low:g})"


def _columns(known: Known) -> Mistakes:
    """Two keys that could hold the reply."""
    key = ("audit", "columns", "messages")
    if known(*key) is None:
        return
    for name in ("prompt", "response"):
        if known("audit", "columns", name) is not None:
            yield key, f"is not allowed beside audit.columns.{name}: name where the reply is"
    if known("audit", "shape") == "alpaca":
        yield key, "is not allowed with audit.shape: alpaca, whose rows have no messages"


def _models(known: Known) -> Mistakes:
    seen: set[str] = set()
    for i in range(known.size("audit", "models")):
        key = ("audit", "models", i)
        name = known(*key, "name")
        if name in seen:
            yield (*key, "name"), f"{name!r} is the name of another model too; give each its own"
        seen.add(name)
        if known(*key, "path") is not None:
            yield from place(known, key, ["world/instruct", "world/base"])
        elif known(*key, "revision") is not None:
            yield (*key, "revision"), "is not allowed without a path"


def _entry(known: Known, i: int, seen: dict[str, str]) -> Mistakes:
    """What is wrong with one entry of `audit.files`; seen: path of a file -> the entry it is in."""
    key = ("audit", "files", i)
    path = known(*key, "path")
    fixed = {name: known(*key, name) for name in PLACES}
    pattern = PathPattern(path)
    for name in pattern.names:
        if name not in PLACES:
            there_are = f"There are: {', '.join(PLACES)}"
            yield (*key, "path"), f"there is no {{{name}}}{nearest(name, list(PLACES))} {there_are}"
            return
        if fixed[name] is not None:
            yield (*key, name), f"is given twice: {{{name}}} stands in the path"
            return
    yield from _unplaced(known, key, {*pattern.names, *(n for n in fixed if fixed[n] is not None)})
    files = reply_files([ReplySource(path, **fixed)])
    if not files:
        yield (*key, "path"), f"no file fits {path!r}; {_folder(path)}"
    for file in files:
        if file.path in seen:
            yield (*key, "path"), f"{file.path} is in {seen[file.path]} already; name it once"
            return
        seen[file.path] = f"audit.files.{i}"
    if not pattern.parts:
        yield from _twice(key, files)
    for file in files:
        mistakes = [*_no_file(key, file), *_unlisted(known, key, file)]
        yield from mistakes
        if mistakes:
            return  # one file shows it


def _twice(key: Key, files: list[ReplyFile]) -> Mistakes:
    """Two files whose paths spell the same numbers differently: cycle_1 and cycle_01."""
    first: dict[tuple[object, ...], str] = {}
    for file in files:
        other = first.setdefault(tuple(file.place.items()), file.path)
        if other != file.path:
            both = f"{other} and {file.path} are of the same cycle"
            yield (*key, "path"), f"{both}; rename or remove one"
            return


def _no_file(key: Key, file: ReplyFile) -> Mistakes:
    """What fits a path and is no file that can be read."""
    path = Path(file.path)
    if not path.exists():
        yield (*key, "path"), f"{path} is a link to {path.readlink()}, which is not there"
    elif not path.is_file():
        yield (*key, "path"), f"{path} is {'a folder' if path.is_dir() else 'no regular file'}"
    elif not os.access(path, os.R_OK):
        yield (*key, "path"), f"{path} cannot be read: you lack the permission"


def _unplaced(known: Known, key: Key, given: set[str]) -> Mistakes:
    """What rows belong to must stand somewhere: in the path, the entry or a column."""
    names = [*(name for name in WHERE if len(_listed(known, name)) > 1), "cycle"]
    for name in names:
        if name in given or known("audit", "columns", name) is not None:
            continue
        ways = (
            f"put {{{name}}} into its path, {name}: beside it, or a key into audit.columns.{name}"
        )
        file = f"the rows of {dotted(key)} have no {name}"
        if name == "cycle":
            yield (*key, "path"), f"{file}; {ways}"
        else:
            yield tuple(WHERE[name].split(".")), f"lists several, and {file}; list one, or {ways}"


WHERE = {"setting": "settings", "model": "audit.models", "trait": "traits"}


def _listed(known: Known, name: str) -> list[str]:
    """The names that rows may have."""
    if name == "model":
        names = [value for _, value in known.each("audit", "models", field="name")]
        return names or [DEFAULT_MODEL]
    if name == "setting":
        return known.names("settings")
    return [value for _, value in known.each(WHERE[name])]


def _unlisted(known: Known, key: Key, file: ReplyFile) -> Mistakes:
    """Names that the config does not list, that no figure could show, or Snakemake not take."""
    if "{" in file.path:
        yield (*key, "path"), f"{file.path} has a brace in its name, a placeholder to Snakemake"
    for name, where in WHERE.items():
        value, there_are = file.place.get(name), _listed(known, name)
        if value is not None and value not in there_are:
            text = f"{file.path} is of the {name} {value!r}, which is not in {where}"
            listed = f"{where}: {', '.join(there_are)}"
            yield (*key, "path"), f"{text}{nearest(str(value), there_are)} {listed}"
    if not CELL.fullmatch(str(file.place.get("cell", "all"))):
        text = f"{file.path} is of the cell {file.place['cell']!r}"
        yield (*key, "path"), f"{text}; a cell is of letters, digits, spaces and . _ + = , : @ -"


def _folder(path: str) -> str:
    """What there is where a pattern looks for nothing yet."""
    start = Path(path.partition("{")[0].partition("*")[0])
    folder = start if start.is_dir() else start.parent
    while not folder.is_dir():
        folder = folder.parent
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir())
    except OSError as error:
        return f"{folder} cannot be read ({error.strerror})"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{folder.resolve()} holds {', '.join(names[:SHOWN]) or 'nothing'}{more}"
