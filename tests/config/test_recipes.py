"""Recipes: what a setting may change of its objective's section, and which settings share what."""

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_config import BASE, DEFAULT, DEFAULT_STUDY, ROOT, load, nested, with_recipes

from idempotence.workflow.study_jobs import StudyJobs

TWINS = (("sft-continual", "sft"), ("dpo", "dpo-reinit"))
FIRST_CYCLES = {"sft-continual": "sft", "dpo-reinit": "dpo"}


def one(recipe: dict, name: str = "mine") -> dict:
    """A study of one setting."""
    return {"settings": {name: recipe}}


def setting_of(recipe: dict, over: dict | None = None):
    (setting,) = load({**one(recipe), **(over or {})}).settings
    return setting


# --- what a recipe changes


def test_a_setting_may_be_smaller_or_longer_than_the_study():
    own = {
        "sft": {"cells": {"levels": [60]}, "traits": ["bliss"]},
        "dpo": {"cycles": 9, "seeds": 1, "cells": {"beta": [0.1]}},
    }
    study = load(with_recipes(own))
    sft = [panel for panel in study.panels() if panel.setting.name == "sft"]
    assert {panel.trait for panel in sft} == {"bliss"} and len(sft) == study.seeds
    assert {cell.level for panel in sft for cell in panel.cells} == {60}
    assert study.setting("dpo").cycles == 9 and study.setting("sft").cycles == study.cycles
    assert [panel.seed for panel in study.panels() if panel.setting.name == "dpo"] == [0, 0, 0]
    assert {cell.beta for cell in study.setting("dpo").cells} == {0.1}
    assert len(study.setting("dpo-reinit").cells) == 2


@pytest.mark.parametrize(
    ("recipe", "alone"),
    [
        ({"training": {"learning_rate": 0.5}, "generation": {"temperature": 1.5}}, True),
        ({"accumulate": True}, False),
        ({"seed_share": 0.1}, False),
        ({"initial_share": 0.1}, False),
        ({"min_coherence": 50}, False),
    ],
)
def test_tables_know_a_settings_rates_and_what_it_trains_on(recipe, alone):
    setting = setting_of({"objective": "sft", "start": "initial", **recipe})
    (loop,) = StudyJobs(load(one({"objective": "sft", "start": "initial", **recipe}))).loops.loops
    assert loop.learning_rate == setting.section.training.learning_rate
    assert loop.temperature == setting.section.generation.temperature
    assert loop.own_samples_alone == alone
    assert (loop.learning_rate, loop.temperature) == (0.5, 1.5) or not alone


def test_doses_of_a_recipe_need_not_be_the_objectives():
    cells = {"levels": [33], "n_sampled": [7, "8"]}
    setting = setting_of({"objective": "sdf", "start": "initial", "cells": cells})
    assert [cell.name for cell in setting.cells] == ["level33_sampled7", "level33_sampled8"]
    cells = {"beta": ["1e-4"], "pairs": [3], "n_seed": "12"}
    setting = setting_of({"objective": "dpo", "start": "initial", "cells": cells})
    assert [(cell.beta, cell.pairs) for cell in setting.cells] == [(1e-4, 3)]
    assert setting.section.pairs_of_cycle_0 == 12


def test_a_recipe_with_one_kind_of_dose_drops_the_other():
    recipe = {"objective": "sft", "start": "initial"}
    setting = setting_of({**recipe, "cells": {"n_seed": [40, 50]}})
    assert {(cell.level, cell.n_seed) for cell in setting.cells} == {(None, 40), (None, 50)}
    of_section = {"sft": {"cells": {"n_seed": [40]}}}
    setting = setting_of({**recipe, "cells": {"levels": [70]}}, of_section)
    assert {(cell.level, cell.n_seed) for cell in setting.cells} == {(70, None)}
    setting = setting_of({**recipe, "cells": {"n_sampled": [5]}}, of_section)
    assert {(cell.n_seed, cell.n_sampled) for cell in setting.cells} == {(40, 5)}


