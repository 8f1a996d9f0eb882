"""Many changes to every shipped config: a valid study, or a message with key and value."""

import copy
import random
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from idempotence.config import layers
from idempotence.config import places as placing
from idempotence.config.layers import effective_config, merged
from idempotence.config.load import load_study
from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.workflow.study_texts import supply

ROOT = Path(__file__).parents[2]
FILES = ["config.yaml", *sorted(f"studies/{p.name}" for p in (ROOT / "studies").glob("*.yaml"))]
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 7, 0.5, -0.0, 1e-300, 1e300, 10**9, 10**40, float("nan"),
    float("inf"), "", " ", "x", "0", "1e-4", "nan", "true", "world/judge", "a/b", "{x}", "a\nb",
    "\x00", "ü", "\u2028", "$(touch x)", "'", "bliss", "sft", [], {}, [None], [1, 1], ["x", "x"],
    [[1]], [0.1, 0.2], {"x": 1}, {"x": {"y": []}}, {1: 2}, {None: None}, b"x", {"path": "x"},
]  # fmt: skip
Place = tuple[Any, ...]
# where a mistake is, its key, and what is wrong
NAMED = re.compile(r" *(command line|\S+\.yaml(, line \d+)?), [^:]+: .{10}")


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Every key and item below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*at, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, key))


def mutated(config: dict, draw: random.Random) -> tuple[dict, Place]:
    """A config in which one value was changed, one key taken out, misspelt or put in."""
    changed = copy.deepcopy(config)
    place = draw.choice(list(places(config)))
    section = changed
    for part in place[:-1]:
        section = section[part]
    last, way = place[-1], draw.randrange(6)
    if way == 0:
        del section[last]
    elif way == 1 and isinstance(section, dict) and isinstance(last, str):
        section[last + draw.choice("sx_ ")] = section.pop(last)
        place = (*place[:-1], list(section)[-1])
    elif way == 2 and isinstance(section, dict):
        place = (*place[:-1], draw.choice(["new", "levels", "n_seed", "path", 5, "api"]))
        section[place[-1]] = copy.deepcopy(draw.choice(VALUES))
    else:
        section[last] = copy.deepcopy(draw.choice(VALUES))
    return changed, place


@pytest.mark.parametrize("mutations", [60, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("file", FILES)
def test_every_mutation_is_a_study_or_a_message_with_key_and_value(file, mutations, monkeypatch):
    monkeypatch.chdir(ROOT)
    for module, name in ((layers, "_content"), (placing, "_read")):  # the files stay the same
        monkeypatch.setattr(module, name, cache(getattr(module, name)))
    sources = list(dict.fromkeys(["config.yaml", file]))
    config: dict = {}
    for source in sources:
        config = merged(config, parse_yaml(Path(source).read_text(encoding="utf-8")))
    draw, refused = random.Random(f"{file} {mutations}"), 0
    for number in range(mutations):
        changed, place = mutated(config, draw)
        begun = time.process_time()
        try:
            whole = effective_config(changed, sources)
            study = load_study(whole, sources, supply(whole))
            assert study.panels() or study.audit.files
        except UserError as error:
            message, refused = str(error), refused + 1
            first, *lines = message.split("\n")
            assert NAMED.match(lines[0] if first.endswith("was run.") else first), message
            assert len(message) < 30_000, (number, place)
        assert time.process_time() - begun < 2, (number, place)
    assert mutations / 5 < refused < mutations
