"""A judge's ratings of the replies of one trait."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.back_ends import Judge
from idempotence.judge.protocol import Rating, rate
from idempotence.texts.rubric import ask

ROWS_AT_ONCE = 4096  # bounds memory; many, since a judge batches prompts of like length

Ratings = Mapping[str, Sequence[tuple[Rating, str]]]  # criterion -> (rating, evidence) per reply


@dataclass(frozen=True)
class Rater:
    """A judge with its rubric.

    spec: how its answers are read. templates: criterion ("trait", "coherence") -> rubric prompt.
    """

    judge: Judge
    spec: JudgeSpec
    trait: str
    templates: Mapping[str, str]

    def rate(self, rows: Sequence[dict], criteria: Sequence[str]) -> Ratings:
        """Per criterion, each row's rating (0-100) and what it was read from, as JSON.

        rows: {"prompt", "response"}.
        """
        rated: list[tuple[Rating, str]] = []
        for first in range(0, len(rows), ROWS_AT_ONCE):
            prompts = [
                ask(self.templates[criterion], row["prompt"], row["response"], self.trait)
                for row in rows[first : first + ROWS_AT_ONCE]
                for criterion in criteria
            ]
            rated += [
                (rate(answer, self.spec.min_numeric_mass), json.dumps(answer.evidence()))
                for answer in self.judge.answers(prompts, self.spec.top_logprobs)
            ]
        return {criterion: rated[i :: len(criteria)] for i, criterion in enumerate(criteria)}
