"""Configs of earlier versions: a list of settings, and a section per_setting. What they are now."""

from typing import Any

import yaml

from idempotence.config.checks.known import nearest
from idempotence.config.layers import Content, merged

# the names that a list could hold
PUBLISHED = {
    "sft": {"objective": "sft", "start": "initial"},
    "sft-continual": {"objective": "sft", "start": "previous"},
    "sdf": {"objective": "sdf", "start": "initial"},
    "sdf-continual": {"objective": "sdf", "start": "previous"},
    "dpo": {"objective": "dpo", "start": "previous"},
    "dpo-reinit": {"objective": "dpo", "start": "initial"},
}
DOSES = ("levels", "n_seed", "n_sampled", "beta", "pairs")


def is_old(raw: Content) -> bool:
    """Whether a config is written for an earlier version."""
    return "per_setting" in raw or isinstance(raw.get("settings"), list)


def new_form(raw: Content) -> str:
    """The section `settings` that means what a config of an earlier version meant, as YAML."""
    named = raw.get("settings")
    recipes: Content = {}
    if isinstance(named, dict):
        recipes = {str(name): recipe for name, recipe in named.items()}
    elif isinstance(named, list):
        recipes = {str(name): PUBLISHED.get(str(name)) for name in named}
    own = raw.get("per_setting")
    for name, keys in own.items() if isinstance(own, dict) else ():
        if isinstance(recipes.get(name), dict) and isinstance(keys, dict):
            recipes[name] = merged(recipes[name], _recipe_keys(keys))
    return "\n".join(["settings:", *(_line(name, recipe) for name, recipe in recipes.items())])


def _recipe_keys(keys: Content) -> Content:
    """Keys of a per_setting entry where they stand in a recipe; an empty list meant the study's."""
    given = {key: value for key, value in keys.items() if value not in ([], None)}
    cells = {key: value for key, value in given.items() if key in DOSES}
    rest = {key: value for key, value in given.items() if key not in DOSES}
    return {**rest, **({"cells": cells} if cells else {})}


def _line(name: str, recipe: Any) -> str:
    if not isinstance(recipe, dict):
        return f"  # {name!r} was no setting{nearest(name, list(PUBLISHED)).removesuffix('.')}"
    entry = {name: _plain(recipe)}
    text = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=float("inf"))
    return "  " + text.strip()[1:-1]


def _plain(value: Any) -> Any:
    """Mappings and lists of any class as YAML can write them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
