"""Studies that nothing could run, and paths that no job could find: refused before any job."""

import re

import pytest
from make_config import complaint, load

from idempotence.config.checks.settings import MOST_ANSWERS, MOST_TRAININGS


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"seeds": 10**8}, r"seeds: sft has [\d,]+ trainings .traits x seeds x cycles."),
        ({"sft": {"prompts": "redrawn"}, "cycles": 10**8}, "seeds: sft has .* lower seeds or cyc"),
        ({"evaluation": {"samples_per_question": 10**8}}, "samples_per_question: .* answers a mod"),
        ({"scores_from": "results/{x}"}, "scores_from: 'results/{x}' is not allowed: .* without {"),
        ({"world_recipe": "a}"}, "world_recipe: 'a}' is not allowed: .* a text without { and }"),
        ({"judge": {"path": "{judge}"}}, "judge.path: '{judge}' is not allowed"),
        ({"texts": "written", "traits_folder": "nowhere"}, "traits_folder: 'nowhere' is not a fol"),
        ({"texts": "written", "prompts_folder": "no"}, "prompts_folder: 'no' is not a folder here"),
    ],
)
def test_what_could_never_run_is_one_message(over, message):
    text = complaint(over, prompts={"chat": 10**6, "document": 10**6})
    assert re.search(message, text), text
    assert len(text) < 4000


def test_a_missing_folder_hides_what_only_follows_from_it():
    text = complaint({"texts": "written", "traits_folder": "nowhere", "traits": ["absent"]})
    assert "is not a trait" not in text


def test_the_limits_are_those_of_the_messages():
    study = load({"evaluation": {"samples_per_question": MOST_ANSWERS // 100, "questions": 12}})
    assert study.evaluation.samples_per_question * 12 <= MOST_ANSWERS
    most = (MOST_TRAININGS // (study.cycles + 1)) // len(study.traits)
    assert load({"seeds": most}).seeds == most
    assert f"at most {MOST_TRAININGS:,}" in complaint({"seeds": most + 1})
