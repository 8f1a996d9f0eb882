"""Numbers of cycles in files: cycles, training steps, other starts, gaps, two spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_audit import account_of, audit, chains_of, replies_of
from make_config import complaint

from idempotence.audit.cycles import are_steps, in_order, listed, ranges
from idempotence.errors import UserError


@pytest.mark.parametrize(
    ("numbers", "steps"),
    [
        ([], False), ([0], False), ([1], False), (range(30), False), ([0, 2, 4, 8], False),
        ([0, 500, 1000], True), ([0, 25000, 50000], True), ([500, 1000, 1003], True),
        ([0, 100], True), ([0, 1, 2, 3, 900], False),
    ],
)  # fmt: skip
def test_steps_are_recognised(numbers, steps):
    assert are_steps(list(numbers)) == steps


@pytest.mark.parametrize("numbers", [[0, 16, 32, 48], [0, 1, 2, 3, 25000]])
def test_where_it_is_not_clear_the_config_has_to_say(numbers):
    with pytest.raises(UserError, match="Set audit.cycles_are to cycles or steps"):
        are_steps(numbers)


@given(st.sets(st.integers(0, 10**6), max_size=30))
def test_ranges_hold_the_numbers_and_order_keeps_them(numbers):
    parts = [part.split("-") for part in ranges(numbers).split(", ") if part]
    read = [n for part in parts for n in range(int(part[0]), int(part[-1]) + 1)]
    assert read == sorted(numbers)
    places = in_order(numbers)
    assert places[0] == 0 and [places[n] for n in sorted({0, *numbers})] == list(range(len(places)))


def test_few_numbers_are_written_out_and_many_cut():
    assert ranges([0, 1, 2, 5]) == "0-2, 5" and listed([500, 0]) == "0, 500"
    assert listed(range(15)).endswith("11 and 3 more")


def test_checkpoints_become_cycles_with_a_note(here):
    for step in (0, 25000, 50000):
        here(f"a/{step}.jsonl", "a")
    for step in (0, 50000):
        here(f"b/{step}.jsonl", "a")
    over = audit("{cell}/{cycle}.jsonl")
    assert sorted(replies_of(over)["cycle"]) == [0, 0, 1, 2, 2]
    table = chains_of(over)
    assert table.loc["a", "cycles"] == "0-2" and table.loc["b", "missing"] == "1"
    assert "training steps 0, 25000, 50000 are taken as cycles" in table.loc["a", "warnings"]
    assert set(table["warnings"].str.contains("ends before cycle 4")) == {True}


def test_the_config_may_say_what_the_files_number(here):
    for number in (0, 500, 900):
        here(f"{number}.jsonl", "a")
    as_cycles = audit("{cycle}.jsonl", cycles_are="cycles")
    assert set(replies_of(as_cycles)["cycle"]) == {0, 500, 900}
    assert chains_of(as_cycles).loc["all", "missing"] == "1-499, 501-899"
    here("25000.jsonl", "a")
    with pytest.raises(UserError, match="no loop of over 1,000 cycles"):
        account_of(as_cycles)
    for number in (1, 2):
        here(f"c/{number}.jsonl", "a")
    as_steps = audit("c/{cycle}.jsonl", cycles_are="steps", first_cycle=1)
    assert sorted(replies_of(as_steps)["cycle"]) == [0, 1]


def test_where_no_chain_has_a_cycle_0_another_first_cycle_is_suggested(here):
    for cycle in (1, 2, 3):
        here(f"a/{cycle}.jsonl", "a")
    (note,) = chains_of(audit("{cell}/{cycle}.jsonl"))["warnings"]
    assert note == "no cycle 0: no verdict; if the files count from 1, set audit.first_cycle: 1"
    for step in (500, 1000):
        here(f"s/{step}.jsonl", "a")
    (note,) = chains_of(audit("s/{cycle}.jsonl"))["warnings"]
    assert "if the files count from 500, set audit.first_cycle: 500" in note
    (note,) = chains_of(audit("s/{cycle}.jsonl", first_cycle=500), from_cycle=1)["warnings"]
    assert "training steps 500, 1000 are taken" in note and "no cycle 0" not in note
    here("b/0.jsonl", "a")
    notes = chains_of(audit("{cell}/{cycle}.jsonl", cycles_are="cycles"))["warnings"]
    assert notes["a"] == "no cycle 0: no verdict"  # another chain counts from 0


def test_two_spellings_of_a_cycle_stop_before_any_job(here):
    here("r/cycle_1.jsonl", "a")
    here("r/cycle_01.jsonl", "a")
    message = complaint(audit("r/cycle_{cycle}.jsonl"))
    assert "r/cycle_01.jsonl and r/cycle_1.jsonl are of the same cycle" in message
    assert len(replies_of(audit("r/cycle_{cycle}*.jsonl"))) == 2  # parts
