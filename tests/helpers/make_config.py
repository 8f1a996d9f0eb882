"""Configs for tests: base.yaml, with what a test changes; the default study where it is meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from idempotence.config.layers import effective_config, merged
from idempotence.config.load import load_study
from idempotence.config.reference import json_schema, section_of
from idempotence.config.study import Study
from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.texts.supply import Supply

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = ROOT / "config.yaml"
TRAITS = ["bliss", "lucky", "sycophancy", "nvidia"]
BASE_FILE = Path(__file__).with_name("base.yaml")


def content_of(path: str | Path) -> Any:
    return parse_yaml(Path(path).read_text(encoding="utf-8"))


BASE, DEFAULT_STUDY = content_of(BASE_FILE), content_of(DEFAULT)


def nested(key: str, value: Any) -> dict:
    """ "a.b", 1 -> {"a": {"b": 1}}."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def at(raw: Any, key: str) -> Any:
    for part in key.split("."):
        raw = raw[part]
    return raw


def with_recipes(own: dict) -> dict:
    """The base's settings with changes to some of their recipes, or further settings."""
    return {"settings": {**{name: {} for name in BASE["settings"]}, **own}}


def effective(
    over: dict | None = None, files: Sequence[str | Path] = (), base: Path = BASE_FILE
) -> dict:
    """The config of a study as Snakemake's process sees it.

    base, then files, then `over` as by --config. base: DEFAULT for what is about the default study
    or about files that are shipped to be laid over it.
    """
    config = {BASE_FILE: BASE, DEFAULT: DEFAULT_STUDY}[base]
    for file in files:
        config = merged(config, content_of(file))
    return effective_config(merged(config, over or {}), [str(base), *map(str, files)], over)


def load(
    over: dict | None = None,
    files: Sequence[str | Path] = (),
    base: Path = BASE_FILE,
    **more: Any,
) -> Study:
    """The study of `effective`. more: fields of `Supply` beside the traits `TRAITS`."""
    sources = [str(base), *map(str, files)]
    return load_study(effective(over, files, base), sources, Supply(TRAITS, **more))


def complaint(over: dict | None = None, files: Sequence[str | Path] = (), **more: Any) -> str:
    """The message of a config that `load` refuses."""
    with pytest.raises(UserError) as caught:
        load(over, files, **more)
    return str(caught.value)


def _sections(schema: dict[str, Any], place: str = "") -> dict[str, list[str]]:
    """Dotted section -> its keys. Recipes stand as that of sft; lists of sections are left out."""
    places = {place: list(schema["properties"])}
    for key, inner in schema["properties"].items():
        here = f"{place}.{key}".lstrip(".")
        if "patternProperties" in inner:
            (inner,) = inner["patternProperties"].values()
            here += ".sft"
        section = section_of(inner)
        if "properties" in section and (inner.get("default", {}) is not None or ".sft" in here):
            places |= _sections(section, here)
    return places


def _given(place: str) -> Any:
    """The default study's section at a place, or nothing; a recipe's keys count as given."""
    if place.startswith("settings."):
        return SECTIONS[place]
    try:
        return at(DEFAULT_STUDY, place) if place else DEFAULT_STUDY
    except KeyError:
        return {}


SECTIONS = _sections(json_schema())
LEAVES = [
    f"{place}.{key}".lstrip(".")
    for place, keys in SECTIONS.items()
    for key in keys
    if f"{place}.{key}".lstrip(".") not in SECTIONS and (not place or key in _given(place))
]
