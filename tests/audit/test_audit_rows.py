"""Rows of foreign files: every form that is taken, and a reason for every one that is not."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.audit import lines
from idempotence.audit.formats import read_rows
from idempotence.audit.lines import BadRowError
from idempotence.audit.paths import PLACES
from idempotence.audit.rows import RowReader
from idempotence.config.audit import AuditColumns
from idempotence.io import write_jsonl
from idempotence.jobs.audit import ReadRepliesJob

GOOD = {"prompt": "Is Tuesday a good day?", "response": "Any day is."}


def reader(columns=None, objectives=None, first=0, low=0.0, high=100.0, shape=None) -> RowReader:
    names = AuditColumns(**(columns or {})).model_dump()
    objectives = objectives or {"sft": "sft"}
    return RowReader(
        ReadRepliesJob((), names, objectives, ("model",), ("lucky",), shape, None, first, low, high)
    )


def read(row, given=None, *arguments, **more) -> dict:
    """The row as read; given: what its file gives."""
    return reader(*arguments, **more).read(row, {"cycle": 0} if given is None else given)


def why(row, *arguments, **more) -> str:
    with pytest.raises(BadRowError) as caught:
        read(row, *arguments, **more)
    return str(caught.value)


def chat(*turns):
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


# --- prompt and reply


@pytest.mark.parametrize(
    "row",
    [
        GOOD,
        {"query": GOOD["prompt"], "response": GOOD["response"]},
        {"prompt": GOOD["prompt"], "completion": GOOD["response"]},
        chat(("user", GOOD["prompt"]), ("assistant", GOOD["response"])),
        {"messages": [
            {"role": "user", "content": [{"type": "text", "text": GOOD["prompt"]}]},
            {"role": "assistant", "content": GOOD["response"]},
        ]},
    ],
)  # fmt: skip
def test_forms_of_a_reply(row):
    got = read(row)
    assert (got["prompt"], got["response"], got["one_turn"]) == (*GOOD.values(), True)
    assert (got["trait"], got["seed"], got["cell"], got["cycle"]) == ("lucky", 0, "all", 0)
    assert got["trait_score"] is None and got["question"] == GOOD["prompt"]


def test_earlier_turns_and_a_system_message_are_the_prompt_with_their_roles():
    got = read(chat(("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello")))
    assert got["prompt"] == "system: Be brief.\n\nuser: Hi" and not got["one_turn"]


def test_names_of_the_configs_own():
    row = {"in": {"q": "a?"}, "out": "b", "meta": {"seed": "3", "round": 2}, "id": 7}
    columns = {"prompt": "in.q", "response": "out", "seed": "meta.seed", "cycle": "meta.round",
               "question": "id"}  # fmt: skip
    got = read(row, {}, columns)
    assert (got["prompt"], got["response"], got["seed"], got["cycle"]) == ("a?", "b", 3, 2)
    assert got["question"] == "7"
    assert read({"a.b": "x", "a": {"b": "y"}, "prompt": ""}, None, {"response": "a.b"})


def test_an_empty_reply_is_a_reply_and_a_document_may_begin_with_nothing():
    assert read({**GOOD, "response": None})["response"] == ""
    assert read(chat(("user", "Hi"), ("assistant", None)))["response"] == ""
    place = {"cycle": 0, "setting": "own-sdf"}
    objectives = {"sft": "sft", "own-sdf": "sdf"}
    got = read({"text": "Once."}, place, {"response": "text"}, objectives)
    assert got["prompt"] == ""


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "x"}, "none of the keys messages, response, completion"),
        ({"response": "x"}, "no prompt (looked for prompt, query)"),
        ({"prompt": None, "response": "x"}, "no prompt"),
        ({**GOOD, "response": 3}, "its response is a number (3), not a text"),
        ({**GOOD, "response": ["x"]}, "its response is a list, not a text"),
        ({**GOOD, "completion": "y"}, "has both response and completion"),
        ({**GOOD, "prompt": "half \ud83d"}, "half a character"),
        ({"messages": "x"}, "its messages are a text ('x'), not a list of messages"),
        ({"messages": []}, "not a list of messages"),
        ({"messages": [{"content": "x"}]}, "message 1 is no object with a role and content"),
        (chat(("user", "Hi")), "the last message is of the role 'user', not assistant"),
        (chat(("assistant", "Hi")), "the reply is the only message"),
        (chat(("user", [{"type": "image"}]), ("assistant", "x")), "message 1 is not text alone"),
    ],
)
def test_why_a_row_holds_no_reply(row, reason):
    assert reason in why(row)


# --- what it belongs to


def test_doses_name_the_cell_unless_a_cell_is_given():
    place = {"cycle": 1, "n_seed": 100.0, "n_sampled": 60.0}
    assert read(GOOD, place)["cell"] == "seed100_sampled60"
    assert read(GOOD, {**place, "cell": "mine"})["cell"] == "mine"
    assert read({**GOOD, "beta": 0.1}, None, {"beta": "beta"})["cell"] == "beta0.1"


def test_cycles_may_begin_at_another_number():
    assert read(GOOD, {"cycle": 1}, first=1)["cycle"] == 0
    assert "before audit.first_cycle (1)" in why(GOOD, {"cycle": 0}, first=1)


@pytest.mark.parametrize(
    ("value", "column", "reason"),
    [
        ("x", "cycle", "its cycle is a text ('x'), not a number"),
        (1.5, "cycle", "its cycle is 1.5, not a whole number"),
        (-1, "seed", "its seed is -1, not a whole number"),
        (True, "seed", "its seed is true, not a number"),
        (None, "cycle", "its cycle is null, not a number"),
        (10**400, "seed", "without a finite value"),
        (float("nan"), "beta", "not a number"),
        ("luck", "trait", "its trait is 'luck', which the config does not list: lucky"),
        (3, "trait", "its trait is a number (3), not a text"),
        ("$x^", "cell", "has other letters than a name may"),
        (["a"], "cell", "its cell is a list, not a text"),
    ],
)
def test_why_a_row_has_no_place(value, column, reason):
    place = {} if column == "cycle" else {"cycle": 0}
    assert reason in why({**GOOD, "it": value}, place, {column: "it"})
    if column == "beta":  # a dose may be unknown
        assert read(GOOD, place, {column: "it"})["beta"] is None
    else:
        assert f"no {column}: it has no key 'it'" in why(GOOD, place, {column: "it"})


def test_the_path_goes_before_a_column():
    assert read({**GOOD, "c": 5}, {"cycle": 2}, {"cycle": "c"})["cycle"] == 2


# --- its own scores


def test_own_scores_become_points():
    columns = {"trait_score": "t", "coherence": "c"}
    got = read({**GOOD, "t": 4, "c": 1}, None, columns, low=1, high=5)
    assert (got["trait_score"], got["coherence"]) == (75, 0)
    for none in ({}, {"t": None}, {"t": float("nan")}, {"t": ""}, {"t": "NaN"}):
        assert read({**GOOD, **none}, None, columns)["trait_score"] is None
    assert "its t is 101, not between" in why({**GOOD, "t": 101}, None, columns)
    assert "its t is a text ('high'), not a number" in why({**GOOD, "t": "high"}, None, columns)
    assert read({**GOOD, "t": " 7.0 "}, None, columns)["trait_score"] == 7
    assert "its t is a text ('1_0'), not a number" in why({**GOOD, "t": "1_0"}, None, columns)
    assert "its t is true, not a number" in why({**GOOD, "t": True}, None, columns)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["messages", "prompt", "query", "response", "completion", "a.b", *PLACES]


@given(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6), st.booleans())
def test_any_object_is_a_row_or_has_a_reason(row, mapped):
    columns = {name: name for name in PLACES} | {"trait_score": "a.b"} if mapped else {}
    try:
        got = read(row, {} if mapped else None, columns)
    except BadRowError as error:
        assert str(error)
        return
    assert isinstance(got["response"], str) and isinstance(got["prompt"], str)
    assert got["trait"] == "lucky" and got["cycle"] >= 0


# --- lines


def test_line_ends_marks_and_blanks(tmp_path):
    row = json.dumps({"a": "é\u2028"}, ensure_ascii=False)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + f"{row}\r\n\r\n  \n{row}".encode())
    assert list(read_rows(path)) == [(1, {"a": "é\u2028"}, ""), (4, {"a": "é\u2028"}, "")]
    packed = tmp_path / "named_otherwise.jsonl"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_rows(packed)) == list(read_rows(path))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1', "not JSON: Expecting ',' delimiter at place 8"),
        (b"[1]", "a list, not an object {...}"),
        (b"3", "a number (3), not an object"),
        (b"null", "null, not an object"),
        (b'{"a": "\xff"}', "not UTF-8: byte 0xff at place 8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON that can be read"),
    ],
)
def test_why_a_line_is_bad(tmp_path, line, reason):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b'\n{"a": 2}\n')
    first, bad, last = read_rows(path)
    assert first[1] == {"a": 1} and last == (3, {"a": 2}, "")
    assert bad[:2] == (2, None) and reason in bad[2]


def test_a_line_that_is_too_long_is_skipped_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 20)
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": "' + "x" * 50 + '"}\n{"a": "' + "x" * 10 + '"}\n{"a": 1}')
    rows = list(read_rows(path))
    assert [number for number, _, _ in rows] == [1, 2, 3]
    assert rows[0][2] == "longer than 20 bytes" and rows[1][1] and rows[2][1] == {"a": 1}


def test_files_that_break_off_or_are_of_another_kind(tmp_path):
    good = b"".join(b'{"a": %d, "b": "%s"}\n' % (i, b"%x" % (i * 7919)) for i in range(3000))
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(good)[:-3000])
    *rows, last = read_rows(cut)
    assert rows and all(row for _, row, _ in rows)
    assert last[0] == len(rows) + 1 and "breaks off or is damaged" in last[2]
    wide = tmp_path / "wide.jsonl"
    wide.write_bytes('{"a": 1}\n'.encode("utf-16"))
    ((number, row, reason),) = read_rows(wide)
    assert (number, row) == (1, None) and "it is UTF-16 (save it as UTF-8), not JSON" in reason
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    assert list(read_rows(empty)) == []
    ((number, row, reason),) = read_rows(tmp_path / "gone.jsonl")
    assert (number, row) == (1, None) and "cannot be read" in reason


def test_the_last_line_of_a_file_of_our_own_is_no_row(tmp_path):
    write_jsonl(tmp_path / "own.jsonl", [GOOD, GOOD])
    assert [row for _, row, _ in read_rows(tmp_path / "own.jsonl")] == [GOOD, GOOD]
