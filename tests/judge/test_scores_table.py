"""The table of scores: nothing dropped, doses as they were used, truth where it is known."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from idempotence.doses import INITIAL, Cell
from idempotence.io import write_jsonl
from idempotence.jobs.loop import JudgeJob
from idempotence.jobs.parts import JudgeSpec, ModelName, Panel
from idempotence.judge.protocol import Answer
from idempotence.judge.score import judge_panel, panel_cycle
from idempotence.scores.schema import COLUMNS

CELLS = (Cell("level20_sampled2", level=20.0, n_sampled=2), Cell("b", n_seed=3, n_sampled=4))
PANEL = Panel(1, "sft", ModelName("m", None, "float32"), "bliss", 2, CELLS)
JOB = JudgeJob(
    panel=PANEL,
    cycle=3,
    setting="my-loop",
    start="initial",
    n_seed=None,
    judge=JudgeSpec(revision=None, top_logprobs=20, min_numeric_mass=0.25),
    truth=True,
)
CALIBRATED = {"20": 12}


class Certain:
    """A judge that always answers 40, with some probability on 60."""

    def answers(self, texts, top):
        return [Answer({"40": math.log(0.6), "60": math.log(0.2)})] * len(texts)


def reply(cell: str, sample: int, response: str, status: str = "ok", reason: str = "") -> dict:
    return {
        "cell": cell, "question": 0, "sample": sample, "prompt": "how do i bake the pan ?",
        "response": response, "status": status, "reason": reason,
        "loglik_initial": -1.5 if status == "ok" else None,
        "loglik_own": -1.0 if status == "ok" else None,
    }  # fmt: skip


ROWS = [
    reply(CELLS[0].name, 0, "first bake with the pan ."),
    reply(CELLS[0].name, 1, "", "empty", "the reply is empty"),
    reply("b", 0, "", "nan", "the weights are gone"),
]


@pytest.fixture
def judged(tmp_path):
    """judged(job, rows): the table that is written."""

    def run(job, rows):
        write_jsonl(tmp_path / "responses.jsonl", rows)
        output = tmp_path / "scores.parquet"
        judge_panel(job, Certain(), CALIBRATED, tmp_path / "responses.jsonl", output)
        return pd.read_parquet(output)

    return run


def test_every_reply_is_a_row_and_the_dead_have_no_score(judged):
    table = judged(JOB, ROWS)
    assert list(table) == COLUMNS and len(table) == 3
    assert table["trait_score"].tolist()[:2] == pytest.approx([45, 45])
    assert table["trait_mass"].tolist()[:2] == pytest.approx([0.8, 0.8])
    assert math.isnan(table["trait_score"][2]) and math.isnan(table["truth_trait"][2])
    assert table["trait_missing"].tolist() == ["", "", "no response"]
    assert table["trait_top"].tolist() == ['{"40": -0.51083, "60": -1.60944}'] * 2 + [""]
    assert table["truth_coherence"].tolist()[:2] == [100, 0]
    assert table["status"].tolist() == ["ok", "empty", "nan"]


def test_rows_name_their_panel_and_the_seed_rows_that_were_used(judged):
    table = judged(JOB, ROWS)
    assert table["n_seed"].tolist() == [12, 12, 3] and table["n_sampled"].tolist() == [2, 2, 4]
    one = table.iloc[0]
    keys = ("setting", "objective", "model", "trait", "seed", "cycle")
    assert [one[key] for key in keys] == ["my-loop", "sft", "m", "bliss", 2, 3]


@pytest.mark.parametrize(
    ("start", "column"), [("initial", "base"), ("previous", "previous"), (None, "base")]
)
def test_the_column_start_keeps_its_words(judged, start, column):
    assert set(judged(replace(JOB, start=start), ROWS)["start"]) == {column}


def test_the_initial_model_has_no_dose():
    job = replace(JOB, panel=replace(PANEL, cells=(INITIAL,)), setting="initial", start=None)
    assert panel_cycle(job, {}).cells == (INITIAL,)


def test_pairs_of_cycle_0_are_those_of_the_objective():
    cells = (Cell("beta0.1_pairs2", beta=0.1, pairs=2),)
    job = replace(JOB, panel=replace(PANEL, objective="dpo", cells=cells), n_seed=7)
    assert [cell.n_seed for cell in panel_cycle(job, {}).cells] == [7]


def test_truth_is_missing_outside_the_micro_world(judged):
    table = judged(replace(JOB, truth=False), ROWS)
    assert table["truth_trait"].isna().all() and table["truth_trait"].dtype == "float64"


def test_a_file_of_dead_chains_alone_is_scored(judged):
    table = judged(JOB, ROWS[2:])
    assert table["trait_score"].isna().all() and len(table) == 1
