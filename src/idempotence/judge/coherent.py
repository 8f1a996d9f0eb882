"""Which of a model's own samples are coherent enough to be trained on."""

from pathlib import Path

from idempotence.io import read_jsonl, write_jsonl
from idempotence.judge.back_ends import Judge
from idempotence.judge.score import rate_all


def mark_incoherent(settings: dict, judge: Judge, rows: list[dict]) -> list[dict]:
    """The rows with the judge's coherence, and status "incoherent" and a reason where it is low.

    settings: objective, trait, judge, min_coherence. Only usable rows are judged; what has no
    score is not known to be coherent, and is marked too.
    """
    usable = [i for i, row in enumerate(rows) if row["status"] == "ok"]
    ratings = rate_all(judge, settings, [rows[i] for i in usable], ["coherence"])["coherence"]
    told = [{**row, "coherence": None} for row in rows]
    for i, (rating, _) in zip(usable, ratings, strict=True):
        reason = rating.missing and f"no coherence score ({rating.missing})"
        if not reason:
            told[i]["coherence"] = rating.score
            if rating.score < settings["min_coherence"]:
                reason = f"coherence {rating.score:.1f} is below {settings['min_coherence']:g}"
        if reason:
            told[i] |= {"status": "incoherent", "reason": reason}
    return told


def judge_generated(settings: dict, judge: Judge, generated: Path, output: Path) -> None:
    """Write generated.jsonl with its incoherent rows marked; none is left out."""
    write_jsonl(output, mark_incoherent(settings, judge, read_jsonl(generated)))
