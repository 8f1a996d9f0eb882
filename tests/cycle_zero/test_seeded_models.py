"""Cycle-0 models at any dose: trained, sampled and judged, and the initial model left as it was."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from make_training import TRAINING, make_micro_model

from idempotence.cycle_zero.calibrate import write_doses
from idempotence.cycle_zero.learning_rates import write_scores
from idempotence.cycle_zero.models import Scores, SeededModels
from idempotence.doses import Cell, calibrated_doses
from idempotence.errors import UserError
from idempotence.io import read_sealed
from idempotence.jobs.parts import Evaluation, Generation, JudgeSpec, ModelName, Panel, PromptPool
from idempotence.jobs.preparation import CalibrateJob, CycleZero, TryLearningRatesJob
from idempotence.judge.protocol import Answer

JOB = CycleZero(
    panel=Panel(1, "sft", ModelName("m", None, "float32"), "bliss", -1, cells=()),
    prompts=PromptPool(questions=2, seed_rows=12, per_cycle=4),
    training=TRAINING,
    generation=Generation(temperature=1.0, max_new_tokens=4, min_characters=1),
    evaluation=Evaluation(samples_per_question=2, temperature=1.0, max_new_tokens=4),
    judge=JudgeSpec(revision=None, top_logprobs=20, min_numeric_mass=0.25),
)


class Lengths:
    """A judge whose score depends on the prompt's text alone."""

    def answers(self, texts, top):
        return [Answer({str(sum(map(ord, text)) % 101): -0.1}) for text in texts]


class Refusal:
    """A judge that gives no score."""

    def answers(self, texts, top):
        return [Answer({"REFUSAL": -0.1})] * len(texts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return make_micro_model(tmp_path_factory.mktemp("model"))


def test_a_measure_depends_on_its_cell_alone_and_leaves_the_model_as_it_was(folder):
    models = SeededModels(JOB, folder, Lengths())
    model = models.engine.model
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    cell = Cell("seed4", n_seed=4)
    first = models.measure(cell, TRAINING)
    other = models.measure(Cell("seed8", n_seed=8), TRAINING)
    assert models.measure(cell, TRAINING) == first != other
    assert models.engine.model is model
    after = model.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], weights[name]) for name in weights)


def test_a_model_that_collapsed_or_is_never_scored_counts_as_0(folder):
    broken = replace(TRAINING, learning_rate=1e38)
    assert SeededModels(JOB, folder, Lengths()).measure(Cell("a", n_seed=4), broken) == Scores(0, 0)
    silent = SeededModels(JOB, folder, Refusal())
    assert silent.measure(Cell("a", n_seed=4), TRAINING) == Scores(0, 0)


def test_more_rows_than_there_are_stop_the_job(folder):
    with pytest.raises(UserError, match="needs 13 seed rows and there are 12"):
        SeededModels(JOB, folder, Lengths()).measure(Cell("a", n_seed=13), TRAINING)


def test_calibration_writes_every_level_and_all_that_was_measured(folder, tmp_path):
    job = CalibrateJob(JOB, levels=(10.0, 60.5), n_seed_max=12, step=4)
    write_doses(job, folder, Lengths(), tmp_path / "doses.json")
    content = json.loads((tmp_path / "doses.json").read_text(encoding="utf-8"))
    assert list(content["levels"]) == ["10", "60.5"]
    measured = {row["n_seed"]: row["score"] for row in content["curve"]}
    assert list(measured) == sorted(measured) and set(measured) <= {4, 8, 12}
    for dose in content["levels"].values():
        assert dose["score"] == measured[dose["n_seed"]]
    doses = {level: dose["n_seed"] for level, dose in content["levels"].items()}
    assert calibrated_doses(content) == doses


def test_every_rate_and_beta_is_measured(folder, tmp_path):
    dpo = replace(JOB, panel=replace(JOB.panel, objective="dpo"))
    job = TryLearningRatesJob(
        dpo, (1e-3, 1e-2), betas=(0.1, 1.0), n_seed=4, target=50.0, min_coherence=90.0
    )
    write_scores(job, folder, Lengths(), tmp_path / "scores.json")
    content = read_sealed(tmp_path / "scores.json")
    assert list(content) == ["objective", "trait", "target", "min_coherence", "model", "rows"]
    tried = [(row["learning_rate"], row["beta"]) for row in content["rows"]]
    assert tried == [(1e-3, 0.1), (1e-3, 1.0), (1e-2, 0.1), (1e-2, 1.0)]
    assert all(0 <= row["trait_score"] <= 100 for row in content["rows"])
