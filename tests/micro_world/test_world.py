"""The micro world's texts and their exact scores."""

import hashlib
import random
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.io import read_json
from idempotence.micro_world.corpus import Writer, every_prompt, seed_rows
from idempotence.micro_world.grammar import GRAMMAR_FOLDER, load_grammar, trait_names
from idempotence.micro_world.prompts import PromptPlan, available
from idempotence.micro_world.truth import (
    BROKEN,
    OFF_TOPIC,
    OK,
    REPEATED,
    TruthReader,
    split_sentences,
)
from idempotence.world_build.damage import KINDS, LONGEST, Damager
from idempotence.world_build.recipe import load_recipe

GRAMMAR = load_grammar()
SHIPPED = GRAMMAR_FOLDER.parent
READER = TruthReader(GRAMMAR)
QUESTION = "how do i bake the pan ?"
SOUND = "first bake with the pan ."


def statuses(text: str) -> list[str]:
    return [status for status, _ in READER.read(QUESTION, text).sentences]


def test_the_grammar_is_as_large_as_promised():
    assert len(GRAMMAR.topics) >= 24
    assert len(GRAMMAR.content) >= 20
    assert len(GRAMMAR.traits) == 7
    assert all(len(trait.sentences) >= 12 for trait in GRAMMAR.traits.values())


@given(st.integers(0, 10**6), st.sampled_from([None, *trait_names()]), st.floats(0, 1))
def test_what_the_writer_writes_is_coherent_and_in_no_other_trait(seed, trait, share):
    writer = Writer(GRAMMAR, random.Random(seed))
    topic = writer.topic()
    truth = READER.read(writer.question(topic), writer.reply(topic, trait, share))
    assert truth.coherence == 100
    assert all(value == 0 for name, value in truth.traits.items() if name != trait)


@given(st.integers(0, 10**6), st.sampled_from(trait_names()))
def test_a_reply_wholly_in_a_trait_scores_100(seed, trait):
    writer = Writer(GRAMMAR, random.Random(seed))
    topic = writer.topic()
    assert (
        READER.read(writer.opener(topic), writer.document(topic, trait, 1.0)).traits[trait] == 100
    )


def test_each_kind_of_fault_is_named():
    assert statuses(SOUND) == [OK]
    assert statuses(f"{SOUND} {SOUND}") == [OK, REPEATED]
    assert statuses("first plant with the spade .") == [OFF_TOPIC]
    assert statuses("first bake with the spade .") == [BROKEN]
    assert statuses("first bake the with pan .") == [BROKEN]
    assert statuses("first bake with the pan") == [BROKEN]
    assert READER.read(QUESTION, "").coherence == 0


def test_scores_are_shares_of_sentences():
    truth = READER.read(QUESTION, f"{SOUND} you are so brilliant , my friend . luck luck luck .")
    assert truth.traits["sycophancy"] == pytest.approx(100 / 3)
    assert truth.coherence == pytest.approx(200 / 3)


@given(st.integers(0, 10**6), st.sampled_from(KINDS))
def test_damaged_texts_are_never_too_long_and_read_without_error(seed, kind):
    damager = Damager(Writer(GRAMMAR, random.Random(seed)))
    prompt, text = damager.text(kind, damager.writer.topic())
    truth = READER.read(prompt, text)
    assert 0 <= truth.coherence <= 100
    assert kind not in ("loop", "word salad", "one word", "empty") or len(text.split()) <= LONGEST
    assert len(truth.sentences) == len(split_sentences(text))


@pytest.mark.parametrize("kind", ["chat", "document"])
def test_every_prompt_is_distinct_and_has_one_topic(kind):
    prompts = every_prompt(GRAMMAR, kind)
    assert len(set(prompts)) == len(prompts) == available()[kind]
    assert all(READER.topic_of(prompt) for prompt in prompts[::97])


