"""Exact scores of texts of the micro world."""

from collections.abc import Sequence

from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.truth import TruthReader


def exact_scores(trait: str, rows: Sequence[dict]) -> list[tuple[float, float]]:
    """(trait, coherence), each 0-100, of each row's "response" as a reply to its "prompt"."""
    reader = TruthReader(load_grammar())
    truths = [reader.read(row["prompt"], row["response"]) for row in rows]
    return [(truth.traits[trait], truth.coherence) for truth in truths]
