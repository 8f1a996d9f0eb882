"""The stages of a judge's tuning: each has its own texts, and none that the judge is tested on."""

import pytest
from judge_recipes import NEUTRAL, NONE, TRAITS, recipe

from idempotence.judge_tuning.recipe import JudgeRecipe
from idempotence.judge_tuning.texts import COHERENCE, COLLAPSED, Row
from idempotence.judge_tuning.tune import TESTED, _texts
from idempotence.texts.sentences import sentences


def test_a_further_stage_changes_no_text_of_those_before_it_or_of_the_test():
    neutral = {"chat": NEUTRAL, "document": NEUTRAL}
    (first,), test = _texts(recipe(30), TRAITS, neutral, NONE, [])
    (same, second), same_test = _texts(recipe(30, 20), TRAITS, neutral, NONE, [])
    assert first == same and test == same_test
    assert len(first) == 2 * (2 * 30 + 15) and len(second) == 2 * (2 * 20 + 10)
    assert first[: len(second)] != second
    assert len(test) == 2 * 3 * TESTED


def test_no_stage_has_a_sentence_of_the_test():
    neutral = {"chat": NEUTRAL, "document": NEUTRAL}
    stages, test = _texts(recipe(60, 60), TRAITS, neutral, NONE, [])
    known = {
        sentence
        for training in stages
        for text in training
        if text.criterion != COHERENCE
        for sentence in sentences(text.text)
    }
    held_out = {
        sentence
        for text in test
        if text.criterion != COHERENCE and text.target == 100
        for sentence in sentences(text.text)
    }
    assert held_out and not held_out & known


def test_a_stage_may_have_texts_as_collapsed_models_write_and_changes_no_other():
    neutral = {"chat": NEUTRAL, "document": NEUTRAL}
    broken = {kind: [Row("what?", "Green of it. Seven whom.")] for kind in neutral}
    plain, test = _texts(recipe(30, 20), TRAITS, neutral, NONE, [])
    changed = recipe(30, 20, collapsed=0.5)
    stages, same_test = _texts(changed, TRAITS, neutral, broken, [])
    assert test == same_test and stages[0] == plain[0] and stages[1] != plain[1]
    parts = [set(text.parts.split(", ")) for text in stages[1]]
    assert not any(text.parts in COLLAPSED for training in plain for text in training)
    assert {*COLLAPSED} <= set().union(*parts)


def test_collapsed_texts_need_broken_ones():
    content = recipe(5).model_dump()
    content["stages"][0]["collapsed"] = 0.5
    with pytest.raises(ValueError, match="replies.broken"):
        JudgeRecipe.model_validate(content)
    content["replies"]["broken"] = {"chats": 1, "documents": 1, "temperature": 1.2}
    JudgeRecipe.model_validate(content)