def test_any_key_of_the_objectives_section_may_be_changed():
    lora = {"rank": "4", "target_modules": ["q_proj"]}
    own = {
        "seed_rows": 100,
        "calibration": {"n_seed_max": 80},
        "training": {"learning_rate": "1e-4", "lora": lora},
        "generation": {"temperature": 1},
    }
    setting = setting_of({"objective": "sft", "start": "initial", **own})
    plain = setting_of({"objective": "sft", "start": "initial"})
    section = setting.section
    assert (setting.seed_rows, setting.n_seed_max, setting.step) == (100, 80, plain.step)
    assert section.training.learning_rate == 1e-4 and section.training.lora.rank == 4
    assert section.training.lora.target_modules == ["q_proj"]
    assert section.training.lora.alpha == plain.section.training.lora.alpha
    assert section.generation.temperature == 1
    assert section.generation.max_new_tokens == plain.section.generation.max_new_tokens
    assert setting.changes == (
        "seed_rows 100; calibration.n_seed_max 80; training.learning_rate 0.0001; "
        "training.lora.rank 4; training.lora.target_modules [q_proj]; generation.temperature 1"
    )


def test_changes_name_what_makes_another_loop():
    default = BASE["dpo"]
    plain = {
        "objective": "dpo", "start": "previous", "seeds": 1, "cycles": 3, "traits": ["bliss"],
        "models": ["micro-instruct"], "cells": {"beta": [0.5], "n_seed": 7},
        "restart_at": [], "rejected_from": "initial", "seed_share": 0, "initial_share": 0,
        "min_coherence": None, "accumulate": False, "seed_rows": BASE["seed_rows"],
        "training": {"epochs": default["training"]["epochs"], "way": "one_by_one"},
        "generation": {},
    }  # fmt: skip
    assert setting_of(plain).changes == ""
    own = {"restart_at": [6, 3], "rejected_from": "two_back", "seed_share": 0.25,
           "initial_share": 0.5}  # fmt: skip
    setting = setting_of({"objective": "dpo", "start": "previous", **own, "min_coherence": 50})
    assert setting.restart_at == (3, 6)
    growing = {"objective": "sft", "start": "initial", "accumulate": True}
    assert setting_of(growing).changes == "accumulate True"
    assert setting.changes == (
        "restart_at [6, 3]; rejected_from two_back; seed_share 0.25; initial_share 0.5; "
        "min_coherence 50"
    )


@pytest.mark.parametrize(
    "nothing",
    [
        {"cells": None}, {"cells": {}}, {"cells": {"levels": None}}, {"training": None},
        {"training": {}}, {"training": {"lora": None}}, {"training": {"lora": {"rank": None}}},
        {"generation": {"temperature": None}}, {"calibration": None},
        {"calibration": {"step": None}}, {"seed_rows": None}, {"seed_source": None},
        {"seeds": None}, {"cycles": None}, {"min_coherence": None}, {"models": []}, {"traits": []},
        {"prompts": None}, {"prompts": "disjoint"},
    ],
    ids=str,
)  # fmt: skip
def test_null_changes_nothing(nothing):
    recipe = {"objective": "sft", "start": "previous"}
    assert setting_of({**recipe, **nothing}) == setting_of(recipe)


def test_a_key_that_is_given_as_its_default_gives_the_same_jobs():
    recipe = {"objective": "dpo", "start": "previous"}
    plain, given = (
        load(one({**recipe, **own})) for own in ({}, {"seed_share": 0, "seeds": BASE["seeds"]})
    )
    for panel, other in zip(plain.panels(), given.panels(), strict=True):
        jobs = [StudyJobs(s).finetune(p, 1) for s, p in ((plain, panel), (given, other))]
        assert jobs[0].to_json() == jobs[1].to_json()


def test_an_objective_may_have_seed_rows_and_a_search_of_its_own():
    own = {"seed_rows": 40, "calibration": {"n_seed_max": 40, "step": 8}}
    study = load({"sdf": own, "seed_rows": 400})
    jobs = StudyJobs(study)
    job = jobs.calibrate("sdf", "micro-base", "bliss")
    assert (job.cycle_zero.prompts.seed_rows, job.n_seed_max, job.step) == (40, 40, 8)
    job = jobs.calibrate("sft", "micro-instruct", "bliss")
    assert job == StudyJobs(load()).calibrate("sft", "micro-instruct", "bliss")
    rows = {p.setting.name: jobs.seed_data(p).prompts.seed_rows for p in study.panels()}
    assert (rows["sft"], rows["sdf"]) == (400, 40)


