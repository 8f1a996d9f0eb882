"""Files of rows and tables: read as they were written, and what is broken named."""

import csv

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.errors import UserError
from idempotence.io import (
    as_written,
    inert,
    parquet_beside,
    read_jsonl,
    read_table,
    write_csv,
    write_jsonl,
    write_table,
)


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1}])
    assert read_jsonl(path) == [{"a": 1}]
    path.write_text('{"a": 1}\n{oops\n', encoding="utf-8")
    with pytest.raises(UserError, match="line 2"):
        read_jsonl(path)


def test_a_table_is_for_people_and_for_code(tmp_path):
    table = pd.DataFrame(
        {"share": [1 / 3, None], "n": pd.array([7, None], "Int64"), "why": ["", "ended"],
         "amplified": pd.array([True, None], "boolean")}
    )  # fmt: skip
    path = tmp_path / "tables" / "some.csv"
    write_table(table, path)
    assert path.read_text() == "share,n,why,amplified\n0.333333,7,,True\n,,ended,\n"
    pd.testing.assert_frame_equal(read_table(parquet_beside(path)), table, check_exact=True)
    write_table(table, path, exact=False)
    assert read_table(parquet_beside(path))["share"][0] == 0.333333


def test_a_table_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match="absent.parquet: no such file"):
        read_table(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(UserError, match="text.parquet: not a Parquet file"):
        read_table(tmp_path / "text.parquet")


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", '=HYPERLINK("http://x")', "\t=1", "-a",
            "=", "-", "'=1", "-1\n=2"]  # fmt: skip
HARMLESS = ["-1.5", "+3", "-1e-05", "a=b", "'quoted'", "", "3-4", "-5%", "<b>"]


def test_no_cell_of_a_csv_is_a_formula(tmp_path):
    table = pd.DataFrame({"=head": FORMULAS, "n": -1.5, "kind": pd.Categorical(FORMULAS)})
    write_csv(table, tmp_path / "a.csv")
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["'=head", "n", "kind"]
    assert [row[0] for row in rows] == [row[2] for row in rows] == [f"'{f}" for f in FORMULAS]
    assert {row[1] for row in rows} == {"-1.5"}


def test_a_carriage_return_ends_no_row_of_a_csv(tmp_path):
    write_csv(pd.DataFrame({"a": ["x\r=1", "y\r\nz"], "b": [1, 2]}), tmp_path / "a.csv")
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["x\n=1", "1"], ["y\nz", "2"]]


@given(st.text() | st.sampled_from(FORMULAS + HARMLESS))
def test_what_was_made_inert_reads_as_it_was(text):
    assert as_written(inert(text)) == text
    assert not inert(text).startswith(("=", "@"))


def test_numbers_and_other_texts_stay_as_they_are():
    assert [inert(text) for text in HARMLESS] == HARMLESS
    assert inert(None) is None and inert(-3) == -3
