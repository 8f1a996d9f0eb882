"""One config out of its layers: config.yaml, the files of --configfile, the command line.

Sections are merged key by key and lists are replaced whole, as Snakemake does. Two rules are added:

- `settings`: the last layer that has it names the study's settings; each recipe is still merged
  with the recipe of that name in the layers before.
- `levels` and `n_seed` are alternatives: the one that is given last drops the other.
"""

import copy
from pathlib import Path
from typing import Any

import yaml

from idempotence.io import parse_yaml
from idempotence.objectives import OBJECTIVES

Content = dict[str, Any]
SETTINGS = "settings"
ALTERNATIVES = ("levels", "n_seed")
SUPERVISED = [each for each in OBJECTIVES.values() if not each.pairs]  # these have both


def effective_config(
    config: Content, paths: list[str], command_line: Content | None = None
) -> Content:
    """The config of a study.

    config: as Snakemake merged it. paths: the YAML files it came from, the last one winning; those
    that cannot be read count as empty. command_line: what --config gave; without it, what the
    config has beyond its files. A config that lacks a key of the files comes from a workflow that
    uses this one as a module, not from the files: it is one layer over the first of them.
    """
    files = [_content(path) for path in paths]
    by_snakemake: Content = {}
    for content in files:
        by_snakemake = merged(by_snakemake, content)
    whole = copy.deepcopy(config)
    if _holds(whole, by_snakemake):
        layers = [*files, merged(dict(command_line or {}), _difference(whole, by_snakemake))]
    else:
        layers = [*files[:1], whole]
        whole = merged(layers[0], whole)
    names: list[str] = []
    if isinstance(whole.get(SETTINGS), dict):
        names = _setting_names(layers)
        whole[SETTINGS] = {name: _recipe(name, layers) for name in names}
    _drop_older_alternatives(whole, layers, names)
    return whole


def merged(base: Any, over: Any) -> Any:
    """`over` laid on `base` as Snakemake does it: mappings key by key, all else replaced.

    An empty mapping replaces nothing.
    """
    if not isinstance(over, dict):
        return copy.deepcopy(over)
    if not over:
        return copy.deepcopy(base)
    result = copy.deepcopy(base) if isinstance(base, dict) else {}
    for key, value in over.items():
        result[key] = merged(result.get(key, {}), value)
    return result


def _content(path: str) -> Content:
    try:
        content = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _holds(whole: Any, part: Content) -> bool:
    """Whether `whole` has every key of `part`; a section may have been replaced by a value."""
    return not isinstance(whole, dict) or all(
        key in whole and (not isinstance(value, dict) or _holds(whole[key], value))
        for key, value in part.items()
    )


def _difference(whole: Content, base: Content) -> Content:
    """What `whole` has and `base` has not, or has otherwise."""
    rest: Content = {}
    for key, value in whole.items():
        if key not in base:
            rest[key] = value
        elif isinstance(value, dict) and isinstance(base[key], dict):
            inner = _difference(value, base[key])
            if inner:
                rest[key] = inner
        # repr: nan is not equal to itself, and True is equal to 1
        elif type(value) is not type(base[key]) or repr(value) != repr(base[key]):
            rest[key] = value
    return rest


def _setting_names(layers: list[Content]) -> list[str]:
    """The names in the last layer that has settings."""
    for layer in reversed(layers):
        if isinstance(layer.get(SETTINGS), dict):
            return list(layer[SETTINGS])
    return []


def _recipe(name: str, layers: list[Content]) -> Any:
    """A setting's recipe out of all layers; one without a value keeps that of the layers before."""
    recipe: Any = {}
    for layer in layers:
        own = layer.get(SETTINGS)
        if isinstance(own, dict) and own.get(name) is not None:
            recipe = merged(recipe, own[name])
    return recipe


def _drop_older_alternatives(whole: Content, layers: list[Content], names: list[str]) -> None:
    """In every section of doses, drop the alternative that only earlier layers give."""
    for section in {each.section for each in SUPERVISED}:
        _drop_older(whole, layers, (section, "cells"))
    for name in names:
        if _at(whole, (SETTINGS, name, "objective")) in [each.name for each in SUPERVISED]:
            _drop_older(whole, layers, (SETTINGS, name, "cells"))


def _drop_older(whole: Content, layers: list[Content], place: tuple[str, ...]) -> None:
    cells = _at(whole, place)
    if not isinstance(cells, dict) or not all(cells.get(name) for name in ALTERNATIVES):
        return
    last = {
        name: max((i for i, layer in enumerate(layers) if _at(layer, (*place, name))), default=-1)
        for name in ALTERNATIVES
    }
    older, newer = sorted(ALTERNATIVES, key=lambda name: last[name])
    if last[older] < last[newer]:
        del cells[older]


def _at(content: Any, key: tuple[str, ...]) -> Any:
    """The value at a key, None where there is none."""
    for part in key:
        if not isinstance(content, dict) or part not in content:
            return None
        content = content[part]
    return content
