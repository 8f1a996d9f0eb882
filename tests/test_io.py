"""Files of rows and tables: read as they were written, and what is broken named."""

import pandas as pd
import pytest

from idempotence.errors import UserError
from idempotence.io import parquet_beside, read_jsonl, read_table, write_jsonl, write_table


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
