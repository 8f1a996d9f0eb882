"""Files of replies in every form that is read; what is not read is named once."""

import bz2
import csv
import gzip
import json
import lzma
import os
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from make_audit import account_of, audit, replies_of
from make_config import ROOT, complaint, load

from idempotence.audit import lines
from idempotence.audit.formats import read_rows
from idempotence.audit.turns import TurnReader
from idempotence.workflow.study_jobs import StudyJobs

ROWS = [{"prompt": "q", "response": f"é\u2028\u0085 {i}", "n": i} for i in range(3)]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
NONE = {"messages": None, "prompt": None, "response": None}


def found(path) -> list:
    return [row for _, row, _ in read_rows(path)]


def why(path) -> str:
    """The reason of the one row of a file, which is bad."""
    ((number, row, reason),) = read_rows(path)
    assert (number, row) == (1, None)
    return reason


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as file:
        file.write(content)
    return sink.getvalue().to_pybytes()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd}


@pytest.mark.parametrize("kind", PACKERS)
def test_packed_files_are_known_by_their_first_bytes_and_may_break_off(tmp_path, kind):
    path = tmp_path / "named.otherwise"
    path.write_bytes(PACKERS[kind](LINES.encode()))
    assert found(path) == ROWS
    # letters that do not repeat, so that half of the file has rows
    many = "".join(json.dumps({"n": hash((i, kind)) % 10**15}) + "\n" for i in range(200_000))
    whole = PACKERS[kind](many.encode())
    path.write_bytes(whole[: len(whole) // 2])
    *rows, (number, row, reason) = read_rows(path)
    assert len(rows) > 1000 and all(row for _, row, _ in rows[:-1])
    assert row is None and number == rows[-1][0] + 1 and "breaks off or is damaged" in reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_mark(tmp_path, end, mark):
    path = tmp_path / "x.jsonl"
    path.write_bytes(mark + LINES.replace("\n", end).encode())
    assert [(n, row) for n, row, _ in read_rows(path)] == list(enumerate(ROWS, start=1))


def test_arrays_are_read_item_by_item(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    for indent in (None, 2):
        path.write_text(json.dumps([*ROWS, 3], indent=indent))
        assert found(path) == [*ROWS, None]
    path.write_text('[{"a": 1, "a": 2}]')
    assert "the key 'a' stands twice in one object" in why(path)
    path.write_text('[{"a": 1},\n {"a": ]')
    assert "nothing of the file can be read: not JSON" in why(path)
    path.write_text("[" * 100_000)
    assert "nested too deeply" in why(path)
    path.write_text('{\n "data": [\n 1]\n}\n')
    assert "a JSON object over several lines" in why(path)
    path.write_text('[1]\n{"a": 1}\n')
    assert found(path) == [None, {"a": 1}]
    monkeypatch.setattr(lines, "LARGEST_ARRAY", 20)
    path.write_text(json.dumps(ROWS))
    assert "a JSON array of over 20 bytes" in why(path)


def test_a_key_that_stands_twice_is_named(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"response": "a", "response": "b"}')
    assert why(path) == "the key 'response' stands twice in one object"


@pytest.mark.parametrize(
    ("name", "delimiter"), [("x.csv", ","), ("x.tsv", "\t"), ("x.csv.gz", ",")]
)
def test_csv_is_read(tmp_path, name, delimiter):
    path = tmp_path / name
    text = tmp_path / "plain"
    with open(text, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, ["prompt", "response", "n"], delimiter=delimiter)
        writer.writeheader()
        writer.writerows([*ROWS, {"prompt": "two\nlines, or", "response": "", "n": ""}, ROWS[0]])
    pack = gzip.compress if name.endswith("gz") else bytes
    path.write_bytes(pack(text.read_bytes()))
    texts = [{**row, "n": str(row["n"])} for row in ROWS]
    *_, empty, last = read_rows(path)
    assert found(path)[:3] == texts and last == (7, texts[0], "")
    assert empty[:2] == (5, {"prompt": "two\nlines, or", "response": "", "n": ""})


def test_rows_of_csv_that_are_bad(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'a,b\n1\n\xff,2\n"x"y,2\n3,4\n"open,1\n')
    numbers = [(n, row, why) for n, row, why in read_rows(path)]
    assert [n for n, *_ in numbers] == [2, 3, 4, 5, 6]
    assert numbers[3][1] == {"a": "3", "b": "4"}
    reasons = [why for *_, why in numbers]
    assert reasons[0] == "1 values, and the header names 2" and reasons[1] == "not UTF-8"
    assert reasons[2].startswith("not CSV: ") and reasons[4].startswith("not CSV: ")
    path.write_text("a,b,a\n1,2,3\n")
    assert "its header names 'a' twice" in why(path)
    path.write_text("a,b\n")
    assert found(path) == []
    path.write_text(LINES, encoding="utf-8")  # JSON lines under another name
    assert found(path) == ROWS


def test_csv_of_scores_becomes_replies(here, tmp_path):
    table = pd.DataFrame({"prompt": "q", "response": ["a", None], "score": [3.5, None], "beta": ""})
    for cycle in (0, 1):
        table.assign(round=cycle).to_csv(tmp_path / f"{cycle}.csv", index=False)
    columns = {"cycle": "round", "trait_score": "score", "beta": "beta"}
    replies = replies_of(audit("*.csv", columns=columns))
    assert list(replies["cycle"]) == [0, 0, 1, 1] and set(replies["cell"]) == {"all"}
    assert list(replies["status"]) == ["ok", "empty"] * 2
    assert replies["trait_score"].fillna(-1).tolist() == [3.5, -1] * 2


def test_a_changed_byte_of_parquet_is_a_bad_row_and_never_a_traceback(tmp_path):
    path = tmp_path / "x"
    pq.write_table(pa.table({"response": ["r", "s"], "n": [1, 2]}), path, write_page_checksum=True)
    whole, rows = path.read_bytes(), found(path)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for i in range(4, len(whole)):
        for bit in range(8) if i >= footer else [i % 8]:
            path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << bit]) + whole[i + 1 :])
            read = list(read_rows(path))
            bad = any(row is None for _, row, _ in read)
            assert bad or i >= footer or [row for _, row, _ in read] == rows


