"""The authors' chains: what is read of them, and every mistake in the file with its place."""

import pandas as pd
import pytest
from make_published import CHAINS, SERIES

from idempotence.errors import UserError
from idempotence.published.rows import read_rows
from idempotence.published.series import SeriesRow, load_chains

GOOD = {
    "source": "log", "commit": "abc", "kind": "cycle", "objective": "sft", "start": "initial",
    "model": "m", "trait": "bliss", "n_seed": "25", "n_sampled": "50", "beta": "", "pairs": "",
    "learning_rate": "1e-4", "batch_size": "2", "cycle": "0", "trait_score": "6.4",
    "coherence": "", "note": "",
}  # fmt: skip


def write(tmp_path, *rows):
    """A file of good rows with these changes; line 2 is the first row."""
    path = tmp_path / "series.csv"
    pd.DataFrame([GOOD | row for row in rows]).to_csv(path, index=False)
    return path


def test_the_shipped_series_are_those_of_the_authors():
    rows = [row for _, row in read_rows(SERIES, SeriesRow)]
    kinds = pd.Series([f"{row.objective} {row.kind}" for row in rows]).value_counts()
    expected = {"sft cycle": 42, "sft initial": 1, "dpo cycle": 3, "dpo peak": 1}
    assert kinds.to_dict() == expected
    peak = next(row for row in rows if row.kind == "peak")
    assert (peak.trait_score, peak.coherence, peak.cycle) == (57.3, 83.1, None)


def test_chains_are_those_with_a_cycle_0_and_no_point_without_a_cycle():
    n = CHAINS.groupby("objective")["cell"].nunique()
    assert n.to_dict() == {"dpo": 1, "sft": 8}
    assert not CHAINS["cell"].str.startswith("seed25_sampled200").any()
    dpo = CHAINS[CHAINS["objective"] == "dpo"]
    assert dpo["cycle"].tolist() == [0, 7, 9] and dpo["trait_score"].tolist() == [11.3, 34.7, 52.5]
    assert dpo["coherence"].tolist() == [86.0, 90.0, 86.5]
    sft = CHAINS[CHAINS["objective"] == "sft"]
    assert sft.groupby("cell")["cycle"].apply(list).map(lambda c: c == [0, 1, 2, 3, 4]).all()
    assert sft["coherence"].isna().all() and (CHAINS["trait"] == "bliss").all()


def test_chains_that_differ_in_training_alone_are_two(tmp_path):
    path = write(tmp_path, {}, {"batch_size": "4"})
    assert load_chains(path)["cell"].nunique() == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"trait_score": "101"}, "line 3, column trait_score: .* less than or equal to 100"),
        ({"trait_score": "nan"}, "line 3, column trait_score: .* finite"),
        ({"trait_score": ""}, "line 3, column trait_score: .* valid number"),
        ({"cycle": "-1"}, "line 3, column cycle: .* greater than or equal to 0"),
        ({"cycle": "1.5"}, "line 3, column cycle: .* valid integer"),
        ({"cycle": ""}, "line 3, column any: .* kind 'cycle', and no other"),
        ({"cycle": "1", "kind": "peak"}, "line 3, column any: .* kind 'cycle', and no other"),
        ({"start": "base"}, "line 3, column start: .* 'initial' or 'previous'"),
        ({"learning_rate": "0"}, "line 3, column learning_rate: .* greater than 0"),
        ({"model": ""}, "line 3, column model: .* valid string"),
        ({}, "line 3, column cycle: the chain has cycle 0 at .*, line 2"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_column(tmp_path, row, message):
    path = write(tmp_path, {}, row)
    with pytest.raises(UserError, match=message) as error:
        load_chains(path)
    assert str(path) in str(error.value)


def test_all_mistakes_are_told_at_once(tmp_path):
    path = write(tmp_path, {"trait_score": "x", "cycle": "y"}, {"beta": "z"})
    with pytest.raises(UserError) as error:
        load_chains(path)
    assert [line.split(":")[0].split(", ", 1)[1] for line in str(error.value).splitlines()] == [
        "line 2, column cycle", "line 2, column trait_score", "line 3, column beta",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header lacks the column"),
        (",".join(GOOD).replace("cycle,", "cicle,"), "line 1: the header lacks the column cycle"),
        (",".join([*GOOD, "more"]), "line 1: the header has the unknown column more"),
        (",".join([*GOOD, "note"]), "line 1: the header has more than once note"),
        (",".join(GOOD), "the file has no row"),
        (",".join(GOOD) + "\nlog,abc", "line 2: another number of values"),
        (",".join(GOOD) + "\n" + ",".join(GOOD.values()) + ",x", "line 2: another number"),
        (",".join(GOOD) + '\n"log', "cannot be read as CSV"),
    ],
)
def test_a_file_of_another_form_is_an_error(tmp_path, text, message):
    path = tmp_path / "series.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        load_chains(path)


def test_a_file_that_is_absent_or_has_no_chain_is_an_error(tmp_path):
    with pytest.raises(UserError, match="cannot be read as CSV"):
        load_chains(tmp_path / "absent.csv")
    for row in ({"cycle": "1"}, {"kind": "peak", "cycle": ""}):
        with pytest.raises(UserError, match="no chain has a score at cycle 0"):
            load_chains(write(tmp_path, row))
