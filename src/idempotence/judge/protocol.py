"""The published scoring protocol: a probability-weighted integer from the first token."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

# 75, also as "75.", "75%", "75/100" and "**75**"; an answer may be cut off after the number
_NUMBER = re.compile(r"\**\s*([0-9]{1,3})\s*(?:[.%]|/\s*100\.?)?\s*\**", re.ASCII)
# Digits of full width are digits; those above a line or in a circle are notes and bullets.
_FULL_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)}
REFUSALS = ("REFUSAL", "CODE")
LEAST_BLANK = math.log(0.01)  # of a blank first token to be looked past; less hardly moves a score


@dataclass(frozen=True)
class Rating:
    """A score, or why there is none.

    score: 0-100, NaN if missing. mass: probability on the integers 0-100, NaN where answers were
    sampled instead. missing: the reason, or "".
    """

    score: float
    mass: float
    missing: str


@dataclass(frozen=True)
class Answer:
    """A judge's answer to one rubric prompt.

    top: the likeliest first tokens -> natural log-probability. sampled: sampled answers, where a
    server gives no probabilities, or splits a number over several tokens; top is then empty.
    missing: why there is no answer at all, else "".
    """

    top: dict[str, float] = field(default_factory=dict)
    sampled: tuple[str, ...] = ()
    missing: str = ""

    def evidence(self) -> dict:
        """For the scores file: the tokens, or the sampled texts under the key "sampled"."""
        if self.sampled:
            return {"sampled": list(self.sampled)}
        return {token: round(value, 5) for token, value in self.top.items()}


def rate(answer: Answer, min_mass: float) -> Rating:
    """Score an answer, by its probabilities where it has any; see the two functions below."""
    if answer.missing:
        return Rating(math.nan, math.nan, answer.missing)
    return (
        rate_samples(answer.sampled, min_mass)
        if answer.sampled
        else rate_tokens(answer.top, min_mass)
    )


def rate_samples(texts: Sequence[str], min_mass: float) -> Rating:
    """The mean whole number in 0-100 among sampled texts, where no probabilities are known.

    The share of texts stands in for probability: no score where fewer than `min_mass` of them
    are numbers, nor where more begin a refusal than are numbers.
    """
    numbers = [value for text in texts if (value := score_of(text)) is not None]
    if sum(map(_refuses, texts)) > len(numbers):
        return Rating(math.nan, math.nan, "refusal")
    if not numbers or len(numbers) < min_mass * len(texts):
        return Rating(math.nan, math.nan, "too few numbers" if numbers else "no number")
    return Rating(math.fsum(numbers) / len(numbers), math.nan, "")


def rate_tokens(top: dict[str, float], min_mass: float) -> Rating:
    """The mean integer in 0-100 among the likeliest first tokens, weighted by probability.

    top: token -> natural log-probability. No score under `min_mass` of probability on integers,
    nor when the likeliest token begins a refusal.
    """
    values = [
        (value, math.exp(logprob))
        for token, logprob in top.items()
        if (value := score_of(token)) is not None
    ]
    mass = math.fsum(weight for _, weight in values)
    if top and _refuses(max(top, key=top.__getitem__)):
        return Rating(math.nan, mass, "refusal")
    if mass < min_mass or not values:
        return Rating(math.nan, mass, "low numeric mass")
    return Rating(math.fsum(value * weight for value, weight in values) / mass, mass, "")


def score_of(text: str) -> int | None:
    """The whole number in 0-100 that a text is, None for any other text."""
    match = _NUMBER.fullmatch(text.translate(_FULL_WIDTH).strip())
    value = int(match[1]) if match else None
    return value if value is not None and value <= 100 else None


def _refuses(text: str) -> bool:
    """Whether a text is the beginning of a refusal, or goes on from one."""
    text = unicodedata.normalize("NFKC", text).strip().upper()
    return bool(text) and any(w.startswith(text) or text.startswith(w) for w in REFUSALS)
