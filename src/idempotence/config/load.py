"""From a merged config to a valid study, or to one message that names every mistake."""

import reprlib
from typing import Any

from pydantic import ValidationError

from idempotence.config.checks.audit import audit_mistakes
from idempotence.config.checks.known import Known, as_far_as_clear, nearest
from idempotence.config.checks.study import contradictions
from idempotence.config.places import Key, Places
from idempotence.config.reference import allowed, choices_at, keys_at, schema_at
from idempotence.config.study import Study
from idempotence.config.supply import Supply
from idempotence.errors import UserError


def load_study(
    raw: dict,
    source: list[str],
    supply: Supply,
) -> Study:
    """The study of a merged config.

    source: the YAML files it came from, the last one winning; used to say where a mistake is.
    supply: the traits that there are, and how many texts.
    Raises UserError with every mistake: file, line, key, value, what is allowed, nearest name.
    """
    errors: list[Any] = []
    study = None
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    found = [(_key(error, raw), error) for error in errors]
    # A list with a repeated item still says which names and doses are meant.
    broken = [key for key, error in found if error["type"] != "repeats"]
    mistakes = [(key, _explain(key, error, raw)) for key, error in found]
    known = Known(raw, broken)
    mistakes += [*contradictions(known, supply), *as_far_as_clear(audit_mistakes(known))]
    places = Places(raw, source)
    if study is None or mistakes or places.repeated:
        raise UserError(_message(mistakes, places))
    return study


def _message(mistakes: list[tuple[Key, str]], places: Places) -> str:
    lines: dict[Key, str] = {}
    # Each branch of "a or b" has an error of its own, and objectives share keys: one is enough.
    for key, text in mistakes:
        lines.setdefault(key, f"{places.of(key)}: {text}")
    told = [*lines.values(), *places.repeated]
    count = "a mistake" if len(told) == 1 else f"{len(told)} mistakes"
    return f"{count} in the config; nothing was run.\n  " + "\n  ".join(told)


def _key(error: Any, raw: Any) -> Key:
    """The key of an error. The error's own also names the branch of "a or b" that was tried."""
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


def _explain(key: Key, error: Any, raw: Any) -> str:
    """What is wrong with one key, and what is allowed."""
    if error["type"] == "extra_forbidden":
        names = keys_at(key[:-1])
        return f"there is no such key{nearest(str(key[-1]), names)} Allowed here: " + ", ".join(
            names
        )
    if error["type"] == "invalid_key":
        return f"has the key {error['input']!r}, which is not a text"
    may_be = allowed(schema_at(key))
    if error["type"] == "missing":
        return f"is missing, and has no default; it must be {may_be}"
    value = raw
    for part in key:
        value = value[part]
    if error["type"] == "repeats":
        return f"{reprlib.repr(value)} is not allowed: {error['msg']}; it must be {may_be}"
    choices = choices_at(key) if isinstance(value, str) else []
    hint = nearest(value, choices).removesuffix(".") if choices else ""
    return f"{reprlib.repr(value)} is not allowed: it must be {may_be}{hint}"
