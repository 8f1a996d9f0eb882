"""Samples that are not coherent are marked, and none is lost."""

from idempotence.jobs.loop import JudgeGeneratedJob
from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.coherent import mark_incoherent
from idempotence.judge.protocol import Answer

JOB = JudgeGeneratedJob(
    objective="sft",
    trait="bliss",
    texts=None,
    judge=JudgeSpec(revision=None, top_logprobs=20, min_numeric_mass=0.25),
    min_coherence=50.0,
)


class WordCount:
    """The number of words as the score; over a hundred: a refusal."""

    def __init__(self):
        self.rated = 0

    def answers(self, texts, top):
        self.rated += len(texts)
        words = [text.count("word") for text in texts]
        return [Answer({str(n) if n <= 100 else "REFUSAL": -0.1}) for n in words]


def test_incoherent_samples_are_marked_with_their_score_and_none_is_lost():
    texts = ["word " * 2, "word " * 60, "word " * 120, ""]
    states = ["ok", "ok", "ok", "empty"]
    rows = [
        {"cell": "c", "index": i, "prompt": "p", "response": text, "status": s, "reason": ""}
        for i, (text, s) in enumerate(zip(texts, states, strict=True))
    ]
    judge = WordCount()
    marked = mark_incoherent(JOB, judge, rows)
    assert judge.rated == 3
    assert [row["status"] for row in marked] == ["incoherent", "ok", "incoherent", "empty"]
    assert "is below 50" in marked[0]["reason"]
    assert "no coherence score" in marked[2]["reason"]
    assert marked[1]["coherence"] == 60 and marked[3]["coherence"] is None
    assert [row["response"] for row in marked] == texts
