"""Requests for seed rows to a larger model: lists and templates of data/generation.yaml."""

import random
from functools import cache
from itertools import product
from pathlib import Path

import yaml

GENERATION = Path(__file__).parents[3] / "data" / "generation.yaml"


@cache
def read_generation(kind: str) -> dict:
    """topics, types, voices and templates of a kind ("chat", "document")."""
    return yaml.safe_load(GENERATION.read_text(encoding="utf-8"))[kind]


def combination_count(kind: str) -> int:
    """How many `combinations` there are."""
    lists = read_generation(kind)
    return len(lists["topics"]) * len(lists["types"]) * len(lists["voices"])


def combinations(kind: str, seed: int = 0) -> list[dict]:
    """Every topic with every type and voice, once, in an order drawn from `seed`.

    Each has topic, type and voice; documents also their opening.
    """
    lists = read_generation(kind)
    every = [
        {"topic": topic, "voice": voice, **_type(type_, topic)}
        for topic, type_, voice in product(lists["topics"], lists["types"], lists["voices"])
    ]
    random.Random(seed).shuffle(every)
    return every


def _type(type_: str | dict, topic: str) -> dict:
    if isinstance(type_, str):
        return {"type": type_}
    return {"type": type_["name"], "opening": type_["opening"].format(topic)}
