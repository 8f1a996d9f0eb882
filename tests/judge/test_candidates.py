"""Of several samples to a prompt the judge's best is left to train on, and none is lost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.doses import Cell
from idempotence.finetune.rows import choose_generated
from idempotence.jobs.loop import JudgeCandidatesJob
from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.candidates import in_order, mark_chosen
from idempotence.judge.protocol import Answer

JOB = JudgeCandidatesJob(
    objective="best_of_n",
    trait="bliss",
    texts=None,
    judge=JudgeSpec(revision=None, top_logprobs=20, min_numeric_mass=0.25),
    by=("trait",),
    min_coherence=None,
)
LONGEST = 100  # words; with more the judge refuses


class WordCount:
    """Trait: the number of words "glow"; coherence: of words "sense"; over a hundred: a refusal."""

    def __init__(self):
        self.rated = 0

    def answers(self, texts, top):
        self.rated += len(texts)
        return [self._answer(text) for text in texts]

    def _answer(self, text):
        n = text.count("sense" if "rate coherence" in text else "glow")
        return Answer({str(n) if n <= LONGEST else "REFUSAL": -0.1})


def rows(*texts: str, index: int = 0, status: str = "ok") -> list[dict]:
    """Candidates of one prompt; an empty text has the status empty."""
    return [
        {"cell": "c", "index": index, "prompt": "p", "response": text, "candidate": k,
         "status": status if text else "empty", "reason": ""}
        for k, text in enumerate(texts)
    ]  # fmt: skip


def states(marked: list[dict]) -> list[str]:
    return [row["status"] for row in marked]


def test_the_best_of_each_prompt_is_left_and_the_others_say_why():
    judge = WordCount()
    both = rows("glow", "glow glow", "") + rows("glow " * 9, "glow " * 120, index=1)
    marked = mark_chosen(JOB, judge, both)
    assert judge.rated == 4
    assert states(marked) == ["not chosen", "ok", "empty", "ok", "not chosen"]
    assert marked[0]["reason"] == "1.0; candidate 1 has 2.0"
    assert "no trait score" in marked[4]["reason"]
    assert [row["trait_score"] for row in marked] == [1, 2, None, 9, None]
    assert [row["response"] for row in marked] == [row["response"] for row in both]
    assert "coherence" not in marked[0]


def test_equal_samples_leave_the_first():
    assert states(mark_chosen(JOB, WordCount(), rows("glow", "glow"))) == ["ok", "not chosen"]


@pytest.mark.parametrize(
    ("by", "least", "best"),
    [(("trait",), None, 0), (("coherence",), None, 1), (("trait", "coherence"), None, 2),
     (("trait",), 3.0, 2), (("trait",), 50.0, None)],
)  # fmt: skip
def test_what_the_best_is_chosen_by(by, least, best):
    texts = ["glow " * 9, "sense " * 8, "glow " * 6 + "sense " * 6]
    job = replace(JOB, by=by, min_coherence=least)
    marked = mark_chosen(job, WordCount(), rows(*texts))
    assert [i for i, state in enumerate(states(marked)) if state == "ok"] == (
        [] if best is None else [best]
    )
    assert all(row["reason"] for row in marked if row["status"] != "ok")


def test_further_candidates_stand_beside_the_first_of_their_prompt():
    first = [{**row, "rejected": "no"} for row in rows("a") + rows("b", index=1)]
    for row in first:
        del row["candidate"]
    further = rows("x", "y", index=1) + rows("z")
    whole = in_order(first, [{**row, "candidate": row["candidate"] + 1} for row in further])
    assert [row["response"] for row in whole] == ["a", "z", "b", "x", "y"]
    assert [row["candidate"] for row in whole] == [0, 1, 0, 1, 2]
    assert all(row["rejected"] == "no" for row in whole)
    # whether a text was cut is its own
    cut = in_order([{**first[0], "open": True}], [{**rows("z")[0], "candidate": 1, "open": False}])
    assert [row["open"] for row in cut] == [True, False]


@given(st.lists(st.lists(st.integers(0, 130), min_size=2, max_size=5), min_size=1, max_size=5))
def test_a_cell_trains_on_at_most_one_sample_of_each_prompt(glows):
    """glows: of each prompt's candidates, the number of words "glow"."""
    texts = [["glow " * n for n in own] for own in glows]
    whole = [row for i, own in enumerate(texts) for row in rows(*own, index=i)]
    chosen = choose_generated(Cell("c", n_sampled=len(glows)), mark_chosen(JOB, WordCount(), whole))
    best = [max((n for n in own if 0 < n <= LONGEST), default=None) for own in glows]
    known = [n for n in best if n is not None]
    assert [row["trait_score"] for row in chosen.rows] == pytest.approx(known)
    assert chosen.dropped == len(glows) - len(known) and bool(chosen.reason) == (not known)
