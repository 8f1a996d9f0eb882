"""Mistakes in recipes: each is named once, with its key and what is allowed."""

import re

import pytest
from make_config import ROOT, complaint, load, with_recipes

from idempotence.config.checks.settings import RESERVED
from idempotence.io import parse_yaml

MISTAKES = [
    ("dpo: {cells: {levels: [20]}}", "dpo.cells.levels: is no dose of dpo; there are beta, pairs"),
    ("sft: {cells: {beta: [0.1]}}", "is no dose of sft; there are levels, n_seed, n_sampled"),
    ("sft: {cells: {n_seed: 40}}", "40 is not allowed: for sft it must be a list of numbers"),
    ("dpo: {cells: {n_seed: [40]}}", "[40] is not allowed: for dpo it must be one number"),
    ("dpo: {cells: {n_seed: 9999}}", "settings.dpo.cells.n_seed: 9999 is beyond the rows"),
    ("sft: {cells: {levels: []}}", "settings.sft.cells: has no dose of cycle 0"),
    ("sft: {cells: {n_sampled: []}}", "settings.sft.cells.n_sampled: [] is not allowed"),
    ("sft: {cells: {n_sampled: ['1e-4']}}", "settings.sft.cells.n_sampled.0: '1e-4' is not"),
    ("sft: {cells: {levels: [20, 20.0]}}", "20 is listed twice"),
    ("sdf: {traits: [lucy]}", "settings.sdf.traits.0: 'lucy' is not one of traits"),
    ("dpo: {cycles: 0}", "settings.dpo.cycles: 0 is not allowed"),
    ("dpo: {seeds: true}", "settings.dpo.seeds: True is not allowed"),
    ("dpo: {seed_share: .nan}", "settings.dpo.seed_share: nan is not allowed"),
    ("dpo: {generation: {temperature: .inf}}", "generation.temperature: inf is not allowed"),
    ("dpo: {calibration: {step: 4}}", "settings.dpo.calibration: is not for dpo"),
    ("sft: {calibration: {step: 500}}", "below settings.sft.calibration.step (500)"),
    (
        "sft: {seed_rows: 40}",
        "400 is beyond the rows there are: at most settings.sft.seed_rows",
    ),
    ("sft: {restart_at: [2]}", "settings.sft.restart_at.0: sft starts from the initial"),
    ("dpo: {restart_at: [9]}", "9 is beyond the last cycle of dpo (6)"),
    ("dpo: {restart_at: [0]}", "settings.dpo.restart_at.0: 0 is not allowed"),
    ("sdf: {rejected_from: two_back}", "only dpo has rejected replies"),
    ("dpo: {rejected_from: twoback}", "did you mean two_back?"),
    ("sft: {cycle_0: sft}", "first model is trained as all others are"),
    ("dpo: {cycle_0: sdf}", "one of dpo, sft"),
    ("sft: {seed_share: 1}", "settings.sft.seed_share: 1 is not allowed"),
    ("sft: {accumulate: true, seed_share: 0.5}", "settings.sft.seed_share: is not for accumulate"),
    ("sft: {initial_share: 1}", "settings.sft.initial_share: 1 is not allowed"),
    ("sft: {initial_share: -0.1}", "settings.sft.initial_share: -0.1 is not allowed"),
    ("sft: {initial_share: .nan}", "settings.sft.initial_share: nan is not allowed"),
    (
        "sft: {initial_share: 0.5, seed_share: 0.5}",
        "settings.sft.initial_share: 0.5 and seed_share (0.5) together must be below 1",
    ),
    ("sft: {accumulate: true, initial_share: 0.1}", "sft.initial_share: is not for accumulate"),
    (
        "dpo: {initial_share: 0.1, cells: {pairs: [4]}}",
        "0.1 of 4 rows (settings.dpo.cells.pairs.0) is 0; it must leave some",
    ),
    ("sft: {initial_share: 0.9, cells: {n_sampled: [4]}}", "(settings.sft.cells.n_sampled.0) is 4"),
    (
        "sft: {selection: {candidates: 2}}",
        "settings.sft.selection: is not for sft: only best_of_n chooses among several samples",
    ),
    ("sft: {objective: best_of_n, initial_share: 0.5}", "sft.initial_share: is not for best_of_n"),
    ("sft: {objective: best_of_n, selection: {candidates: 1}}", "candidates: 1 is not allowed"),
    ("sft: {objective: best_of_n, selection: {by: []}}", "selection.by: [] is not allowed"),
    ("sft: {objective: best_of_n, selection: {by: [triat]}}", "did you mean trait?"),
    ("sft: {objective: best_of_n, selection: {by: [trait, trait]}}", "trait is listed twice"),
    (
        "sft: {objective: best_of_n, selection: {candidates: 99999}}",
        "99999 samples for each of 60 prompts (sft.cells.n_sampled.0) are 5,999,940; at most",
    ),
    (
        "sft: {objective: best_of_n, cells: {beta: [1]}}",
        "is no dose of best_of_n; there are levels",
    ),
    ("sft: {accumulate: 3}", "settings.sft.accumulate: 3 is not allowed"),
    ("sft: {seed_share: null}", "settings.sft.seed_share: None is not allowed"),
    ("sft: {min_coherence: 100}", "above 0 and below 100"),
    ("sft: {trainin: {}}", "settings.sft.trainin: there is no such key; did you mean training?"),
    ("sft: {training: {learnig_rate: 1}}", "there is no such key; did you mean learning_rate?"),
    ("sft: {objective: dop}", "settings.sft.objective: 'dop' is not allowed"),
    ("sft: {objective: dop}", "did you mean dpo?"),
    ("sft: {start: inital}", "did you mean initial?"),
    ("dpo: {prompts: redrawm}", "did you mean redrawn?"),
    ("sft: {training: {schedule: cosin}}", "did you mean cosine?"),
    ("sft: [1]", "settings.sft: [1] is not allowed: it must be a section with the keys objective"),
    ("sft: x", "settings.sft: 'x' is not allowed: it must be a section with the keys objective"),
    ("logs: {objective: sft, start: initial}", "settings.logs: is a folder of results"),
    ("Seed_Rows: {objective: sft, start: initial}", "settings.Seed_Rows: is a folder of results"),
    (
        "DPO_reinit: {objective: sft, start: initial}",
        "settings.DPO_reinit: differs from dpo-reinit only in -, _ or capitals",
    ),
    ("a.b: {objective: sft, start: initial}", "'a.b' is not allowed: it must be a name"),
    ("1st: {objective: sft, start: initial}", "beginning with a letter"),
    ("5: {objective: sft, start: initial}", "settings.5: 5 is not allowed: it must be a name"),
    ("1.5: {start: 3}", "settings.1.5: 1.5 is not allowed: it must be a name"),
    ("null: {}", "settings.None: None is not allowed: it must be a name"),
    ("yes: 3", "settings.True: True is not allowed: it must be a name"),
]


