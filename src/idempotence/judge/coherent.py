"""Which of a model's own samples are coherent enough to be trained on."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.io import read_jsonl, write_jsonl
from idempotence.jobs.loop import JudgeGeneratedJob
from idempotence.judge.back_ends import Judge
from idempotence.judge.rater import Rater
from idempotence.objectives import kind_of
from idempotence.texts.rubric import rubrics


def mark_incoherent(job: JudgeGeneratedJob, judge: Judge, rows: Sequence[dict]) -> list[dict]:
    """The rows with the judge's coherence (0-100), and status "incoherent" where it is low.

    Only usable rows are judged. A row without a score is not known to be coherent, and is marked
    too. A marked row has a reason.
    """
    templates = rubrics(job.texts, job.trait, kind_of(job.objective))
    rater = Rater(judge, job.judge, job.trait, templates)
    usable = [i for i, row in enumerate(rows) if row["status"] == "ok"]
    ratings = rater.rate([rows[i] for i in usable], ["coherence"])["coherence"]
    marked = [{**row, "coherence": None} for row in rows]
    for i, (rating, _) in zip(usable, ratings, strict=True):
        reason = rating.missing and f"no coherence score ({rating.missing})"
        if not reason:
            marked[i]["coherence"] = rating.score
            if rating.score < job.min_coherence:
                reason = f"coherence {rating.score:.1f} is below {job.min_coherence:g}"
        if reason:
            marked[i] |= {"status": "incoherent", "reason": reason}
    return marked


def write_marked(job: JudgeGeneratedJob, judge: Judge, generated: Path, output: Path) -> None:
    """Write generated.jsonl with its incoherent rows marked; none is left out."""
    write_jsonl(output, mark_incoherent(job, judge, read_jsonl(generated)))
