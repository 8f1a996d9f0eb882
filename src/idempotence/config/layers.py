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

SETTINGS = "settings"
ALTERNATIVES = ("levels", "n_seed")
SUPERVISED = ("sft", "sdf")


def effective_config(config: dict, paths: list[str]) -> dict:
    """The config of a study.

    config: as Snakemake merged it. paths: the YAML files it came from, the last one winning; what
    they do not hold came by the command line. Files that cannot be read count as empty.
    """
    files = [_content(path) for path in paths]
    by_snakemake: dict = {}
    for content in files:
        by_snakemake = merged(by_snakemake, content)
    layers = [*files, _difference(config, by_snakemake)]
    whole = copy.deepcopy(config)
    names = _setting_names(layers)
    if names is not None and isinstance(whole.get(SETTINGS), dict):
        whole[SETTINGS] = {name: _recipe(name, layers) for name in names}
    for place in [*SUPERVISED, *((SETTINGS, name) for name in names or [])]:
        key = (place,) if isinstance(place, str) else place
        _drop_older_alternative(whole, layers, (*key, "cells"))
    return whole


def merged(base: Any, over: Any) -> Any:
    """`over` laid on `base`: mappings key by key, all else replaced."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return copy.deepcopy(over)
    result = copy.deepcopy(base)
    for key, value in over.items():
        result[key] = merged(result[key], value) if key in result else copy.deepcopy(value)
    return result


def at(content: Any, key: tuple) -> Any:
    """The value at a key, None where there is none."""
    for part in key:
        if not isinstance(content, dict) or part not in content:
            return None
        content = content[part]
    return content


def _content(path: str) -> dict:
    try:
        content = parse_yaml(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _difference(whole: dict, base: dict) -> dict:
    """What `whole` has and `base` has not, or has otherwise."""
    rest: dict = {}
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


def _setting_names(layers: list[dict]) -> list[str] | None:
    """The names in the last layer that has settings; None where none has."""
    for layer in reversed(layers):
        if isinstance(layer.get(SETTINGS), dict):
            return list(layer[SETTINGS])
    return None


def _recipe(name: str, layers: list[dict]) -> Any:
    """A setting's recipe out of all layers; one without a value keeps what the layers before say."""
    recipe: Any = {}
    for layer in layers:
        own = layer.get(SETTINGS)
        if isinstance(own, dict) and own.get(name) is not None:
            recipe = merged(recipe, own[name])
    return recipe


def _drop_older_alternative(whole: dict, layers: list[dict], place: tuple) -> None:
    """Empty the one of two alternatives that only an earlier layer gives."""
    cells = at(whole, place)
    if not isinstance(cells, dict) or not all(cells.get(name) for name in ALTERNATIVES):
        return
    last = {
        name: max((i for i, layer in enumerate(layers) if at(layer, (*place, name))), default=-1)
        for name in ALTERNATIVES
    }
    older, newer = sorted(ALTERNATIVES, key=lambda name: last[name])
    if last[older] < last[newer]:
        del cells[older]