@pytest.mark.parametrize(("own", "message"), MISTAKES)
def test_a_mistake_in_a_recipe_is_named_once(own, message):
    text = complaint(with_recipes(parse_yaml(own)))
    assert message in text
    assert text.startswith("a mistake in the config; nothing was run.\n")
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "settings: {} is not allowed: it must be at least one name"),
        (5, "settings: 5 is not allowed"),
        (None, "settings: None is not allowed"),
        ("sft", "settings: 'sft' is not allowed"),
    ],
)
def test_settings_are_a_mapping_with_at_least_one_name(tmp_path, value, message):
    (tmp_path / "mine.yaml").write_text(f"settings: {'null' if value is None else value}\n")
    text = complaint(files=[tmp_path / "mine.yaml"])
    assert f"mine.yaml, line 1, {message}" in text and len(text.splitlines()) == 2


def test_a_recipe_of_a_new_name_needs_objective_and_start():
    text = complaint({"settings": {"dpo-reint": {"cycles": 3}}})
    assert "settings.dpo-reint.objective: is missing" in text
    assert "settings.dpo-reint.start: is missing" in text
    assert text.count("Is the setting's name right; did you mean dpo-reinit?") == 2
    assert "did you mean" not in complaint({"settings": {"control": {"objective": "sft"}}})


def test_mistakes_in_recipes_have_file_and_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "study: mine\n"
        "settings:\n"
        "  sft: &plain\n"
        "    objective: sft\n"
        "    start: initial\n"
        "    trainin: {}\n"
        "  other: {<<: *plain, start: previos}\n"
        "  sdf:\n"
        "  dpo: {restart_at: [9]}\n"
        "models: [{name: a, kind: instruct, path: world/instruct}]\n"
        "7: 1\n"
    )
    text = complaint(files=[path])
    assert "mine.yaml, line 6, settings.sft.trainin: there is no such key" in text
    assert "mine.yaml, line 6, settings.other.trainin: there is no such key" in text
    assert "mine.yaml, line 7, settings.other.start: 'previos'" in text
    assert "mine.yaml, line 8, settings.sdf: needs a model of kind base" in text
    assert "mine.yaml, line 9, settings.dpo.restart_at.0: 9 is beyond" in text
    assert "has the key 7, which is not a text" in text
    assert text.startswith("6 mistakes")


