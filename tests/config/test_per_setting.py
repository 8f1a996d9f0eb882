"""Settings that are smaller or longer than the study, and studies made of shipped scores."""

import pytest
from make_config import complaint, load

from idempotence.workflow.study_jobs import Plan


def test_a_setting_may_be_smaller_or_longer_than_the_study():
    own = {
        "sft": {"levels": [60], "traits": ["bliss"]},
        "dpo": {"cycles": 9, "seeds": 1, "beta": [0.1]},
    }
    study = load({"per_setting": own})
    sft = [panel for panel in study.panels() if panel.setting == "sft"]
    assert {panel.trait for panel in sft} == {"bliss"} and len(sft) == study.seeds
    assert {cell.level for panel in sft for cell in panel.cells} == {60}
    assert study.last_cycle("dpo") == 9 and study.last_cycle("sft") == study.cycles
    assert [panel.seed for panel in study.panels() if panel.setting == "dpo"] == [0, 0, 0]
    assert {cell.beta for cell in study.cells("dpo")} == {0.1}
    assert len(study.cells("dpo-reinit")) == 2


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"sft": {"levels": [30]}}, "per_setting.sft.levels.0: 30 is not one of sft.cells.levels"),
        ({"dpo": {"levels": [20]}}, "is no dose of dpo; there are beta, pairs"),
        ({"sdf": {"traits": ["lucy"]}}, "'lucy' is not one of traits"),
        ({"sdff": {}}, "did you mean sdf?"),
        ({"dpo": {"cycles": 0}}, "per_setting.dpo.cycles"),
    ],
)
def test_what_a_setting_has_of_its_own_is_checked(own, told):
    assert told in complaint({"per_setting": own})


def test_prompts_must_be_enough_for_the_longest_setting():
    assert "cycles (200)" in complaint(
        {"per_setting": {"dpo-reinit": {"cycles": 200}}},
        prompts={"chat": 9000, "document": 9000},
    )


def test_shipped_scores_must_be_a_folder():
    assert "is not a folder here" in complaint({"scores_from": "nowhere"})


@pytest.mark.parametrize(
    ("own", "twins"),
    [
        ({}, {"sft-continual": "sft", "dpo-reinit": "dpo"}),
        # fewer panels, other cycles and what only later cycles do: the first cycle is the same
        ({"sft": {"seed_share": 0.5}, "sft-continual": {"traits": ["lucky"], "seed_share": 0.5},
          "dpo-reinit": {"seeds": 1, "cycles": 9}},
         {"sft-continual": "sft", "dpo-reinit": "dpo"}),
        # other doses, or panels that the other setting has not
        ({"sft-continual": {"levels": [60]}, "dpo": {"seeds": 1}}, {}),
    ],
)  # fmt: skip
def test_settings_that_differ_in_later_cycles_alone_have_the_same_first_one(own, twins):
    plan = Plan(load({"per_setting": own}))
    assert plan.twins() == twins
    for setting, twin in twins.items():
        for panel in (p for p in plan.study.panels() if p.setting == setting):
            other = plan.study.panel(twin, panel.model.name, panel.trait, panel.seed)
            assert plan.finetune(panel, 0) == plan.finetune(other, 0)
            assert plan.sample(panel, 0) == plan.sample(other, 0)


def test_an_objective_may_have_seed_rows_and_a_search_of_its_own():
    own = {"seed_rows": 40, "calibration": {"n_seed_max": 40, "step": 8}}
    study = load({"sdf": own, "seed_rows": 400})
    told = {objective: Plan(study).calibrate(objective, model, "bliss") for objective, model
            in (("sft", "micro-instruct"), ("sdf", "micro-base"))}  # fmt: skip
    assert [told["sdf"][key] for key in ("seed_rows", "n_seed_max", "step")] == [40, 40, 8]
    assert told["sft"] == Plan(load()).calibrate("sft", "micro-instruct", "bliss")
    (sft, *_, sdf) = [p for p in study.panels() if p.setting in ("sft", "sdf")]
    assert [Plan(study).seed_data(panel)["seed_rows"] for panel in (sft, sdf)] == [400, 40]


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"sdf": {"seed_rows": 40}}, "400 is beyond the rows there are: at most sdf.seed_rows (40)"),
        ({"sft": {"calibration": {"n_seed_max": "401"}}}, "sft.calibration.n_seed_max: 401 is beyond"),
        ({"sft": {"calibration": {"step": 500}}}, "below sft.calibration.step (500)"),
        ({"dpo": {"seed_rows": 8}}, "dpo.cells.n_seed: 100 is beyond the rows"),
    ],
)  # fmt: skip
def test_what_an_objective_has_of_its_own_is_checked(own, told):
    assert told in complaint(own)
