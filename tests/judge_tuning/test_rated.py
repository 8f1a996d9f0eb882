"""Replies that somebody rated: what a judge learns from, and what it is tested on."""

import random

import pytest
from judge_recipes import NEUTRAL, NONE, TRAITS, recipe

from idempotence.errors import UserError
from idempotence.io import write_jsonl
from idempotence.judge_tuning.rated import RATED, read_rated, split_rated
from idempotence.judge_tuning.recipe import JudgeRecipe
from idempotence.judge_tuning.texts import COHERENCE
from idempotence.judge_tuning.tune import _texts

SHIPPED = TRAITS.parent / "english"


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"id": f"r{i}", "trait": "bliss", "kind": "chat", "prompt": f"{i}?", "response": f"{i}!"}
        for i in range(20)
    ]
    write_jsonl(tmp_path / "replies.jsonl", rows)
    ratings = [f"r{i},{i},{100 - i}" for i in range(20)]
    (tmp_path / "ratings.csv").write_text("\n".join(["id,trait_score,coherence", *ratings, ""]))
    return tmp_path


def test_a_reply_is_rated_for_its_trait_and_for_coherence(folder):
    texts = read_rated(folder)
    assert len(texts) == 20
    trait, coherence = texts[7]
    assert (trait.criterion, trait.target, trait.text) == ("bliss", 7, "7!")
    assert (coherence.criterion, coherence.target, coherence.text) == (COHERENCE, 93, "7!")
    assert {text.parts for reply in texts for text in reply} == {RATED}


def test_a_rating_without_its_reply_is_refused(folder):
    with (folder / "ratings.csv").open("a") as file:
        file.write("r99,1,1\n")
    with pytest.raises(UserError, match="r99"):
        read_rated(folder)


def test_held_out_replies_are_learned_by_no_stage(folder):
    learned, held = split_rated(read_rated(folder), 0.25, random.Random(1))
    assert len(held) == 2 * 5 and len(learned) == 2 * 15
    assert not {text.text for text in held} & {text.text for text in learned}


def test_a_stage_takes_rated_replies_as_often_as_it_says(folder):
    neutral = {"chat": NEUTRAL, "document": NEUTRAL}
    content = recipe(10, 10).model_dump() | {"rated": "."}
    content["stages"][1]["rated_passes"] = 2
    rated = read_rated(folder)
    with_rated = JudgeRecipe.model_validate(content)
    (first, second), test = _texts(with_rated, TRAITS, neutral, NONE, rated)
    (plain, other), plain_test = _texts(recipe(10, 10), TRAITS, neutral, NONE, [])
    assert first == plain and second[: len(other)] == other
    learned, held = second[len(other) :], test[len(plain_test) :]
    assert len(learned) == 2 * 2 * 16 and len(held) == 2 * 4
    assert not {text.text for text in held} & {text.text for text in learned}


def test_passes_over_rated_replies_need_some():
    content = recipe(5).model_dump()
    content["stages"][0]["rated_passes"] = 1
    with pytest.raises(ValueError, match="rated replies"):
        JudgeRecipe.model_validate(content)


def test_no_reply_of_the_gold_is_learned():
    learned = {text.text for reply in read_rated(SHIPPED / "judge_ratings") for text in reply}
    gold = {text.text for reply in read_rated(SHIPPED / "gold") for text in reply}
    assert len(gold) >= 400 and len(learned) >= 700
    assert not learned & gold
