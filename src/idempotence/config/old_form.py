"""Configs of earlier versions: a list of settings, and a section per_setting. What they are now."""

from typing import Any

import yaml

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


def is_old(raw: dict) -> bool:
    """Whether a config is written for an earlier version."""
    return "per_setting" in raw or isinstance(raw.get("settings"), list)


def new_form(raw: dict) -> str:
    """The section `settings` that says what a config of an earlier version said, as YAML."""
    named = raw.get("settings")
    if isinstance(named, dict):
        recipes = {str(name): dict(recipe or {}) for name, recipe in named.items()}
    else:
        recipes = {str(name): dict(PUBLISHED.get(str(name), {})) for name in named or []}
    own = raw.get("per_setting")
    for name, keys in (own if isinstance(own, dict) else {}).items():
        if name in recipes and isinstance(keys, dict):
            recipes[name] |= _recipe_keys(keys)
    lines = [_line(name, recipe) for name, recipe in recipes.items()]
    return "\n".join(["settings:", *lines])


def _recipe_keys(keys: dict) -> dict:
    """Keys of a per_setting entry where they stand in a recipe."""
    cells = {key: value for key, value in keys.items() if key in DOSES}
    rest = {key: value for key, value in keys.items() if key not in DOSES}
    return {**rest, **({"cells": cells} if cells else {})}


def _line(name: str, recipe: dict[str, Any]) -> str:
    if not recipe:
        return f"  {name}: {{objective: ..., start: ...}}  # no setting of earlier versions"
    text = yaml.safe_dump(recipe, default_flow_style=True, sort_keys=False, width=10_000)
    return f"  {name}: {text.strip()}"
