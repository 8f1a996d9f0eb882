"""Which of several samples to a prompt is trained on: the one that the judge rates best."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from idempotence.io import read_jsonl, write_jsonl
from idempotence.jobs.loop import JudgeCandidatesJob
from idempotence.jobs.parts import Criterion
from idempotence.judge.back_ends import Judge
from idempotence.judge.protocol import Rating
from idempotence.judge.rater import Rater
from idempotence.objectives import kind_of
from idempotence.scores.schema import CRITERIA
from idempotence.texts.rubric import rubrics

NOT_CHOSEN = "not chosen"  # status of a usable candidate that is not trained on


def in_order(generated: Sequence[dict], further: Sequence[dict]) -> list[dict]:
    """All candidates of one prompt together, in the order of cells and prompts.

    generated: the first candidate of each prompt. A further one takes over what else its prompt's
    row has, such as a rejected reply.
    """
    own = ("candidate", "response", "open", "status", "reason")
    of_prompt = {(row["cell"], row["index"]): [{**row, "candidate": 0}] for row in generated}
    for row in further:
        same = of_prompt[row["cell"], row["index"]]
        same.append({**same[0], **{name: row[name] for name in own if name in row}})
    return [row for rows in of_prompt.values() for row in rows]


def mark_chosen(job: JudgeCandidatesJob, judge: Judge, rows: Sequence[dict]) -> list[dict]:
    """The candidates with their scores (0-100), and status "not chosen" for all but the best.

    rows: see `in_order`. The best of a prompt has the highest mean of the scores `job.by`; the
    first one of several. Only usable rows are judged. One without a score that is needed, or with
    too low a coherence, cannot be chosen. A marked row has a reason.
    """
    templates = rubrics(job.texts, job.trait, kind_of(job.objective))
    rater = Rater(judge, job.judge, job.trait, templates)
    columns = [CRITERIA[criterion] for criterion in job.criteria]
    usable = [i for i, row in enumerate(rows) if row["status"] == "ok"]
    ratings = rater.rate([rows[i] for i in usable], job.criteria)
    marked = [{**row, **dict.fromkeys(columns)} for row in rows]
    scores: dict[int, float] = {}  # of the rows that may be chosen
    for place, i in enumerate(usable):
        own = {criterion: ratings[criterion][place][0] for criterion in job.criteria}
        for criterion, rating in own.items():
            marked[i][CRITERIA[criterion]] = None if rating.missing else rating.score
        if reason := _ruled_out(own, job.min_coherence):
            marked[i] |= {"status": NOT_CHOSEN, "reason": reason}
        else:
            scores[i] = fmean(own[criterion].score for criterion in job.by)
    _mark_lower(marked, scores)
    return marked


def _ruled_out(ratings: Mapping[Criterion, Rating], min_coherence: float | None) -> str:
    """Why a candidate cannot be chosen; "" if it can."""
    for criterion, rating in ratings.items():
        if rating.missing:
            return f"no {criterion} score ({rating.missing})"
    if min_coherence is not None and (score := ratings["coherence"].score) < min_coherence:
        return f"coherence {score:.1f} is below {min_coherence:g}"
    return ""


def _mark_lower(rows: list[dict], scores: Mapping[int, float]) -> None:
    """Mark the rows beside the best of their prompt. scores: place of a row -> its score."""
    best: dict[tuple[str, int], int] = {}
    for i, score in scores.items():
        prompt = rows[i]["cell"], rows[i]["index"]
        if prompt not in best or score > scores[best[prompt]]:
            best[prompt] = i
    for i, score in scores.items():
        first = best[rows[i]["cell"], rows[i]["index"]]
        if i != first:
            text = f"{score:.1f}; candidate {rows[first]['candidate']} has {scores[first]:.1f}"
            rows[i] |= {"status": NOT_CHOSEN, "reason": text}


def write_chosen(
    job: JudgeCandidatesJob, judge: Judge, generated: Path, candidates: Path, output: Path
) -> None:
    """Write all candidates, marked as `mark_chosen` does; none is left out."""
    rows = in_order(read_jsonl(generated), read_jsonl(candidates))
    write_jsonl(output, mark_chosen(job, judge, rows))