def test_a_time_that_no_calendar_has_is_a_bad_row(tmp_path):
    path = tmp_path / "x"
    times = pa.array([0, 2**61], pa.timestamp("ms"))
    pq.write_table(pa.table({"response": ["r", "s"], "t": times}), path)
    assert "is damaged" in why(path)


def test_parquet_is_read_and_a_broken_one_is_one_bad_row(tmp_path):
    path = tmp_path / "x"
    turns = [[{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]] * 2
    pq.write_table(pa.table({"messages": turns, "n": [1, 2]}), path)
    assert found(path) == [{"messages": turns[0], "n": n} for n in (1, 2)]
    path.write_bytes(path.read_bytes()[:-40])
    assert "breaks off or is damaged" in why(path)
    path.write_bytes(gzip.compress(b"PAR1 and more"))
    assert "a Parquet file that is packed once more" in why(path)
    path.write_bytes(gzip.compress(b"PK\x03\x04 and more"))
    assert "a zip archive" in why(path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04rest", "a zip archive (as xlsx and numpy's npz are)"),
        (b"\x80\x04rest", "a Python pickle"),
        (b"ARROW1\x00\x00", "an Arrow (Feather) file"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"name" + b"\x00" * 253 + b"ustar", "a tar archive"),
        (b"\x01\x02\x00" * 5000, "binary, of an unknown kind"),
    ],
)
def test_files_of_other_kinds_are_named_once(tmp_path, content, kind):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content + b"\nand\nlines\n")
    assert kind in why(path) and "not JSON lines, a JSON array, CSV or Parquet" in why(path)


# --- shapes


def test_sharegpt_and_alpaca_by_name(here):
    turns = [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}]
    here("s/0.jsonl", {"conversations": turns}, {"conversations": [{"role": "user"}]}, "a")
    account = account_of(audit("s/{cycle}.jsonl", shape="sharegpt"))
    (reply,) = account.replies
    assert (reply["prompt"], reply["response"], reply["one_turn"]) == ("u", "a", True)
    assert account.bad[0]["why"] == "message 1 is no object with a from and value"
    assert account.bad[1]["why"] == "no reply: it has none of the keys conversations"
    here("a/0.jsonl", {"instruction": "i", "input": "x", "output": "o"},
         {"instruction": "i", "input": "", "output": "p", "messages": []})  # fmt: skip
    table = replies_of(audit("a/{cycle}.jsonl", shape="alpaca"))
    assert table[["prompt", "response"]].to_numpy().tolist() == [["i\n\nx", "o"], ["i", "p"]]
    own = TurnReader({**NONE, "response": "out"}, "alpaca").read(
        {"instruction": "i", "out": "o"}, "chat"
    )
    assert (own.prompt, own.response) == ("i", "o")
    message = complaint(audit("a/{cycle}.jsonl", shape="alpaca", columns={"messages": "m"}))
    assert "is not allowed with audit.shape: alpaca" in message


# --- paths


def test_the_home_folder_and_what_is_no_file(here, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    here("home/runs/0.jsonl", "a")
    assert len(replies_of(audit("~/runs/{cycle}.jsonl"))) == 1
    here("r/0.jsonl", "a")
    os.symlink("nowhere.jsonl", tmp_path / "r/1.jsonl")
    message = complaint(audit("r/{cycle}.jsonl"))
    assert "r/1.jsonl is a link to nowhere.jsonl, which is not there" in message
    (tmp_path / "d/0.jsonl").mkdir(parents=True)
    assert "d/0.jsonl is a folder" in complaint(audit("d/{cycle}.jsonl"))


# --- many rows


READ = r"""
import re, resource, sys
from pathlib import Path
from idempotence.audit.read import ReplyReader, replies_table
from idempotence.io import write_parquet
from idempotence.jobs.audit import ReadRepliesJob
account = ReplyReader(ReadRepliesJob.from_json(sys.argv[1])).read()
write_parquet(replies_table(account.replies), Path("replies.parquet"))
used = resource.getrusage(resource.RUSAGE_SELF)
# of this program alone: ru_maxrss begins with what its parent had
largest = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
print(used.ru_utime + used.ru_stime, int(largest[1]) / 1024)
"""


@pytest.mark.slow
def test_100_000_rows_in_a_minute_and_700_mb_with_progress_in_the_log(here):
    for cycle in range(5):
        here(f"{cycle}.jsonl", *({"prompt": f"q{i % 99}", "response": f"{i} again" * 40}
                                 for i in range(20_000)))  # fmt: skip
    job = StudyJobs(load(audit("{cycle}.jsonl"))).read_replies()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", READ, job.to_json()],
        check=True, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    *progress, total, used = done.stdout.splitlines()
    assert len(progress) == 10 and progress[0] == "10,000 rows read, now in 0.jsonl"
    assert total == "100,000 rows of 5 files read, 0 bad"
    seconds, megabytes = map(float, used.split())
    assert seconds < 60 and megabytes < 700
