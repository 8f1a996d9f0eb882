"""Configs for tests: the default study, with what a test changes."""

import copy
from pathlib import Path

import pytest
import yaml

from idempotence.config.load import load_study
from idempotence.config.reference import json_schema, resolve
from idempotence.config.study import Study
from idempotence.config.supply import Supply
from idempotence.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "config.yaml"
TRAITS = ["bliss", "lucky", "sycophancy", "nvidia"]
BASE = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))


def merged(base: dict, over: dict) -> dict:
    """As Snakemake merges: sections key by key, all else replaced."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else copy.deepcopy(value)
    return result


def nested(key: str, value) -> dict:
    """ "a.b", 1 -> {"a": {"b": 1}}."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def at(raw: dict, key: str):
    for part in key.split("."):
        raw = raw[part]
    return raw


def load(over: dict | None = None, **more) -> Study:
    """more: what else of `Supply` there is than `TRAITS`."""
    return load_study(merged(BASE, over or {}), [str(DEFAULT)], Supply(TRAITS, **more))


def complaint(over: dict, **more) -> str:
    with pytest.raises(UserError) as caught:
        load(over, **more)
    return str(caught.value)


def sections(schema: dict | None = None, place: str = "") -> dict[str, list[str]]:
    """Dotted section -> its keys, from the schema; lists of sections left out."""
    schema = schema or json_schema()
    found = {place: list(schema["properties"])}
    for key, inner in schema["properties"].items():
        if "$ref" in inner:
            found |= sections(resolve(inner), f"{place}.{key}".lstrip("."))
    return found


def given(place: str) -> dict:
    """The default config's section at a place, or nothing."""
    try:
        return at(BASE, place) if place else BASE
    except KeyError:
        return {}


SECTIONS = sections()
LEAVES = [
    f"{place}.{key}".lstrip(".")
    for place, keys in SECTIONS.items()
    for key in keys
    if f"{place}.{key}".lstrip(".") not in SECTIONS and (not place or key in given(place))
]
