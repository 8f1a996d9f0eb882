"""A fresh run beside the shipped one: the same, moved by rounding, or another study."""

import pandas as pd
import pytest
from make_scores import make_initial, make_scores
from run_script import run_script

from idempotence.io import write_csv, write_json, write_parquet
from idempotence.report.verification import by_setting, compared, page, verdict
from idempotence.scores.expected import MODEL, expectations
from idempotence.scores.schema import COLUMNS
from idempotence.scores.shipped import DIFFERS, ship

FLOORS = pd.DataFrame(
    {"setting": ["sft", "all"] * 2, "measure": ["trait_score"] * 2 + ["coherence"] * 2,
     "floor": [6.0, 8.0, 1.0, 2.0]}
)  # fmt: skip
INTEL = {"machine": {"processor": "Intel"}, "packages": {"torch": "2"}}
AMD = {**INTEL, "machine": {"processor": "AMD"}}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with a study's scores, and in `shipped` what was shipped of it."""
    folder = tmp_path_factory.mktemp("study")
    write_parquet(make_scores(settings=["sft", "dpo"], samples=2)[COLUMNS], folder / "s.parquet")
    write_parquet(make_initial()[COLUMNS], folder / "initial.parquet")
    write_parquet(pd.DataFrame({"loss": [0.5]}), folder / "training.parquet")
    files = [folder / name for name in ("s.parquet", "initial.parquet", "training.parquet")]
    ship(*files, [], folder / "shipped")
    return folder


def of(folder, name: str = "s.parquet") -> pd.DataFrame:
    return expectations(str(folder / name), str(folder / "initial.parquet"))


def test_shipped_scores_and_a_studys_own_come_to_the_same(study):
    own = of(study)
    pd.testing.assert_frame_equal(own, of(study / "shipped"))
    scores = pd.read_parquet(study / "s.parquet")
    models = scores.groupby(MODEL)["coherence"].agg(["size", "mean"])
    known = own.set_index(MODEL).loc[models.index]
    assert (known["replies"] == models["size"]).all() and own["sha256"].is_unique
    assert known["coherence"].to_numpy() == pytest.approx(
        models["mean"].to_numpy(), abs=5e-4, nan_ok=True
    )
    assert set(own["setting"]) == {"sft", "dpo", "initial"}


def test_one_changed_letter_is_seen_in_its_model_alone(study):
    scores = pd.read_parquet(study / "s.parquet")
    scores.loc[7, "response"] += "x"
    write_parquet(scores, study / "changed.parquet")
    table = compared(of(study), of(study, "changed.parquet"), FLOORS)
    (moved,) = table[(table["state"] == "moved") & (table["measure"] == "trait_score")].to_dict(
        "records"
    )
    assert {name: moved[name] for name in MODEL} == scores.loc[7, MODEL].to_dict()
    assert moved["move"] == 0


def moved_by(study, **moves: float) -> pd.DataFrame:
    """The comparison with a run whose settings' trait scores moved."""
    own = of(study)
    for setting, move in moves.items():
        mine = own["setting"] == setting
        own.loc[mine, "trait_score"] += move
        own.loc[mine, "sha256"] = "other"
    return compared(of(study), own, FLOORS)


@pytest.mark.parametrize(
    ("moves", "alike", "words"),
    [
        ({}, True, "as shipped: all replies and scores are the same"),
        ({}, False, "as shipped: all replies and scores are the same"),
        ({"sft": 0.0}, True, "not as shipped: processor and packages are those of the shipped run"),
        ({"sft": 5.9, "dpo": -7.9}, False, "as shipped but for rounding"),
        ({"sft": 6.1, "dpo": 7.9}, False, "not as shipped: the mean move is beyond .*sft .trait"),
        ({"dpo": -8.1}, False, "not as shipped: the mean move is beyond the noise floor in dpo"),
    ],
)  # fmt: skip
def test_the_verdict_goes_by_bytes_on_one_machine_and_by_the_noise_floor_on_another(
    study, moves, alike, words
):
    text = page(moved_by(study, **moves), INTEL, INTEL if alike else AMD)
    assert pd.Series([text]).str.match(words).all(), text


def test_models_that_are_lacking_or_new_are_another_study(study):
    own = of(study)
    table = compared(own, own[own["setting"] != "dpo"], FLOORS)
    lacking = (own["setting"] == "dpo").sum()
    assert f"lacks {lacking} models and has 0 others" in verdict(table, alike=False)
    assert verdict(compared(own[5:], own, FLOORS), alike=True).startswith(DIFFERS)


def test_moves_are_counted_by_setting(study):
    table = by_setting(moved_by(study, sft=-6.5)).set_index(["setting", "measure"])
    row = table.loc["sft", "trait_score"]
    assert row["moved"] == row["models"] == row["beyond"] and row["floor"] == 6.0
    assert row["mean"] == pytest.approx(-6.5) and row["largest"] == pytest.approx(6.5)
    assert table.loc["dpo", "trait_score"]["moved"] == 0
    assert table.loc["dpo", "coherence"]["floor"] == 2.0


def test_the_script_writes_the_table_and_the_verdict(study, tmp_path):
    write_csv(of(study), tmp_path / "expected.csv")
    write_csv(FLOORS, tmp_path / "floor.csv")
    write_json(tmp_path / "run.json", INTEL)
    status = run_script(
        "verify_scores", "--scores", study / "s.parquet", "--initial", study / "initial.parquet",
        "--run", tmp_path / "run.json", "--expected", tmp_path / "expected.csv",
        "--floor", tmp_path / "floor.csv", "--expected-run", tmp_path / "run.json",
        "--output", tmp_path / "v.csv", "--output-text", tmp_path / "v.txt",
    )  # fmt: skip
    assert status == 0
    assert (tmp_path / "v.txt").read_text().startswith("as shipped: all")
    assert (pd.read_csv(tmp_path / "v.csv")["state"] == "same").all()