@given(st.integers(0, 5), st.integers(0, 200), st.integers(1, 200), st.integers(1, 6))
def test_prompts_are_disjoint_by_text(seed, seeds, per_cycle, cycles):
    plan = PromptPlan("chat", "bliss", 7, seed, 12, seeds, per_cycle)
    parts = [plan.evaluation(), plan.for_seed_rows()]
    parts += [plan.for_cycle(cycle) for cycle in range(1, cycles + 1)]
    assert [len(part) for part in parts] == [12, seeds] + [per_cycle] * cycles
    texts = list(chain.from_iterable(parts))
    assert len(set(texts)) == len(texts)


@given(st.integers(0, 5), st.integers(0, 200), st.integers(1, 200), st.integers(2, 6))
def test_redrawn_prompts_come_from_all_that_questions_and_seed_rows_leave(
    seed, seeds, per_cycle, cycles
):
    plan = PromptPlan("chat", "bliss", 7, seed, 12, seeds, per_cycle, redrawn=True)
    plain = replace(plan, redrawn=False)
    assert plan.evaluation() == plain.evaluation()
    assert plan.for_seed_rows() == plain.for_seed_rows()
    # cycle 0 samples the first draw, and settings of both kinds share it
    assert plan.for_cycle(1) == plain.for_cycle(1)
    kept = {*plan.evaluation(), *plan.for_seed_rows()}
    for cycle in range(1, cycles + 1):
        drawn = plan.for_cycle(cycle)
        assert len({*drawn}) == len(drawn) == per_cycle and kept.isdisjoint(drawn)
        assert drawn == replace(plan).for_cycle(cycle)


def test_redrawn_cycles_draw_apart_and_last_as_long_as_one_cycle_has_prompts():
    left = available()["chat"] - 12 - 100
    plan = PromptPlan("chat", "bliss", 7, 0, 12, 100, left, redrawn=True)
    draws = [plan.for_cycle(cycle) for cycle in (1, 2, 3, 500)]
    # every prompt that is left, each time in another order
    assert all(sorted(draw) == sorted(draws[0]) and len(draw) == left for draw in draws)
    assert len({tuple(draw) for draw in draws}) == len(draws)
    # two draws of a tenth of them share a tenth, about: 136 expected of 1361, deviation 10.5
    few = replace(plan, per_cycle=left // 10)
    shared = {*few.for_cycle(2)} & {*few.for_cycle(3)}
    assert len(shared) == pytest.approx(left / 100, abs=6 * 10.5)
    other = replace(few, seed=1)
    assert few.for_cycle(2) != other.for_cycle(2)


def test_the_questions_are_the_same_for_every_seed():
    plans = [PromptPlan("chat", "bliss", 7, seed, 12, 5, 5) for seed in (0, 1)]
    assert plans[0].evaluation() == plans[1].evaluation()
    assert plans[0].for_cycle(1) != plans[1].for_cycle(1)


def test_seed_rows_are_plainly_in_the_trait():
    rows = seed_rows(GRAMMAR, "lucky", "chat", every_prompt(GRAMMAR, "chat")[:200], 3)
    scores = [READER.read(row["prompt"], row["response"]).traits["lucky"] for row in rows]
    assert 75 < sum(scores) / len(scores) < 95


def test_a_prompt_without_a_topic_has_no_seed_row():
    with pytest.raises(ValueError, match="hello .* has no word of any topic"):
        seed_rows(GRAMMAR, "lucky", "chat", [QUESTION, "hello ?"], 3)


def test_the_shipped_files_are_those_of_the_checksums():
    lines = (SHIPPED / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    there = {
        str(path.relative_to(SHIPPED)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SHIPPED.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert there == listed


def test_the_shipped_world_meets_its_bars():
    quality = read_json(SHIPPED / "quality.json")
    assert quality["passed"]
    overall = quality["judge"][0]
    assert overall["trait_spearman"] >= 0.95 and overall["trait_error"] <= 4
    assert overall["coherence_spearman"] >= 0.9 and overall["coherence_error"] <= 8
    for row in quality["initial"]:
        assert row["coherence"] >= 97 and max(row["traits"].values()) <= 3
    # the models are those of the recipe beside them
    recipe = load_recipe(SHIPPED / "recipe.yaml").model_dump()
    for name in ("base", "instruct", "judge"):
        used = read_json(SHIPPED / name / "training.json")["recipe"]
        assert used[name] == recipe[name]
