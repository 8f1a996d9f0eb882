"""What an audit says of files that lost rows, keys that no row has, and runs that it merges."""

import numpy as np
import pandas as pd
import pytest
from make_audit import account_of, audit, chains_of, replies_of
from make_config import complaint
from make_scores import make_scores

from idempotence.audit.reasons import counted
from idempotence.errors import UserError
from idempotence.stats.amplification import chains
from idempotence.stats.trajectories import enough, mean_scores, trajectories

NO_REPLY = {"prompt": "q"}


# --- files and chains that lost rows


def test_files_that_lost_rows_have_a_note_with_counts_and_reasons(here):
    here("a/0.jsonl", *["a"] * 10)
    here("a/1.jsonl", *["a"] * 4)
    here("a/2.jsonl", "a", *[NO_REPLY] * 9)
    here("a/3.jsonl", *[NO_REPLY] * 3, {"prompt": "q", "response": 3}, {**NO_REPLY, "response": 4})
    here("a/4.jsonl")
    here("a/5.jsonl", *["a"] * 5)
    notes = {
        row["file"][2]: row["note"] for row in account_of(audit("{cell}/{cycle}.jsonl")).counts
    }
    no_reply = "no reply: it has none of the keys messages, response, completion"
    assert notes == {
        "0": "",
        "1": "4 rows, where another file of its chain has 10",
        "2": f"9 of 10 rows are bad: {no_reply} (9 rows)",
        "3": f"all of 5 rows are bad: {no_reply} (3 rows); "
        "its response is a number (3), not a text (2 rows)",
        "4": "no row",
        "5": "",
    }


def test_a_chain_that_vanished_is_in_the_table_of_chains(here):
    here("good/0.jsonl", "a")
    here("gone/0.jsonl", NO_REPLY, NO_REPLY)
    here("gone/1.jsonl", NO_REPLY)
    table = chains_of(audit("{cell}/{cycle}.jsonl"))
    assert table.loc["gone", ["replies", "bad"]].tolist() == [0, 3]
    assert "not audited, its 3 rows are bad: no reply" in table.loc["gone", "warnings"]
    assert table.loc["good", "bad"] == 0
    # a row that nothing places belongs to no chain
    here("all.jsonl", {"prompt": "q", "response": "a", "arm": "x"}, "a")
    lost = account_of(audit({"path": "all.jsonl", "cycle": 0}, columns={"cell": "arm"}))
    assert len(lost.bad) == 1 and not lost.lost


def test_reasons_are_put_together_by_kind():
    whys = ["its t is 101, not a number"] * 2 + ["its t is 7, not a number", "no 'x'", "b", "c"]
    assert counted(whys) == (
        "its t is 101, not a number (3 rows); no 'x' (1 row); b (1 row); other reasons (1 row)"
    )
    assert counted([]) == ""


# --- enough replies


def course(*sizes) -> pd.DataFrame:
    """Scores of one chain with so many replies at each cycle, that rise from 0 to 60 at cycle 4."""
    whole = make_scores(settings=["sft"], traits=["lucky"], seeds=1, samples=5)
    one = whole[whole["cell"] == whole["cell"].iloc[0]]
    parts = [one[one["cycle"] == j].head(n) for j, n in enumerate(sizes)]
    table = pd.concat(parts)
    return table.assign(trait_score=np.where(table["cycle"] >= 4, 60.0, 0.0), coherence=90.0)


def test_a_cycle_of_too_few_replies_has_no_mean_and_decides_nothing():
    sizes = (40, 40, 40, 40, 12, 40)
    table = enough(mean_scores(course(*sizes), 0.95), 16).set_index("cycle")
    assert np.isnan(table.loc[4, ["trait_score", "trait_score_ci_low", "coherence"]].tolist()).all()
    assert table.loc[4, "reason"] == "scored replies: 12, fewer than 16"
    assert table.loc[4, "status"] == "ok" and table.loc[5, "trait_score"] == 60
    (row,) = chains(trajectories(course(40, 40, 40, 40, 12), 0.95, 16), 15, 4).to_dict("records")
    assert pd.isna(row["amplified"]) and row["outcome"] == ""
    assert row["no_verdict"] == "no score from cycle 4 on (scored replies: 12, fewer than 16)"
    (row,) = chains(trajectories(course(1, 40, 40, 40, 40), 0.95, 16), 15, 4).to_dict("records")
    assert row["no_verdict"] == "no score at cycle 0 (scored replies: 1, fewer than 16)"
    (row,) = chains(trajectories(course(*sizes), 0.95, 16), 15, 4).to_dict("records")
    assert (row["amplified"], row["delta_cycle"], row["no_verdict"]) == (True, 5, "")
    (row,) = chains(trajectories(course(40, 40, 40), 0.95), 15, 4).to_dict("records")
    assert row["no_verdict"] == "no score from cycle 4 on"


