"""A judge's ratings of the replies of one trait."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.back_ends import Judge
from idempotence.judge.protocol import Answer, Rating, rate
from idempotence.texts.rubric import ask
from idempotence.texts.sentences import sentences

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
        rated: dict[str, list[tuple[Rating, str]]] = {criterion: [] for criterion in criteria}
        for first in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[first : first + ROWS_AT_ONCE]
            asked = self._in_order([(i, c) for i in range(len(part)) for c in criteria])
            texts = {key: self._texts(part[key[0]], key[1]) for key in asked}
            prompts = [ask(self.templates[key[1]], part[key[0]]["prompt"], text, self.trait)
                       for key in asked for text in texts[key]]  # fmt: skip
            answers = iter(self.judge.answers(prompts, self.spec.top_logprobs))
            answered = {key: [next(answers) for _ in texts[key]] for key in asked}
            for criterion in criteria:
                rated[criterion] += [
                    self._rating(answered[i, criterion], criterion) for i in range(len(part))
                ]
        return rated

    def _in_order(self, keys: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """Prompts that share their beginning side by side, since a judge reads it once: those of
        one criterion, unless its rubric begins with the text that is judged."""
        if all(template.startswith("{prompt}") for template in self.templates.values()):
            return keys
        return sorted(keys, key=lambda key: key[1])  # stable

    def _texts(self, row: dict, criterion: str) -> list[str]:
        """What is rated of a row: its text, or each of its sentences."""
        response: str = row["response"]
        if criterion not in self.spec.by_sentence:
            return [response]
        return sentences(response) or [response]

    def _rating(self, answers: Sequence[Answer], criterion: str) -> tuple[Rating, str]:
        """Of one row: that of its text, or the mean over its sentences that have one."""
        ratings = [rate(answer, self.spec.min_numeric_mass) for answer in answers]
        evidence = [answer.evidence() for answer in answers]
        if criterion not in self.spec.by_sentence:
            return ratings[0], json.dumps(evidence[0])
        scored = [rating for rating in ratings if not rating.missing]
        shown = json.dumps(
            {"sentences": [round(r.score, 2) if not r.missing else None for r in ratings]}
        )
        if not scored:
            return ratings[0], shown
        score = math.fsum(r.score for r in scored) / len(scored)
        return Rating(score, math.fsum(r.mass for r in scored) / len(scored), ""), shown