def test_the_recipes_of_the_documentation_load(tmp_path):
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^(?:    .*\n)+", text, flags=re.MULTILINE)
    assert len(blocks) == 5
    for block in blocks:
        (tmp_path / "mine.yaml").write_text(textwrap.dedent(block), encoding="utf-8")
        study = load(files=[tmp_path / "mine.yaml"], base=DEFAULT)
        assert study.panels()
        plain = {s.name for s in study.settings if not s.changes}
        assert plain <= {*DEFAULT_STUDY["settings"], "sft-counted", "best"}


# --- which settings share what


def test_twins_and_copies_of_the_default_study():
    study = load(base=DEFAULT)
    assert study.twins == TWINS and study.first_cycles == FIRST_CYCLES
    # one search finds the doses of all settings of an objective that have levels
    searched = [s for s in study.settings if any(cell.level for cell in s.cells)]
    assert study.calibrations == {s.name: s.objective for s in searched}
    levels = StudyJobs(study).calibrate("sft", "micro-instruct", "bliss").levels
    of_sft = [s for s in searched if s.objective == "sft"]
    assert {*levels} == {cell.level for s in of_sft for cell in s.cells}


@pytest.mark.parametrize(
    ("own", "first_cycles", "twins"),
    [
        ({}, FIRST_CYCLES, TWINS),
        # fewer panels and other cycles: the first cycle is the same
        ({"sft-continual": {"traits": ["lucky"]}, "dpo-reinit": {"seeds": 1, "cycles": 9}},
         FIRST_CYCLES, TWINS),
        # what only later cycles do is another loop with the same first cycle
        ({"sft": {"seed_share": 0.5}, "dpo": {"restart_at": [2]}}, FIRST_CYCLES, ()),
        ({"sft": {"seed_share": 0.5}, "sft-continual": {"seed_share": 0.5}}, FIRST_CYCLES, TWINS),
        ({"sft": {"prompts": "redrawn"}}, FIRST_CYCLES, (("dpo", "dpo-reinit"),)),
        ({name: {"prompts": "redrawn"} for name in ("dpo", "dpo-reinit")}, FIRST_CYCLES, TWINS),
        # other doses, or panels that the other setting has not
        ({"sft-continual": {"cells": {"levels": [60]}}, "dpo": {"seeds": 1}}, {}, TWINS),
        # no chain in common
        ({"sft-continual": {"cells": {"levels": [50]}}, "dpo": {"traits": ["lucky"]},
          "dpo-reinit": {"traits": ["bliss"]}}, {}, ()),
        # more prompts per cycle than the objective's doses need: other prompts
        ({"sft": {"cells": {"n_sampled": [60, 61]}}, "dpo": {"cells": {"n_seed": 9}}}, {}, ()),
    ],
)  # fmt: skip
def test_settings_share_what_their_recipes_do_not_change(own, first_cycles, twins):
    study = load(with_recipes(own))
    assert study.first_cycles == first_cycles
    assert study.twins == twins


@pytest.mark.parametrize(
    "key",
    ["generation.temperature", "training.learning_rate", "training.lora.rank", "seed_rows",
     "calibration.step"],
)  # fmt: skip
def test_a_change_of_one_setting_alone_makes_no_twin(key):
    recipe = {"objective": "sft", "start": "initial"}
    of_both = {name: {**recipe, **nested(key, 500 if key == "seed_rows" else 8)} for name in "ab"}
    of_both["b"]["start"] = "previous"
    study = load({"settings": of_both})
    assert study.twins == (("b", "a"),) and study.first_cycles == {"b": "a"}
    study = load({"settings": {**of_both, "b": {**recipe, "start": "previous"}}})
    assert study.twins == () and study.first_cycles == {}
    # a search for doses trains on seed rows alone: how samples are drawn does not change it
    shared = "a" if key == "generation.temperature" else "b"
    assert study.calibrations == {"a": "a", "b": shared}


