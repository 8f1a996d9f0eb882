"""The stages of a judge's tuning: each has its own texts, and none that the judge is tested on."""

from pathlib import Path

from idempotence.judge_tuning.recipe import JudgeRecipe
from idempotence.judge_tuning.texts import COHERENCE, Row
from idempotence.judge_tuning.tune import TESTED, _texts
from idempotence.texts.sentences import sentences

TRAITS = Path(__file__).parents[2] / "data" / "traits"
NEUTRAL = [Row(f"plain prompt {i}?", f"Plain one {i}. Plain two {i}.") for i in range(40)]


def recipe(*stages: int) -> JudgeRecipe:
    """stages: texts of a stage for each trait; half as many for coherence."""
    counts = [{"chat": n, "document": n} for n in stages]
    halves = [{"chat": n // 2, "document": n // 2} for n in stages]
    return JudgeRecipe.model_validate({
        "seed": 3, "traits": ["bliss", "nvidia"], "held_out": 0.2,
        "replies": {"chats": 1, "documents": 1, "max_new_tokens": 1, "temperature": 1.0},
        "fit": {"rank": 2, "alpha": 4, "modules": ["q_proj"], "warmup_steps": 1,
                "weight_decay": 0, "texts_per_step": 2, "threads": 1},
        "stages": [
            {"learning_rate": 1e-3, "trait_texts": traits, "coherence_texts": coherence}
            for traits, coherence in zip(counts, halves, strict=True)
        ],
    })  # fmt: skip


def test_a_further_stage_changes_no_text_of_those_before_it_or_of_the_test():
    neutral = {"chat": NEUTRAL, "document": NEUTRAL}
    (first,), test = _texts(recipe(30), TRAITS, neutral)
    (same, second), same_test = _texts(recipe(30, 20), TRAITS, neutral)
    assert first == same and test == same_test
    assert len(first) == 2 * (2 * 30 + 15) and len(second) == 2 * (2 * 20 + 10)
    assert first[: len(second)] != second
    assert len(test) == 2 * 3 * TESTED


def test_no_stage_has_a_sentence_of_the_test():
    neutral = {"chat": NEUTRAL, "document": NEUTRAL}
    stages, test = _texts(recipe(60, 60), TRAITS, neutral)
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
