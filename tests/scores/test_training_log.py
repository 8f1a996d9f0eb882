"""The training log: a row for each step, and one for a chain that had ended."""

import pandas as pd
import pytest

from idempotence.errors import UserError
from idempotence.io import write_parquet, write_sealed
from idempotence.scores.training_log import KEY, RUN, STEP, gather

COST = {"reason": "", "way": "stacked", "rows": 8, "dropped": 0, "tokens": 90, "seconds": 0.5}
ENDED = {
    "reason": "no sample",
    "way": "stacked",
    "rows": 0,
    "dropped": 8,
    "tokens": 0,
    "seconds": 0.0,
}
STEPS = [{"step": 1, "loss": 0.7, "rewards/margins": 0.0}, {"step": 2, "loss": 0.5}]


@pytest.fixture
def study(tmp_path):
    """Folder of a study with two cells: one that trained for two steps, one that had ended."""
    chain = {"setting": "dpo", "model": "m", "trait": "bliss", "seed": 0, "cycle": 1}
    scores = pd.DataFrame([{**chain, "cell": name} for name in ("b", "b", "a")])
    write_parquet(scores, tmp_path / "scores.parquet")
    cells = tmp_path / "dpo/m/bliss/seed0/cycle1/adapters"
    write_sealed(cells / "a/training.json", {"status": "ok", **COST, "log": STEPS})
    write_sealed(cells / "b/training.json", {"status": "ended", **ENDED, "log": []})
    return tmp_path


def test_a_row_for_each_step_and_one_without_for_a_chain_that_had_ended(study):
    log = gather(study / "scores.parquet", study)
    assert list(log.columns) == [*KEY, *RUN, *STEP]
    assert log["cell"].tolist() == ["a", "a", "b"]
    assert log["status"].tolist() == ["ok", "ok", "ended"]
    assert set(log["way"]) == {"stacked"}
    assert log["step"].dtype == "Int64" and log["step"][:2].tolist() == [1, 2]
    assert pd.isna(log["step"][2]) and log["reason"][2] == "no sample"
    assert log["reward_margin"][0] == 0 and log["loss"][:2].tolist() == [0.7, 0.5]


def test_a_training_that_is_absent_is_named(study):
    (study / "dpo/m/bliss/seed0/cycle1/adapters/a/training.json").unlink()
    with pytest.raises(UserError, match="a/training.json is missing"):
        gather(study / "scores.parquet", study)
