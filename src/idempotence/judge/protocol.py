"""The published scoring protocol: a probability-weighted integer from the first token."""

import math
import re
import unicodedata
from dataclasses import dataclass, field

_INTEGER = re.compile(r"^[0-9]{1,3}$")
REFUSALS = ("REFUSAL", "CODE")


@dataclass(frozen=True)
class Rating:
    """score: 0-100, NaN if missing; mass: probability on integers 0-100, NaN where the score was
    sampled instead; missing: why, or ""."""

    score: float
    mass: float
    missing: str


@dataclass(frozen=True)
class Answer:
    """What a judge answered: the likeliest first tokens (token -> natural log-probability), or
    where a server gives none, or splits a number over tokens, only the text that it sampled."""

    top: dict[str, float] = field(default_factory=dict)
    sampled: str | None = None

    def evidence(self) -> dict:
        """For the scores file: the tokens, or the sampled text under a name that says so."""
        if self.sampled is not None:
            return {"sampled": self.sampled}
        return {token: round(value, 5) for token, value in self.top.items()}


def rate(answer: Answer, min_mass: float) -> Rating:
    """Score an answer, by its probabilities where it has any."""
    if answer.sampled is None:
        return rate_tokens(answer.top, min_mass)
    text = _plain(answer.sampled)
    value = _score_of(text)
    if value is not None:
        return Rating(float(value), math.nan, "")
    return Rating(math.nan, math.nan, "refusal" if _refuses(text) else "no number")


def rate_tokens(top: dict[str, float], min_mass: float) -> Rating:
    """The mean integer in 0-100 among the likeliest first tokens, weighted by probability.

    top: token -> natural log-probability. No score under `min_mass` of probability on integers,
    nor when the likeliest token begins a refusal.
    """
    values = [
        (value, math.exp(logprob))
        for token, logprob in top.items()
        if (value := _score_of(_plain(token))) is not None
    ]
    mass = math.fsum(weight for _, weight in values)
    if top and _refuses(_plain(max(top, key=top.__getitem__))):
        return Rating(math.nan, mass, "refusal")
    if mass < min_mass or not values:
        return Rating(math.nan, mass, "low numeric mass")
    return Rating(math.fsum(value * weight for value, weight in values) / mass, mass, "")


def _plain(token: str) -> str:
    """Without blanks; digits of full width become the usual ones."""
    return unicodedata.normalize("NFKC", token).strip()


def _score_of(text: str) -> int | None:
    return int(text) if _INTEGER.match(text) and int(text) <= 100 else None


def _refuses(text: str) -> bool:
    """Whether a text is the beginning of a refusal, or goes on from one."""
    text = text.upper()
    return bool(text) and any(w.startswith(text) or text.startswith(w) for w in REFUSALS)
