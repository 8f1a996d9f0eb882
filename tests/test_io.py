"""Files of rows and tables: read as they were written, and what is broken or cut short named."""

import csv
import json
import os
import random

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.errors import UserError
from idempotence.io import (
    CHECKED,
    FOOTER_SEAL,
    as_written,
    columns_of,
    inert,
    lines_of,
    parquet_beside,
    read_arrow,
    read_json,
    read_jsonl,
    read_sealed,
    read_table,
    read_text,
    write_arrow,
    write_csv,
    write_jsonl,
    write_parquet,
    write_sealed,
    write_table,
    write_text,
)

BREAKS = "\u2028\u2029\x85\x0b\x0c\x1c\r"  # at which str.splitlines, but no JSON, ends a line
ROWS = [{"response": f"{i} {BREAKS}", "status": "ok"} for i in range(5)]


@given(st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])),
                                st.text(st.characters(exclude_categories=["Cs"])))))  # fmt: skip
def test_rows_come_back_whatever_their_texts(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_jsonl(path, rows)
    assert read_jsonl(path) == rows


def test_the_last_line_numbers_the_rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)
    *rows, end = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert [json.loads(row) for row in rows] == ROWS and json.loads(end)["rows"] == len(ROWS)


def test_rows_without_their_last_lines_are_refused(tmp_path):
    path = tmp_path / "responses.jsonl"
    write_jsonl(path, ROWS)
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    for kept in range(len(lines)):
        write_text(path, "".join(f"{line}\n" for line in lines[:kept]))
        with pytest.raises(UserError, match="responses.jsonl is cut short.*start again"):
            read_jsonl(path)
    write_text(path, "\n".join([*lines[:2], lines[-1]]) + "\n")
    with pytest.raises(UserError, match="responses.jsonl has 2 rows, and 5 were written"):
        read_jsonl(path)


def _broken(content: bytes) -> list[bytes]:
    """A file cut short, and with single bits changed, at many places."""
    draw = random.Random(0)
    places = draw.sample(range(len(content)), min(200, len(content)))
    flipped = [content[:i] + bytes([content[i] ^ 1 << i % 8]) + content[i + 1 :] for i in places]
    return [content[:i] for i in places] + flipped


def test_rows_that_are_cut_or_changed_are_one_message_with_the_files_name(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)
    whole = path.read_bytes()
    for content in _broken(whole):
        path.write_bytes(content)
        if content + b"\n" != whole:  # what lacks nothing but its last line feed is whole
            with pytest.raises(UserError, match=r"rows\.jsonl"):
                read_jsonl(path)


def test_a_sealed_object_is_itself_or_one_message_with_the_files_name(tmp_path):
    path, value = tmp_path / "training.json", {"status": "ok", "log": [{"loss": 0.1, "n": None}]}
    write_sealed(path, value)
    assert read_sealed(path) == value and list(read_json(path)) == ["status", "log", "sha256"]
    for content in _broken(path.read_bytes()):
        path.write_bytes(content)
        try:
            assert read_sealed(path) == value  # a blank between keys has changed
        except UserError as error:
            assert "training.json" in str(error)


def test_parquet_that_is_cut_or_changed_is_one_message_with_the_files_name(tmp_path):
    path = tmp_path / "scores.parquet"
    table = pd.DataFrame(
        {"score": [i / 7 for i in range(99)], "text": [f"t{i}" for i in range(99)]}
    )
    write_parquet(table, path)
    content = path.read_bytes()
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for i in range(0, end, 3):  # the pages, which hold the rows
        path.write_bytes(content[:i] + bytes([content[i] ^ 16]) + content[i + 1 :])
        for read in (lambda p: read_arrow(p).to_pandas(), read_table):
            try:
                pd.testing.assert_frame_equal(read(path), table)
            except UserError as error:
                assert "scores.parquet: not a whole Parquet file" in str(error)
    for broken in _broken(content):
        path.write_bytes(broken)
        try:
            pd.testing.assert_frame_equal(read_table(path), table)  # the seal's mark has changed
        except UserError as error:
            assert "scores.parquet" in str(error)


