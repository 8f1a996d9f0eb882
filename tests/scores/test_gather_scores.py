"""The study's one file of scores: complete, ordered, and refused when it cannot be."""

import pandas as pd
import pytest
from make_scores import write_panels

from idempotence.errors import UserError
from idempotence.io import write_parquet
from idempotence.scores.files import gather_scores, read_scores
from idempotence.scores.schema import CHAIN, COLUMNS, ORDER


def test_columns_are_those_that_the_judge_writes():
    judge = pytest.importorskip("idempotence.judge.score")
    assert COLUMNS == judge.COLUMNS


def test_gathering_is_the_same_in_any_order(tmp_path):
    paths = write_panels(tmp_path, settings=["dpo", "sft"], traits=["lucky"], seeds=2, samples=1)
    n = gather_scores(paths, tmp_path / "one.parquet")
    gather_scores(paths[::-1], tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    whole = read_scores(tmp_path / "one.parquet")
    assert list(whole.columns) == COLUMNS
    assert len(whole) == n == sum(len(pd.read_parquet(path)) for path in paths)
    assert whole[ORDER].equals(whole[ORDER].sort_values(ORDER, ignore_index=True))
    chains = whole[CHAIN].drop_duplicates()
    for few in (chains.iloc[:0], chains.iloc[1:3]):
        read = read_scores(tmp_path / "one.parquet", [*CHAIN, "response"], few)
        expected = whole.merge(few)[read.columns]
        pd.testing.assert_frame_equal(read, expected)


def test_gathering_in_parts_loses_nothing(tmp_path, monkeypatch):
    paths = write_panels(tmp_path, settings=["sft"], traits=["lucky"], seeds=1, samples=1)
    gather_scores(paths, tmp_path / "one.parquet")
    monkeypatch.setattr("idempotence.scores.files.ROWS_HELD", 30)
    gather_scores(paths, tmp_path / "two.parquet")
    one, two = (read_scores(tmp_path / f"{name}.parquet") for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)


def test_gathering_refuses_what_it_cannot_vouch_for(tmp_path):
    paths = write_panels(tmp_path, settings=["sft"], traits=["lucky"], seeds=1, cycles=2, samples=1)
    frame = pd.read_parquet(paths[0])
    out = tmp_path / "out.parquet"
    cases = {
        "lacks the column(s) coherence_top": frame.drop(columns="coherence_top"),
        "mixes 2 panels or cycles": pd.concat([frame, frame.assign(cycle=5)]),
        "has no rows": frame.iloc[:0],
        "more than once": pd.concat([frame, frame.iloc[:1]]),
        "another type": frame.assign(trait_score="high"),
    }
    for message, broken in cases.items():
        write_parquet(broken, tmp_path / "broken.parquet")
        with pytest.raises(UserError, match=message.replace("(", r"\(").replace(")", r"\)")):
            gather_scores([tmp_path / "broken.parquet"], out)
    with pytest.raises(UserError, match="both hold setting sft"):
        gather_scores([paths[0], paths[0]], out)
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(UserError, match="not a whole Parquet file"):
        gather_scores([tmp_path / "text.parquet"], out)
    with pytest.raises(UserError, match="no such file"):
        gather_scores([tmp_path / "absent.parquet"], out)
    assert not out.exists() and not list(tmp_path.glob(".*tmp"))
