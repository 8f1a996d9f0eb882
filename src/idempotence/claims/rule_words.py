"""The words of the claims' tests, with the rule that the study's config gives."""

from collections.abc import Iterable

from idempotence.claims.definition import Claim

# as data/claims*.yaml have them, with the published rule
PHRASES = {
    "a rise of 15 points": "a rise of {points:g} points",
    "rise by 15 points": "rise by {points:g} points",
    "rise >= 15 points": "rise >= {points:g} points",
    "at a cycle from 4 on": "at a cycle from {from_cycle} on",
    "cycles >= 4": "cycles >= {from_cycle}",
    "coherence is at least 70": "coherence is at least {peak_coherence:g}",
}


def in_words_of(
    claims: Iterable[Claim], points: float, from_cycle: int, peak_coherence: float
) -> list[Claim]:
    """The claims, whose tests name the rule's numbers as the study has them.

    points: rise that counts as amplification. from_cycle: first cycle that the rule looks at.
    peak_coherence: coherence (points) that a chain must have while it rises.
    """
    rule = {"points": points, "from_cycle": from_cycle, "peak_coherence": peak_coherence}
    return [
        claim.model_copy(
            update={
                "parts": [
                    part.model_copy(update={"what": _worded(part.what, rule)})
                    for part in claim.parts
                ]
            }
        )
        for claim in claims
    ]


def _worded(text: str, rule: dict[str, float]) -> str:
    for phrase, form in PHRASES.items():
        text = text.replace(phrase, form.format(**rule))
    return text
