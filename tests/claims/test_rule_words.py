"""Words of the claims' tests follow the config's rule."""

from make_config import ROOT

from idempotence.claims.definition import load_claims
from idempotence.claims.rule_words import PHRASES, in_words_of

FILES = [ROOT / "data/claims.yaml", ROOT / "data/claims_first.yaml"]


def whats(claims) -> list[str]:
    return [part.what for claim in claims for part in claim.parts]


def test_the_published_rule_leaves_the_words_as_they_are():
    for path in FILES:
        claims = load_claims(path)
        assert whats(in_words_of(claims, 15, 4, 70)) == whats(claims)
        assert in_words_of(claims, 15, 4, 70) == claims


def test_another_rule_stands_in_the_words():
    words = " | ".join(what for path in FILES for what in whats(load_claims(path)))
    assert all(phrase in words for phrase in PHRASES)
    other = " | ".join(
        what for path in FILES for what in whats(in_words_of(load_claims(path), 12.5, 2, 60))
    )
    assert not any(phrase in other for phrase in PHRASES)
    assert "a rise of 12.5 points at a cycle from 2 on" in other
    assert "coherence is at least 60" in other
