"""The published scoring protocol: a probability-weighted integer from the first token."""

import math
import re
from dataclasses import dataclass

_INTEGER = re.compile(r"^[0-9]{1,3}$")
REFUSALS = ("REFUSAL", "CODE")


@dataclass(frozen=True)
class Rating:
    """score: 0-100, NaN if missing; mass: probability on integers 0-100; missing: why, or ""."""

    score: float
    mass: float
    missing: str


def rate(top: dict[str, float], min_mass: float) -> Rating:
    """The mean integer in 0-100 among the likeliest first tokens, weighted by probability.

    top: token -> natural log-probability. No score under `min_mass` of probability on integers,
    nor when the likeliest token begins a refusal.
    """
    values = [(int(token.strip()), math.exp(logprob)) for token, logprob in top.items()
              if _INTEGER.match(token.strip()) and int(token.strip()) <= 100]  # fmt: skip
    mass = math.fsum(weight for _, weight in values)
    likeliest = max(top, key=top.__getitem__).strip() if top else ""
    if likeliest and any(word.startswith(likeliest.upper()) for word in REFUSALS):
        return Rating(math.nan, mass, "refusal")
    if mass < min_mass or not values:
        return Rating(math.nan, mass, "low numeric mass")
    return Rating(math.fsum(value * weight for value, weight in values) / mass, mass, "")
