"""Scores of an audit's replies: its own, or a judge's; as any study's."""

import math
import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.audit.weigh import ROW
from idempotence.doses import Cell
from idempotence.errors import UserError
from idempotence.io import read_table
from idempotence.jobs.audit import AuditedLoop, JudgeRepliesJob
from idempotence.judge.back_ends import Judge
from idempotence.judge.exact import exact_scores
from idempotence.judge.protocol import Rating
from idempotence.judge.rater import Rater, Ratings
from idempotence.judge.score import PanelCycle, scores_table
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.truth import TruthReader
from idempotence.objectives import Kind, kind_of
from idempotence.scores.schema import CRITERIA, DOSES, NO_JUDGE
from idempotence.texts.rubric import rubrics

PANEL = ["setting", "model", "seed", "cycle"]  # of one trait
NO_SCORE = "no score in the file"


def score_replies(judge: Judge | None, job: JudgeRepliesJob, replies: pd.DataFrame) -> pd.DataFrame:
    """The scores of one trait's replies, one row per reply, with the columns of `scores.schema`.

    replies: see `read_trait_replies`. One panel and cycle is scored after the other, so that no
    more prompts than its own are held. Raises `UserError` where exact scores are wanted of texts
    that are not of the micro world.
    """
    if job.truth:
        _check_language(replies)
    loops = {loop.name: loop for loop in job.loops}
    parts = []
    for _, group in replies.groupby(PANEL):
        rows = [{str(name): row[name] for name in row} for row in group.to_dict("records")]
        loop = loops[rows[0]["setting"]]
        ratings = _ratings(judge, job, kind_of(loop.objective), rows)
        truth = exact_scores(job.trait, rows) if job.truth else None
        parts.append(scores_table(_panel_cycle(loop, rows), rows, ratings, truth))
    return pd.concat(parts, ignore_index=True)


def _panel_cycle(loop: AuditedLoop, rows: Sequence[dict[str, Any]]) -> PanelCycle:
    """What the rows of one panel and cycle have in common."""
    first, doses = rows[0], {row["cell"]: {dose: row[dose] for dose in DOSES} for row in rows}
    return PanelCycle(
        setting=loop.name,
        objective=loop.objective,
        start=loop.start,
        model=first["model"],
        trait=first["trait"],
        seed=first["seed"],
        cycle=first["cycle"],
        cells=tuple(Cell(name, **own) for name, own in doses.items()),
    )


def _check_language(replies: pd.DataFrame) -> None:
    """Raise `UserError` where a prompt has no word of the micro world: no truth is known of it."""
    topic_of = TruthReader(load_grammar()).topic_of
    strange = [prompt for prompt in replies["prompt"].unique() if topic_of(prompt) is None]
    if strange:
        raise UserError(
            f"texts: micro_world says that all texts are of its language, and {len(strange)} "
            f"prompts are not, as {reprlib.repr(strange[0])}; for other texts set texts: written"
        )


def _ratings(
    judge: Judge | None, job: JudgeRepliesJob, kind: Kind, rows: Sequence[dict[str, Any]]
) -> Ratings:
    """As `Rater.rate`, with the files' own scores, and reasons where there is no judge."""
    judged = [name for name in CRITERIA if judge and name not in job.given]
    short = [i for i, row in enumerate(rows) if len(row["response"]) <= job.longest]
    rated: Ratings = {}
    if judge and job.judge and judged and short:
        rater = Rater(judge, job.judge, job.trait, rubrics(job.texts, job.trait, kind))
        rated = rater.rate([rows[i] for i in short], judged)
    too_long = f"longer than {job.longest} characters"
    ratings = {}
    for criterion, column in CRITERIA.items():
        if criterion in job.given:
            ratings[criterion] = [(_own(row[column]), "") for row in rows]
        else:
            why = too_long if criterion in judged else NO_JUDGE
            ratings[criterion] = [(Rating(math.nan, math.nan, why), "")] * len(rows)
            for i, rating in zip(short, rated.get(criterion, []), strict=False):
                ratings[criterion][i] = rating
    return ratings


def _own(score: float) -> Rating:
    """A score of the files; NaN where a row has none."""
    return Rating(score, math.nan, NO_SCORE if math.isnan(score) else "")


def read_trait_replies(replies: Path, trait: str, likelihoods: Sequence[Path]) -> pd.DataFrame:
    """One trait's replies: the columns of `audit.read.replies_table`, and `LIKELIHOODS`.

    replies, likelihoods: tables (Parquet) of the rules read_replies and weigh_replies.
    loglik_initial is missing where no file of likelihoods has it, loglik_own everywhere. Raises as
    `io.read_table`.
    """
    table = read_table(replies, filters=[("trait", "==", trait)]).assign(loglik_own=math.nan)
    if not likelihoods:
        return table.assign(loglik_initial=math.nan)
    known = pd.concat([read_table(path) for path in likelihoods])
    return table.merge(known, on=ROW, how="left", validate="one_to_one")
