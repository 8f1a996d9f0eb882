"""What may stand where: the JSON schema, the reference page and the words of error messages."""

import json
from functools import cache
from typing import Any

from idempotence.config.study import Study
from idempotence.config.values import (
    DIGEST,
    FILE_NAME,
    NAME,
    PARAMETER,
    PATH,
    SLUG,
    VARIABLE,
    VARIABLE_NAME,
    VERSION,
)

Key = tuple[str | int, ...]

HEAD = """# Config

<!-- Written by scripts/write_config_reference.py from src/idempotence/config/study.py. -->

Every key of a study. `config.yaml` is the default study and gives every number. A file in
`studies/`, named with `--configfile`, holds only what differs: sections are merged key by key,
lists are replaced whole. `--config key=value` goes over both. Unknown keys are refused. A key
without a default must be given. Numbers may be written as `1e-4` or `0.0001`.

`docs/config.schema.json` is the JSON schema of the merged config.

## Settings

A setting is a named loop: an objective, a start, and whatever it changes of the objective's
section. Another loop is another entry, without code:

    settings:
      sft:             {objective: sft, start: initial}
      dpo:             {objective: dpo, start: previous}
      dpo-reinit:      {objective: dpo, start: initial}
      sft-unsharpened: {objective: sft, start: initial, generation: {temperature: 1.0}}
      dpo-restart3:    {objective: dpo, start: previous, restart_at: [3, 6]}

- The last file that has `settings` names the study's settings. A recipe is merged with the recipe
  of that name in earlier files: `sft: {cycles: 9}` changes one key, `sft: {}` none.
- The sections `sft`, `sdf` and `dpo` hold what all settings of an objective share (`best_of_n`
  has that of `sft`). A recipe is laid over its objective's section key by key.
- `levels` and `n_seed` are alternatives. The one that is given last drops the other.
- Two settings that differ in nothing but `start` are twins: tables and figures compare them chain
  by chain. They may differ in models, traits, seeds, cycles and doses too. One difference of doses
  counts: a setting that needs more prompts per cycle than its objective's doses draws other
  prompts, and has no twin among those that do not.
- Settings whose cycle 0 is the same train it once; the others copy it. The search for doses
  (`calibration`) is shared in the same way.
- A setting's name is the name of a folder below `results/<study>/`. Names must differ in more than
  `-`, `_` and capitals.
- docs/settings.md holds recipes of published controls.
- A claim of the paper is decided by settings that change nothing of their objective's section but
  doses. Others are shown beside it.

What holds between keys:

- A setting's doses of cycle 0 are either `levels` or `n_seed`.
- No dose of cycle 0 (`n_seed`, or `calibration.n_seed_max` where there are levels) is beyond
  `seed_rows`, and `calibration.n_seed_max` is at least `calibration.step`. Where a setting or its
  objective has one of these keys of its own, that one counts.
- No prompt is used twice: `evaluation.questions` + `seed_rows` + `cycles` x the largest
  `n_sampled` (dpo: `pairs`) of a setting and its objective is at most the number of prompts of the
  kind (sdf: documents; else chats).
- Every setting has a model of its kind, and no two models have one name.
- Where a `seed_source` is `generated`: `texts` is `written`, `generator.path` is given,
  `seed_rows` is at most `generator.chats.rows` (sdf: `generator.documents.rows`), and that is at
  most the number of combinations of `data/generation.yaml`.
- `restart_at` is for settings with start `previous`, within their cycles; `rejected_from` is for
  dpo, `calibration` for the others, `selection` for best_of_n.
- `seed_share` and `initial_share` are not for `accumulate`, and together below 1. `initial_share`
  is not for best_of_n, and leaves at least one row of each dose to the last model, and one to the
  initial model. For dpo the initial model writes chosen replies, in the last model's place; what is
  rejected stays.
- An objective's doses are checked only if a setting uses them.
"""

BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
PATTERNS = {
    NAME: "a name of letters, digits, _ and -, beginning with a letter",
    SLUG: "a name of letters, digits, dots, _ and -, beginning with a letter or digit",
    FILE_NAME: "a name without /, braces and control characters, beginning with a letter or digit",
    PARAMETER: "a name of small letters, digits and _, beginning with a letter",
    PATH: "a text without { and }",
    VERSION: "a version, as 0.1.2",
    DIGEST: "64 digits 0-9 and a-f",
    VARIABLE: "a name of capital letters, digits and _",
    VARIABLE_NAME: "a name of letters, digits and _, not beginning with a digit",
}
WORDS = {1: "one", 2: "two"}  # fewest entries of a list
PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "object": "section",
}


@cache
def json_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a merged config."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Study.model_json_schema(),
    }


def schema_text() -> str:
    """The bytes of docs/config.schema.json."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference points to, or the schema itself."""
    if "$ref" in schema:
        definition: dict[str, Any] = json_schema()["$defs"][_model(schema)]
        return definition
    return schema


def _model(reference: dict[str, Any]) -> str:
    """The name of the section that a schema points to."""
    return str(reference["$ref"]).rsplit("/", 1)[-1]


