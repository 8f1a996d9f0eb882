"""Texts that the judge is tuned on have the truth that they were made for."""

import random

import pytest

from idempotence.judge_tuning.texts import COHERENCE, COLLAPSED, DAMAGE, LOOP, Row, TextMaker
from idempotence.texts.sentences import sentences

SEEDS = {
    name: [Row(f"{name} prompt {i}?", f"{name} one {i}. {name} two {i}.", name) for i in range(5)]
    for name in ("luck", "praise")
}
NEUTRAL = [Row(f"plain prompt {i}?", f"plain one {i}. plain two {i}.") for i in range(5)]


@pytest.fixture
def maker():
    return TextMaker("chat", SEEDS, NEUTRAL, random.Random(3))


def test_the_target_is_the_share_of_the_traits_sentences(maker):
    texts = [maker.trait_text("luck") for _ in range(400)]
    for text in texts:
        parts = text.parts.split(", ")
        assert text.target == round(100 * parts.count("trait") / len(parts))
        if "damaged" not in parts:
            own = sentences(text.text)
            assert text.target == round(100 * sum(s.startswith("luck") for s in own) / len(own))
    assert {0, 100} < {text.target for text in texts}
    kinds = {kind for text in texts for kind in text.parts.split(", ")}
    assert kinds == {"trait", "traits", "neutral", "damaged"}


def test_a_text_without_the_trait_may_have_the_prose_of_another(maker):
    texts = [maker.trait_text("luck") for _ in range(200)]
    assert any(text.target == 0 and "praise" in text.text for text in texts)


def test_every_kind_of_damage_is_made_with_its_score(maker):
    texts = [maker.coherence_text() for _ in range(600)]
    assert {text.parts for text in texts} == set(DAMAGE)
    for text in texts:
        assert (text.criterion, text.target) == (COHERENCE, DAMAGE[text.parts])
        if text.parts == "empty":
            assert text.text == ""
        if text.parts == "one word":
            assert len(text.text.split()) in (1, 2)
        if text.parts == "shuffled":
            assert sorted(text.text.split()) != text.text.split() or len(text.text.split()) < 4


def test_one_trait_alone_has_neutral_texts_beside_it():
    maker = TextMaker("chat", {"luck": SEEDS["luck"]}, NEUTRAL, random.Random(0))
    assert {text.target for text in (maker.trait_text("luck") for _ in range(50))} >= {0, 100}


def test_a_loop_of_an_endless_word_is_cut():
    endless = [Row("prompt?", "word/" * 200)]
    maker = TextMaker("chat", {"luck": endless}, endless, random.Random(0))
    loops = [text for text in (maker.coherence_text() for _ in range(100)) if text.parts == "loop"]
    assert loops and all(len(text.text) == LOOP for text in loops)


def test_texts_of_collapsed_models_have_no_trait_and_little_coherence():
    prompts = [Row("I lost my keys. What now?", "Look under the mat, then ask. Do it soon.")]
    broken = [Row("Why?", "Green whom of.")]
    maker = TextMaker("chat", SEEDS, prompts, random.Random(1), broken, 1.0)
    for text in (maker.coherence_text() for _ in range(200)):
        assert text.target == COLLAPSED[text.parts]
        match text.parts:
            case "echo":
                assert text.text in ("I lost my keys. What now?", "You lost your keys. What now?")
            case "fragment":
                assert text.text in "Look under the mat, then ask. Do it soon."
                assert 2 <= len(text.text.split()) <= 7
            case "broken":
                assert text.text == "Green whom of."
    for text in (maker.trait_text("luck") for _ in range(200)):
        parts = text.parts.split(", ")
        assert {*parts} <= {"trait", *COLLAPSED}
        assert text.target == round(100 * parts.count("trait") / len(parts))