def test_settings_that_differ_in_prompts_share_cycle_0_and_its_doses_and_are_no_twins():
    recipe = {"objective": "sft", "start": "initial"}
    redrawn = {**recipe, "start": "previous", "prompts": "redrawn", "cycles": 3}
    study = load({"settings": {"plain": recipe, "redrawn": redrawn}})
    assert study.first_cycles == {"redrawn": "plain"} and study.twins == ()
    assert study.calibrations == {"plain": "plain", "redrawn": "plain"}
    assert [s.changes for s in study.settings] == ["", "prompts redrawn"]
    panels = [p for p in study.panels() if p.setting.name == "redrawn"]
    jobs = StudyJobs(study)
    # cycle 0 samples the data of cycle 1, the last cycle none: neither draws again
    assert [jobs.sample(panels[0], cycle).prompts.redrawn for cycle in range(4)] == [
        False, True, True, False,
    ]  # fmt: skip
    of_objective = load({"settings": {"sft": recipe}, "sft": {"prompts": "redrawn"}})
    (setting,) = of_objective.settings
    assert (setting.section.prompts, setting.changes) == ("redrawn", "")


def test_the_first_of_several_settings_that_fit_is_the_twin():
    recipe = {"objective": "dpo", "start": "initial"}
    names = {
        "elsewhere": {**recipe, "traits": ["lucky"]},
        "first": recipe,
        "second": {**recipe, "seeds": 1},
        "on": {**recipe, "start": "previous", "traits": ["bliss"]},
        "on-longer": {**recipe, "start": "previous", "cycles": 9},
    }
    twins = load({"settings": names}).twins
    assert twins == (("on", "first"), ("on-longer", "elsewhere"))


changes = st.fixed_dictionaries(
    {
        "objective": st.sampled_from(["sft", "dpo"]),
        "start": st.sampled_from(["initial", "previous"]),
    },
    optional={
        "traits": st.lists(st.sampled_from(["bliss", "lucky"]), min_size=1, unique=True),
        "seeds": st.integers(1, 2),
        "cycles": st.integers(2, 4),
        "seed_share": st.sampled_from([0, 0.5]),
        "initial_share": st.sampled_from([0, 0.25]),
        "prompts": st.sampled_from(["disjoint", "redrawn"]),
        "seed_rows": st.sampled_from([400, 500]),
        "generation": st.fixed_dictionaries({"temperature": st.sampled_from([0.8, 1])}),
        "training": st.fixed_dictionaries({"epochs": st.sampled_from([1, 2])}),
    },
)


@given(st.lists(changes, min_size=2, max_size=4))
def test_shared_cycles_are_the_same_jobs_and_twins_differ_in_the_start_alone(recipes):
    study = load({"settings": {f"s{i}": recipe for i, recipe in enumerate(recipes)}})
    jobs = StudyJobs(study)
    for name, earlier in study.first_cycles.items():
        for panel in (p for p in study.panels() if p.setting.name == name):
            other = study.panel(earlier, panel.model.name, panel.trait, panel.seed)
            assert other in study.panels()
            assert jobs.finetune(panel, 0) == jobs.finetune(other, 0)
            assert jobs.sample(panel, 0) == jobs.sample(other, 0)
            assert jobs.seed_data(panel) == jobs.seed_data(other)
    for names in study.twins:
        pair = [study.setting(name) for name in names]
        assert [s.start for s in pair] == ["previous", "initial"]
        assert pair[0].changes == pair[1].changes
        panels = [study.panel(s.name, s.models[0], pair[0].traits[0], 0) for s in pair]
        last = min(s.cycles for s in pair)
        for cycle in range(last):
            assert jobs.finetune(panels[0], cycle) == jobs.finetune(panels[1], cycle)
            assert jobs.sample(panels[0], cycle) == jobs.sample(panels[1], cycle)
    for name, owner in study.calibrations.items():
        job = jobs.calibrate(owner, "micro-instruct", "bliss")
        assert {cell.level for cell in study.setting(name).cells} <= {*job.levels}


@given(changes)
def test_the_same_recipe_with_the_other_start_is_a_twin_and_shares_cycle_0(recipe):
    both = {f"from-{start}": {**recipe, "start": start} for start in ("previous", "initial")}
    study = load({"settings": both})
    assert study.twins == (("from-previous", "from-initial"),)
    assert study.first_cycles == {"from-initial": "from-previous"}


