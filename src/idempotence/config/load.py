"""From a dict to a valid study, or to one message that names every mistake."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from idempotence.config.models import Study
from idempotence.config.panels import MODEL_KIND, PROMPT_KIND, SETTINGS
from idempotence.errors import UserError

Key = tuple[str | int, ...]
HUB_NAME = re.compile(r"^[\w.-]+/[\w.-]+$")


def load_study(
    raw: dict,
    source: list[str],
    available_traits: list[str],
    prompts_available: dict[str, int] | None = None,
) -> Study:
    """The study of a merged config.

    source: the YAML files it came from, the last one winning; used to say where a mistake is.
    prompts_available: distinct prompts by kind ("chat", "document"), where that is limited.
    Raises UserError with every mistake: file, line, key, value, what is allowed.
    """
    places = [(path, _lines(path)) for path in reversed(source)]
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        mistakes = [_explain(item, raw) for item in error.errors()]
    else:
        mistakes = list(_contradictions(study, available_traits, prompts_available))
        if not mistakes:
            return study
    lines = [f"{_where(key, places)}: {text}" for key, text in mistakes]
    count = "a mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    raise UserError(f"{count} in the config; nothing was run.\n  " + "\n  ".join(lines))


def _lines(path: str) -> dict[Key, int]:
    """Key -> line (from 1) of a YAML file."""
    found: dict[Key, int] = {}

    def walk(node: yaml.Node, key: Key) -> None:
        found.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                found[(*key, name.value)] = name.start_mark.line + 1
                walk(value, (*key, name.value))
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                walk(value, (*key, i))

    root = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    if root is not None:
        walk(root, ())
    return found


def _where(key: Key, places: list[tuple[str, dict[Key, int]]]) -> str:
    """File, line and dotted key; keys in no file came from the command line."""
    name = ".".join(str(part) for part in key)
    for path, lines in places:
        if key in lines:
            return f"{_short(path)}, line {lines[key]}, {name}"
    for length in range(len(key) - 1, 0, -1):
        for path, lines in places:
            if key[:length] in lines:
                return f"{_short(path)}, line {lines[key[:length]]}, {name}"
    return f"command line or config, {name}"


def _short(path: str) -> str:
    relative = Path(path).resolve()
    return str(relative.relative_to(Path.cwd())) if relative.is_relative_to(Path.cwd()) else path


def nearest(name: str, allowed: list[str]) -> str:
    """ "; did you mean X?" where X is near enough, else ""."""
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _explain(error: Any, raw: dict) -> tuple[Key, str]:
    """(key, message) of one pydantic error."""
    # A union adds the name of the tried branch to the location: keep what is in the config.
    key = _real_key(error["loc"], raw)
    value = error["input"]
    if error["type"] == "extra_forbidden":
        allowed = sorted(_fields(error["loc"][:-1]))
        return key, (
            f"there is no such key{nearest(str(key[-1]), allowed)} Allowed here: "
            + ", ".join(allowed)
        )
    if error["type"] == "missing":
        return tuple(error["loc"]), "is missing, and has no default"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    text = f"{value!r} is not allowed: {message}"
    if error["type"] == "literal_error":
        text += nearest(str(value), re.findall(r"'([^']+)'", message))
    return key, text


def _real_key(location: Key, raw: Any) -> Key:
    key: list[str | int] = []
    for part in location:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            if part == location[-1] and isinstance(raw, dict):
                key.append(part)
            break
        key.append(part)
    return tuple(key)


def _fields(location: Key) -> list[str]:
    """The keys allowed in the section at a location."""
    section: type[BaseModel] = Study
    for part in location:
        if isinstance(part, int):
            continue
        found = _sections(section.model_fields[part].annotation)
        section = found[0]
    return list(section.model_fields)


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _sections(part)]


def _contradictions(
    study: Study, traits: list[str], prompts: dict[str, int] | None
) -> Iterator[tuple[Key, str]]:
    """What no single key shows: names that do not exist, doses beyond the rows, and so on."""
    for i, trait in enumerate(study.traits):
        if trait not in traits:
            yield ("traits", i), (
                f"{trait!r} is not a trait{nearest(trait, traits)} There are: {', '.join(traits)}"
            )
    yield from _models(study)
    objectives = {SETTINGS[setting][0] for setting in study.settings}
    for objective in sorted(objectives):
        yield from _doses(study, objective)
        if prompts:
            yield from _prompt_pool(study, objective, prompts[PROMPT_KIND[objective]])


def _models(study: Study) -> Iterator[tuple[Key, str]]:
    names = [model.name for model in study.models]
    for i, model in enumerate(study.models):
        if names.index(model.name) != i:
            yield ("models", i, "name"), f"{model.name!r} is the name of another model too"
        yield from _location(("models", i), model.path, model.revision, ("instruct", "base"))
    yield from _location(("judge",), study.judge.path, study.judge.revision, ("judge",))
    for i, setting in enumerate(study.settings):
        kind = MODEL_KIND[SETTINGS[setting][0]]
        if not any(model.kind == kind for model in study.models):
            yield ("settings", i), f"{setting!r} needs a model of kind {kind}; models lists none"


def _location(
    key: Key, path: str, revision: str | None, world: tuple[str, ...]
) -> Iterator[tuple[Key, str]]:
    if path.startswith("world/"):
        allowed = [f"world/{name}" for name in world]
        if path not in allowed:
            yield (*key, "path"), f"{path!r} is not allowed: must be {' or '.join(allowed)}"
    elif not Path(path).is_dir():
        if not HUB_NAME.match(path):
            yield (*key, "path"), f"{path!r} is neither a folder nor a hub name (owner/name)"
        elif revision is None:
            yield (*key, "revision"), f"{path!r} is a hub name: pin its revision (a commit)"


def _doses(study: Study, objective: str) -> Iterator[tuple[Key, str]]:
    cells, rows = study.objective_config(objective).cells, study.seed_rows
    limit = f"seed_rows is {rows}: raise it, or take fewer"
    if objective == "dpo":
        if cells.n_seed > rows:
            yield ("dpo", "cells", "n_seed"), f"{cells.n_seed} is beyond the rows there are; {limit}"
        return
    if bool(cells.levels) == bool(cells.n_seed):
        yield (objective, "cells"), "give either levels (calibrated) or n_seed, not both or neither"
    for i, n_seed in enumerate(cells.n_seed):
        if n_seed > rows:
            yield (objective, "cells", "n_seed", i), f"{n_seed} is beyond the rows there are; {limit}"
    if cells.levels:
        top, step = study.calibration.n_seed_max, study.calibration.step
        if top > rows:
            yield ("calibration", "n_seed_max"), f"{top} is beyond the rows there are; {limit}"
        if top < step:
            yield ("calibration", "n_seed_max"), (
                f"{top} is under calibration.step ({step}): no level can be calibrated"
            )


def _prompt_pool(study: Study, objective: str, there_are: int) -> Iterator[tuple[Key, str]]:
    cells = study.objective_config(objective).cells
    name = "pairs" if objective == "dpo" else "n_sampled"
    most = max(getattr(cells, name))
    needed = study.evaluation.questions + study.seed_rows + study.cycles * most
    if needed > there_are:
        yield (objective, "cells", name), (
            f"{most} a cycle for {study.cycles} cycles, with {study.seed_rows} seed rows and "
            f"{study.evaluation.questions} questions, needs {needed} prompts; there are {there_are}"
        )