def test_prompts_must_be_enough_for_the_longest_setting():
    there = {"prompts": {"chat": 9000, "document": 9000}}
    assert "cycles (200)" in complaint(with_recipes({"dpo-reinit": {"cycles": 200}}), **there)
    text = complaint(with_recipes({"sft": {"cells": {"n_sampled": [9000]}}}), **there)
    assert "the largest settings.sft.cells.n_sampled (9000)" in text


def test_redrawn_prompts_must_be_enough_for_one_cycle():
    # 12 questions, 400 seed rows, 6 cycles of 60 rows or 50 pairs
    there = {"prompts": {"chat": 12 + 400 + 60, "document": 9000}}
    text = complaint(**there)
    assert (
        "sft.cells.n_sampled: evaluation.questions (12) + seed_rows (400) + cycles (6) x the "
        "largest sft.cells.n_sampled (60) = 772 chat prompts; there are only 472, so lower some, "
        "or set sft.prompts to redrawn"
    ) in text
    assert "= 712 chat prompts; there are only 472, so lower some, or set dpo.prompts to" in text
    redrawn = {name: {"prompts": "redrawn"} for name in ("sft", "dpo")}
    assert load(redrawn, **there).setting("sft").section.prompts == "redrawn"
    there["prompts"]["document"] = 10**6
    assert load({**redrawn, "cycles": 500}, **there).cycles == 500
    there["prompts"]["chat"] -= 1
    (line,) = complaint(redrawn, **there).splitlines()[1:]
    assert line.endswith(
        "sft.cells.n_sampled: evaluation.questions (12) + seed_rows (400) + the largest "
        "sft.cells.n_sampled (60) = 472 chat prompts; there are only 471, so lower some"
    )


def test_the_key_that_redraws_is_the_one_that_is_given():
    there = {"prompts": {"chat": 800, "document": 9000}}
    assert load(**there)
    long = {"objective": "sft", "start": "initial", "cycles": 7}
    assert "or set sft.prompts to" in complaint(with_recipes({"long": long}), **there)
    own = with_recipes({"long": {**long, "prompts": "disjoint"}})
    assert "or set settings.long.prompts to" in complaint(
        {**own, "sft": {"prompts": "redrawn"}}, **there
    )
    assert load(with_recipes({"long": {**long, "prompts": "redrawn"}}), **there)


def test_written_prompts_are_shared_with_no_seed_rows():
    of_kind = {"chat": {"bliss": 100}, "document": {"bliss": 100}}
    there = {"questions": of_kind, "seed_rows": of_kind}
    written = {
        "texts": "written", "traits": ["bliss"], "seed_rows": 100, "settings": {"sft": {}},
        "calibration": {"n_seed_max": 100}, "sft": {"prompts": "redrawn"},
        "models": [{"name": "m", "kind": "instruct", "path": str(ROOT)}],
        "judge": {"path": str(ROOT)},
    }  # fmt: skip
    assert load(written, prompts={"chat": 60, "document": 0}, **there)
    text = complaint(written, prompts={"chat": 59, "document": 0}, **there)
    assert "the largest sft.cells.n_sampled (60) = 60 chat prompts; there are only 59" in text
    assert "questions" not in text


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("sdf: {seed_rows: 40}", "400 is beyond the rows there are: at most sdf.seed_rows (40)"),
        ("sft: {calibration: {n_seed_max: '401'}}", "sft.calibration.n_seed_max: 401 is beyond"),
        ("sft: {calibration: {step: 500}}", "below sft.calibration.step (500)"),
        ("dpo: {seed_rows: 8}", "dpo.cells.n_seed: 100 is beyond the rows"),
    ],
)
def test_what_an_objective_has_of_its_own_is_checked(own, message):
    assert message in complaint(parse_yaml(own))


def test_shipped_scores_must_be_a_folder():
    assert "is not a folder here" in complaint({"scores_from": "nowhere"})


def test_folders_of_results_are_no_names_of_settings():
    sources = [*(ROOT / "rules").glob("*.smk"), ROOT / "src/idempotence/workflow/paths.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    folders = set(re.findall(r"(?i:\bresults)\}/(\w+)(?=[/\"])", text))
    assert {"tables", "figures", "pages", "logs", "calibration"} <= folders <= {*RESERVED}