def test_a_column_that_is_read_alone_has_all_its_rows(tmp_path):
    path = tmp_path / "scores.parquet"
    table = pa.table({"score": [i / 7 for i in range(9)]})
    write_arrow(table, path)
    content = path.read_bytes()
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for i in range(4, end):
        for bit in range(8):  # a page of another kind, say, which is passed over
            path.write_bytes(content[:i] + bytes([content[i] ^ 1 << bit]) + content[i + 1 :])
            for read in (read_arrow, lambda p, columns: pa.table(read_table(p, columns=columns))):
                try:
                    assert read(path, columns=["score"]).to_pydict() == table.to_pydict()
                except UserError as error:
                    assert "scores.parquet: not a whole Parquet file" in str(error)


def test_a_changed_footer_is_a_message(tmp_path):
    path = tmp_path / "scores.parquet"
    write_parquet(pd.DataFrame({"score": [1.0], "text": ["a"]}), path)
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for i in range(start, len(content)):
        path.write_bytes(content[:i] + bytes([content[i] ^ 1 << i % 8]) + content[i + 1 :])
        for read in (read_arrow, read_table, columns_of):
            with pytest.raises(UserError, match="scores.parquet: not a whole Parquet file"):
                read(path)


def test_files_without_checksums_are_read(tmp_path):
    table = pa.table({"score": [1.0, 2.0], "text": ["a", "b"]})
    pq.write_table(table, tmp_path / "old.parquet")
    assert read_arrow(tmp_path / "old.parquet") == table
    assert read_table(tmp_path / "old.parquet")["score"].tolist() == [1.0, 2.0]


def test_other_readers_read_what_is_written_and_its_pages_are_as_without_a_seal(tmp_path):
    table = pa.table({"score": [1.0, 2.0], "text": ["a", "b"]})
    write_arrow(table, tmp_path / "new.parquet")
    pq.write_table(table, tmp_path / "plain.parquet", **CHECKED)
    assert pq.read_table(tmp_path / "new.parquet") == table
    assert pq.read_table(tmp_path / "new.parquet", memory_map=True, pre_buffer=False) == table
    plain, new = ((tmp_path / f"{name}.parquet").read_bytes() for name in ("plain", "new"))
    start = len(plain) - 8 - int.from_bytes(plain[-8:-4], "little")
    assert new[:start] == plain[:start] and new.endswith(plain[start:])
    assert new[start:].startswith(FOOTER_SEAL) and len(new) == len(plain) + len(FOOTER_SEAL) + 32


def test_lines_end_at_line_feeds_alone_and_a_byte_order_mark_is_taken_off(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_bytes(b"\xef\xbb\xbf" + f"one{BREAKS}\ntwo\n\nthree".encode())
    assert lines_of(read_text(path)) == [f"one{BREAKS}", "two", "", "three"]
    assert lines_of("") == [] and lines_of("\n") == [""]
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert read_json(path) == {}


@pytest.mark.parametrize("content", [b"\xff\xfe{\x00}\x00", b"[" * 99_999, b"", b'{"a": '])
def test_json_that_is_none_is_one_message_with_the_files_name(tmp_path, content):
    path = tmp_path / "claims.json"
    path.write_bytes(content)
    for read in (read_json, read_jsonl, read_sealed):
        with pytest.raises(UserError, match=r"claims\.json"):
            read(path)


def test_a_full_disk_is_one_message_with_the_path_and_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match=r"rows\.jsonl cannot be written: No space left on device"):
        write_jsonl(path, [])
    assert read_jsonl(path) == ROWS and [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]


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
    with pytest.raises(UserError, match="text.parquet: not a whole Parquet file"):
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
