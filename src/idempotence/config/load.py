"""From a merged config to a valid study, or to one message that names every mistake."""

import reprlib
from typing import Any

from pydantic import ValidationError

from idempotence.config.checks.audit import audit_mistakes
from idempotence.config.checks.known import Known, as_far_as_clear, nearest
from idempotence.config.checks.study import contradictions
from idempotence.config.layers import Content
from idempotence.config.old_form import is_old, new_form
from idempotence.config.places import Key, Places
from idempotence.config.reference import allowed, choices_at, keys_at, names_at, schema_at
from idempotence.config.study import Study
from idempotence.config.yaml_files import in_short
from idempotence.errors import UserError
from idempotence.texts.supply import Supply


def load_study(config: Content, source: list[str], supply: Supply) -> Study:
    """The study of a config.

    config: as `layers.effective_config` returns it. source: the YAML files it came from, the last
    one winning; used to say where a mistake is. supply: the traits and how many texts there are.
    Raises `UserError` with every mistake: file, line, key, value, what is allowed, nearest name.
    """
    places = Places(config, source)
    if is_old(config):
        raise UserError(_old_form(config, places))
    errors: list[Any] = []
    study = None
    try:
        study = Study.model_validate(config)
    except ValidationError as error:
        errors = _without_details_of_wrong_names(error.errors(include_url=False))
    keyed = [(_key(error, config), error) for error in errors]
    # a list with a repeated item still holds its names and doses
    broken = [key for key, error in keyed if error["type"] != "repeats"]
    mistakes = [(key, _explain(key, error, config, places)) for key, error in keyed]
    known = Known(config, broken)
    mistakes += [*contradictions(known, supply), *as_far_as_clear(audit_mistakes(known))]
    if study is None or mistakes or places.repeated:
        raise UserError(_message(mistakes, places))
    return study


def _old_form(config: Content, places: Places) -> str:
    """What to write instead of a list of settings, or of per_setting."""
    key: Key = ("per_setting",) if "per_setting" in config else ("settings",)
    return (
        f"{places.of(key)}: is a form of earlier versions; nothing was run. `settings` is now a "
        "mapping of names to recipes, and what per_setting held stands in the recipe "
        f"(docs/settings.md). This config in the new form:\n\n{new_form(config)}"
    )


def _message(mistakes: list[tuple[Key, str]], places: Places) -> str:
    lines: dict[Key, str] = {}
    # Each branch of "a or b" has an error of its own, and settings share keys: one is enough.
    for key, text in mistakes:
        lines.setdefault(key, f"{places.of(key)}: {text}")
    return in_short("mistake", [*lines.values(), *places.repeated])


def _without_details_of_wrong_names(errors: list[Any]) -> list[Any]:
    """The errors but those within a section whose name is no text: to rename it comes first."""
    wrong = [error["loc"][:-1] for error in errors if _is_no_text(error)]
    return [
        error
        for error in errors
        if _is_no_text(error) or not any(error["loc"][: len(loc)] == loc for loc in wrong)
    ]


def _is_no_text(error: Any) -> bool:
    """Whether an error is of a section's name that is not a text."""
    return error["loc"][-1:] == ("[key]",) and not isinstance(error["input"], str)


def _key(error: Any, raw: Any) -> Key:
    """The key of an error. The error's own also names the branch of "a or b" that was tried."""
    if error["loc"][-1:] == ("[key]",):
        return (*error["loc"][:-2], error["input"])
    key: list[str | int] = []
    for part in error["loc"]:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            break
        key.append(part)
    if error["type"] == "missing":
        key = list(error["loc"])
    return tuple(key)


def _quoted(key: Key, value: Any) -> str:
    """A value as a message shows it; not where it may be a secret in the wrong place."""
    return "what is there" if key[-1] in ("key_env", "base_url") else reprlib.repr(value)


def _explain(key: Key, error: Any, raw: Any, places: Places) -> str:
    """What is wrong with one key, and what is allowed."""
    if error["type"] == "extra_forbidden":
        names = keys_at(key[:-1])
        near = nearest(str(key[-1]), names)
        return f"there is no such key{near} Allowed here: {', '.join(names)}"
    if error["type"] == "invalid_key":
        return f"has the key {error['input']!r}, which is not a text"
    if error["loc"][-1:] == ("[key]",):
        return f"{key[-1]!r} is not allowed: it must be {names_at(key[:-1])}"
    may_be = allowed(schema_at(key))
    if error["type"] == "missing":
        return f"is missing, and has no default; it must be {may_be}{_no_recipe(key, places)}"
    value = raw
    for part in key:
        value = value[part]
    if error["type"] == "repeats":
        return f"{_quoted(key, value)} is not allowed: {error['msg']}; it must be {may_be}"
    choices = choices_at(key) if isinstance(value, str) else []
    hint = nearest(value, choices).removesuffix(".") if choices else ""
    return f"{_quoted(key, value)} is not allowed: it must be {may_be}{hint}"


def _no_recipe(key: Key, places: Places) -> str:
    """A hint for a setting's name that is close to one that has a whole recipe."""
    if key[0] != "settings" or key[-1] not in ("objective", "start"):
        return ""
    others = [name for name in places.names("settings") if name != key[1]]
    near = nearest(str(key[1]), others)
    return f". Is the setting's name right{near}" if near != "." else ""