def test_the_first_model_of_dpo_may_imitate_the_seed_rows():
    own = {"dpo": {"cycle_0": "sft"}, "dpo-reinit": {"cycle_0": "sft"}}
    study, plain = load(with_recipes(own)), load()
    jobs = StudyJobs(study)
    assert study.first_cycles["dpo-reinit"] == "dpo"
    dpo = next(panel for panel in study.panels() if panel.setting.name == "dpo")
    first, second = (jobs.finetune(dpo, cycle) for cycle in (0, 1))
    assert dpo.setting.changes == "cycle_0 sft"
    assert first.imitates and not second.imitates
    assert first.training.learning_rate == study.sft.training.learning_rate
    assert first.training.lora == second.training.lora
    assert second.training.learning_rate == study.dpo.training.learning_rate
    assert second == StudyJobs(plain).finetune(dpo, 1)


def test_jobs_of_a_plain_loop_hold_no_key_of_another_one():
    own = {
        "dpo": {"restart_at": [2], "rejected_from": "two_back", "seed_share": 0.25,
                "initial_share": 0.5, "min_coherence": 20},
        "dpo-reinit": {"rejected_from": "two_back", "seed_share": 0.25, "min_coherence": 20},
    }  # fmt: skip
    study, changed = load(), load(with_recipes(own))
    plain, others = StudyJobs(study), StudyJobs(changed)
    assert {s.name for s in changed.settings if s.changes} == {"dpo", "dpo-reinit"}
    for panel, other in zip(study.panels(), changed.panels(), strict=True):
        for cycle in (0, 1, 2):
            job = plain.finetune(panel, cycle)
            assert job.seed_share == job.initial_share == 0
            if panel.setting.objective != "dpo" or cycle == 0:
                assert others.finetune(other, cycle) == job
            assert others.sample(other, cycle) == plain.sample(panel, cycle)
    dpo = next(panel for panel in changed.panels() if panel.setting.name == "dpo")
    shares = others.finetune(dpo, 1).seed_share, others.finetune(dpo, 1).initial_share
    assert shares == (0.25, 0.5)
    goes_on = [dpo.setting.goes_on(cycle) for cycle in range(4)]
    assert goes_on == [False, True, False, True]


def test_the_initial_model_writes_as_many_rows_as_the_largest_cell_needs():
    share = {"initial_share": 0.3, "prompts": "redrawn"}
    own = {"dpo": {**share, "cells": {"pairs": [10, 25]}}, "dpo-reinit": {"initial_share": 0.1}}
    study = load(with_recipes(own))
    jobs = StudyJobs(study)
    panel = study.panel("dpo", "micro-instruct", "bliss", 0)
    first, later = (jobs.initial_rows(panel, cycle) for cycle in (0, 1))
    assert first.rows == later.rows == 8 and first.panel.cells == ()
    # the prompts of the data that the model of the cycle itself writes
    assert [job.prompts for job in (first, later)] == [
        jobs.sample(panel, cycle).prompts for cycle in (0, 1)
    ]
    assert (first.prompts.redrawn, later.prompts.redrawn) == (False, True)
    assert first.generation == jobs.sample(panel, 0).generation


def test_objectives_of_one_section_share_cycle_0_and_their_search_for_doses():
    best = {"objective": "best_of_n", "start": "initial"}
    study = load(with_recipes({"best": best, "best-on": {**best, "start": "previous"}}))
    assert study.first_cycles["best"] == study.calibrations["best"] == "sft"
    assert ("best-on", "best") in study.twins and ("sft-continual", "best") not in study.twins
    plain, chosen = (study.setting(name) for name in ("sft", "best"))
    assert (plain.own_samples_alone, chosen.own_samples_alone) == (True, False)
    assert (plain.selection, chosen.selection.candidates, chosen.changes) == (None, 4, "")
    changed = {**best, "selection": {"candidates": 8, "by": ["trait"]}}
    assert load(with_recipes({"best": changed})).setting("best").changes == "selection.candidates 8"