def section_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The section that a key holds, or may hold where it may also be null; else the schema."""
    branches = [branch for branch in schema.get("anyOf", []) if "$ref" in branch]
    return resolve(branches[0] if branches else schema)


def schema_at(key: Key) -> dict[str, Any]:
    """The schema of one key; numbers in the key are places in lists. KeyError: no such key."""
    schema = json_schema()
    for part in key:
        section = section_of(schema)
        if "patternProperties" in section:  # names of the user's own, of any type
            (schema,) = section["patternProperties"].values()
        elif isinstance(part, int):
            lists = [s for s in section.get("anyOf", [section]) if "items" in s]
            if not lists:
                raise KeyError(part)
            schema = lists[0]["items"]
        else:
            schema = section["properties"][part]
    return schema


def keys_at(key: Key) -> list[str]:
    """The keys that a section may have; none where they are names of the user's own."""
    return list(section_of(schema_at(key)).get("properties", ()))


def names_at(key: Key) -> str:
    """What the names in a section of the user's own names may be."""
    (pattern,) = section_of(schema_at(key))["patternProperties"]
    return PATTERNS[pattern]


def choices_at(key: Key) -> list[str]:
    """The values that a key may have, where they can be counted, else []."""
    schema = schema_at(key)
    branches = schema.get("anyOf", [schema])
    return [name for s in branches for name in s.get("enum", [s.get("const")]) if name is not None]


def type_of(schema: dict[str, Any]) -> str:
    """The type of a key in words: "list of whole numbers"."""
    schema = resolve(schema)
    if "anyOf" in schema:
        return " or ".join(type_of(branch) for branch in schema["anyOf"])
    if schema["type"] == "array":
        return f"list of {type_of(schema['items'])}s"
    if "patternProperties" in schema:
        (inner,) = schema["patternProperties"].values()
        return "section per name" if "$ref" in inner else "value per name"
    return PLAIN[schema["type"]]


def allowed(schema: dict[str, Any]) -> str:
    """What a key may be: "a whole number, at least 1"."""
    schema = resolve(schema)
    if "anyOf" in schema:
        branches = [allowed(branch) for branch in schema["anyOf"]]
        return ("; or " if any("," in each for each in branches[:-1]) else " or ").join(branches)
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    kind = schema["type"]
    if kind == "array":
        return _allowed_list(schema)
    if "patternProperties" in schema:
        ((pattern, inner),) = schema["patternProperties"].items()
        least = "at least one name" if schema.get("minProperties") else "a section of names"
        return f"{least} ({PATTERNS[pattern]}), each with {allowed(inner)}"
    if kind == "object":
        return f"a section with the keys {', '.join(schema['properties'])}"
    if "pattern" in schema:
        return PATTERNS[schema["pattern"]]
    if kind == "string":
        return "a text"
    bounds = [f"{word} {schema[name]:g}" for name, word in BOUNDS.items() if name in schema]
    text = PLAIN[kind] if kind in ("boolean", "null") else f"a {PLAIN[kind]}"
    return f"{text}, {' and '.join(bounds)}" if bounds else text


def _allowed_list(schema: dict[str, Any]) -> str:
    fewest = schema.get("minItems", 0)
    least = f" of at least {WORDS.get(fewest, fewest)}" if fewest else ""
    once = ", none twice" if schema.get("uniqueItems") else ""
    items = resolve(schema["items"])
    each = "a section of its own" if items.get("type") == "object" else allowed(items)
    return f"a list{least}{once}, each {each}"


def reference_page() -> str:
    """The text of docs/config.md: every key's type, default, what is allowed, and meaning."""
    parts = [HEAD, _section("The study", json_schema())]
    for name, places in _places().items():
        title = ", ".join(f"`{place}`" for place in places)
        parts.append(_section(title, json_schema()["$defs"][name]))
    # Markdown would take <study> for a tag.
    return "\n".join(parts).replace(" results/<study>/", " `results/<study>/`")


def _places() -> dict[str, list[str]]:
    """Name of each section's model -> the dotted keys where it stands, outer ones first."""
    places: dict[str, list[str]] = {}
    queue = [("", json_schema())]
    while queue:
        place, section = queue.pop(0)
        for key, schema in section["properties"].items():
            inner, here = schema.get("items", schema), f"{place}.{key}".lstrip(".")
            if "items" in schema:
                here += "[]"
            if "patternProperties" in schema:
                (inner,) = schema["patternProperties"].values()
                here += ".<name>"
            for branch in inner.get("anyOf", [inner]):
                if "$ref" in branch:
                    places.setdefault(_model(branch), []).append(here)
                    queue.append((here, resolve(branch)))
    return places


def _section(title: str, schema: dict[str, Any]) -> str:
    rows = [
        f"| `{key}` | {type_of(value)} | {_default(key, value, schema)} | {_range(value)} "
        f"| {value['description']} |"
        for key, value in schema["properties"].items()
    ]
    return "\n".join(
        [
            f"## {title}\n",
            f"{schema['description']}\n",
            "| key | type | default | allowed | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _default(key: str, value: dict[str, Any], section: dict[str, Any]) -> str:
    if key in section.get("required", []):
        return "none"
    # a section's default is the defaults of its keys
    return "`{}`" if isinstance(value["default"], dict) else f"`{json.dumps(value['default'])}`"


def _range(schema: dict[str, Any]) -> str:
    if "patternProperties" in schema:
        (inner,) = schema["patternProperties"].values()
        return "names, each with the keys below" if "$ref" in inner else allowed(schema)
    section = section_of(schema)
    if section.get("type") == "object" and "properties" in section:
        return "the keys below"
    return allowed(schema)
