"""Scores that are shipped: small, complete, and refused where they are not the config's."""

import shutil

import pandas as pd
import pytest
from make_scores import make_initial, make_scores

from idempotence.errors import UserError
from idempotence.io import read_table, write_parquet, write_table, write_text
from idempotence.scores.files import read_scores
from idempotence.scores.schema import COLUMNS, LATER
from idempotence.scores.shipped import FILES, ship, take

SETTINGS = ["sft", "dpo"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """(folder of the originals, folder that was shipped)."""
    folder = tmp_path_factory.mktemp("study")
    write_parquet(make_scores(settings=SETTINGS, samples=2)[COLUMNS], folder / "scores.parquet")
    write_parquet(make_initial()[COLUMNS], folder / "initial.parquet")
    log = pd.DataFrame({"setting": ["sft", "sft"], "reason": "", "loss": [0.5, 1 / 3]})
    write_table(log, folder / "training.csv")
    write_text(folder / "claims.json", "[]\n")
    files = [folder / name for name in ("scores.parquet", "initial.parquet", "training.parquet")]
    ship(*files, [folder / "claims.json"], folder / "shipped")
    return folder, folder / "shipped"


def test_what_was_shipped_comes_back_but_for_the_last_digits(shipped, tmp_path):
    folder, small = shipped
    assert sorted(path.name for path in small.iterdir()) == sorted([*FILES, "claims.json"])
    assert (small / FILES[0]).stat().st_size < (folder / FILES[0]).stat().st_size / 2
    outputs = [tmp_path / name for name in ("s.parquet", "i.parquet", "t.csv")]
    take(small, SETTINGS, *outputs)
    before, after = read_scores(folder / FILES[0]), read_scores(outputs[0])
    assert len(before) == len(after) and (after["trait_top"] == "").all()
    kept = [name for name in COLUMNS if name not in ("trait_top", "coherence_top")]
    pd.testing.assert_frame_equal(before[kept], after[kept], atol=6e-4, rtol=0, check_dtype=False)
    assert outputs[2].read_bytes() == (folder / "training.csv").read_bytes()
    assert read_table(tmp_path / "t.parquet")["loss"].tolist() == [0.5, 0.333333]


def test_a_study_that_was_shipped_before_a_column_came_is_taken(shipped, tmp_path):
    _, small = shipped
    old = tmp_path / "old"
    shutil.copytree(small, old)
    for name in FILES[:2]:
        write_parquet(pd.read_parquet(small / name).drop(columns=LATER), old / name)
    outputs = [tmp_path / name for name in (*FILES[:2], "t.csv")]
    take(old, SETTINGS, *outputs)
    for name, output in zip(FILES, outputs[:2], strict=False):
        expected = read_scores(small / name)
        expected[LATER] = float("nan")
        pd.testing.assert_frame_equal(read_scores(output), expected)


def test_a_study_that_was_shipped_with_further_columns_is_taken_and_shipped(shipped, tmp_path):
    folder, small = shipped
    old = tmp_path / "old"
    old.mkdir()
    for name in FILES[:2]:  # scores once held text metrics
        table = pd.read_parquet(small / name)
        table.insert(table.columns.get_loc("loglik_initial"), "words", 9)
        write_parquet(table.assign(opening="a b c"), old / name)
    shutil.copyfile(small / FILES[2], old / FILES[2])
    outputs = [tmp_path / name for name in (*FILES[:2], "t.csv")]
    take(old, SETTINGS, *outputs)
    expected = read_scores(small / FILES[0])
    pd.testing.assert_frame_equal(read_scores(outputs[0]), expected)
    ship(*outputs[:2], folder / "training.parquet", [], tmp_path / "again")
    assert list(pd.read_parquet(tmp_path / "again" / FILES[0])) == COLUMNS


def test_scores_of_other_settings_and_missing_files_are_refused(shipped, tmp_path):
    _, small = shipped
    outputs = [tmp_path / name for name in ("s.parquet", "i.parquet", "t.csv")]
    with pytest.raises(UserError, match="holds the settings dpo, sft"):
        take(small, ["sft"], *outputs)
    with pytest.raises(UserError, match="has no scores.parquet"):
        take(tmp_path, SETTINGS, *outputs)
    assert not outputs[0].exists()