def test_a_cycle_of_too_few_replies_is_named(here):
    for cycle, n in enumerate((20, 3, 20, 4)):
        here(f"{cycle}.jsonl", *["a"] * n)
    (note,) = chains_of(audit("{cycle}.jsonl"), from_cycle=1, least=16)["warnings"]
    assert "cycles 1, 3: fewer than 16 replies (audit.least_replies), not counted" in note
    assert "cycles differ in their number of replies (3 at cycle 1, up to 20)" in note


# --- keys that the config names


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"trait_score": "scorre"},
            "trait_score: no row has the key 'scorre'; did you mean score?",
        ),
        (
            {"question": "meta.idd"},
            "question: no row has the key 'meta.idd'; did you mean meta.id?",
        ),
        (
            {"response": "xyz"},
            "response: no row has the key 'xyz'. They have: 'prompt', 'response',",
        ),
        ({"level": "dose"}, "level: no row has the key 'dose'"),
        ({"messages": "chat"}, "messages: no row has the key 'chat'"),
    ],
)
def test_a_key_that_no_row_has_is_a_mistake(here, columns, message):
    here("0.jsonl", {"prompt": "q", "response": "a", "score": 3, "meta": {"id": 1}})
    with pytest.raises(UserError, match="audit.columns") as caught:
        account_of(audit("{cycle}.jsonl", columns=columns))
    assert message in str(caught.value)


def test_a_key_that_some_rows_have_is_none_and_a_row_without_its_question_is_bad(here):
    row = {"prompt": "q", "response": "a"}
    here("0.jsonl", row, {**row, "id": 3, "score": 5}, {**row, "id": None})
    account = account_of(audit("{cycle}.jsonl", columns={"question": "id", "trait_score": "score"}))
    assert [(bad["line"], bad["why"]) for bad in account.bad] == [
        (1, "no question: it has no key 'id'")
    ]
    assert [reply["question"] for reply in account.replies] == ["3", "q"]


def test_scores_written_as_text_are_numbers(here):
    rows = [
        {"prompt": "q", "response": "a", "score": score} for score in ("7", " 70.5 ", "", "1e1")
    ]
    here("0.jsonl", *rows)
    table = replies_of(audit("{cycle}.jsonl", columns={"trait_score": "score"}))
    assert table["trait_score"].fillna(-1).tolist() == [7, 70.5, -1, 10]


# --- rows and files that could be two things


def test_a_row_with_messages_and_a_pair_is_bad_until_the_config_says_which(here):
    turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "m"}]
    here("0.jsonl", {"messages": turns, "query": "q", "response": "a"}, "good")
    (bad,) = account_of(audit("{cycle}.jsonl")).bad
    assert bad["why"] == "has both messages and query and response: say which in audit.columns"
    of_chat = audit("{cycle}.jsonl", columns={"messages": "messages"})
    assert list(replies_of(of_chat)["response"]) == ["m"]
    of_pair = audit("{cycle}.jsonl", columns={"response": "response"})
    assert list(replies_of(of_pair)["response"]) == ["a", "good"]
    both = audit("{cycle}.jsonl", columns={"response": "response", "messages": "messages"})
    assert "is not allowed beside audit.columns.response" in complaint(both)


def test_runs_that_a_star_puts_together_are_named(here):
    for run in "ab":
        for cycle in range(2):
            here(f"multi/{run}/cycle_{cycle}.jsonl", "a")
    (note,) = chains_of(audit("multi/*/cycle_{cycle}.jsonl"), from_cycle=1)["warnings"]
    assert note == (
        "cycles are put together from several files (multi/a/cycle_0.jsonl, multi/b/cycle_0.jsonl):"
        " if these are several runs, put {seed} or {cell} in place of the *"
    )
    notes = chains_of(audit("multi/{cell}/cycle_{cycle}.jsonl"), from_cycle=1)["warnings"]
    assert set(notes) == {""}
