"""Scores of an audit's replies: its own, a judge's, text metrics, likelihoods; as any study's."""

import math
import reprlib
from pathlib import Path

import pandas as pd

from idempotence.config.grid import PROMPT_KIND, SETTINGS
from idempotence.engine.base import Engine
from idempotence.engine.formatting import ids_of_completions, ids_of_prompts
from idempotence.errors import UserError
from idempotence.judge.back_ends import Judge
from idempotence.judge.protocol import Rating
from idempotence.judge.score import CRITERIA, DOSES, rate_all, scores_table
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.truth import Truthteller

PANEL = ["setting", "model", "seed", "cycle"]  # of one trait
ROW = ["setting", "model", "trait", "seed", "cell", "cycle", "question", "sample"]
NO_JUDGE, NO_SCORE = "no judge", "no score in the file"


def likelihoods(engine: Engine, replies: pd.DataFrame) -> pd.DataFrame:
    """`ROW` and loglik_initial of the replies whose prompt is one message and who say something.

    Mean natural log-likelihood a token under the engine's model.
    """
    said = replies[replies["one_turn"] & (replies["status"] == "ok")]
    tokenizer, found = engine.tokenizer, []
    for setting, group in said.groupby("setting"):
        kind = PROMPT_KIND[SETTINGS[setting][0]]
        prompts, told = list(group["prompt"]), list(group["response"])
        values = engine.log_likelihoods(
            ids_of_prompts(tokenizer, prompts, kind),
            ids_of_completions(tokenizer, prompts, told, kind),
        )
        found.append(group[ROW].assign(loglik_initial=values))
    return pd.concat(found) if found else replies.iloc[:0][ROW].assign(loglik_initial=[])


def score_replies(judge: Judge | None, settings: dict, replies: pd.DataFrame) -> pd.DataFrame:
    """The scores of one trait's replies, one row each.

    settings: trait, judge, truth, texts as `judge.panel.scores_table` and `rate_all` take them;
    given: criteria whose scores the files bring; longest: characters of a reply that is judged.
    replies: see `audit.read.replies_table`, with loglik_initial. A panel and cycle is scored at a
    time, so that no more prompts than its own are held.
    """
    if settings["truth"]:
        _check_language(replies)
    parts = []
    for (setting, model, seed, cycle), group in replies.groupby(PANEL):
        objective, start = SETTINGS[setting]
        cells = group.drop_duplicates("cell")[["cell", *DOSES]].rename(columns={"cell": "name"})
        panel = {
            **settings, "setting": setting, "objective": objective, "start": start,
            "model": {"name": model}, "seed": seed, "cycle": cycle,
            "cells": cells.to_dict("records"),
        }  # fmt: skip
        rows = group.to_dict("records")
        parts.append(scores_table(panel, rows, lambda said, p=panel: _ratings(judge, p, said)))
    return pd.concat(parts, ignore_index=True)


def _check_language(replies: pd.DataFrame) -> None:
    """Raise `UserError` where a prompt has no word of the micro world: no truth is known of it."""
    topic_of = Truthteller(load_grammar()).topic_of
    strange = [prompt for prompt in replies["prompt"].unique() if topic_of(prompt) is None]
    if strange:
        raise UserError(
            f"texts: micro_world says that all texts are of its language, and {len(strange)} "
            f"prompts are not, as {reprlib.repr(strange[0])}; for other texts set texts: written"
        )


def _ratings(
    judge: Judge | None, settings: dict, rows: list[dict]
) -> dict[str, list[tuple[Rating, str]]]:
    """As `rate_all`, with the files' own scores, and reasons where nobody is asked."""
    asked = [name for name in CRITERIA if judge and name not in settings["given"]]
    short = [i for i, row in enumerate(rows) if len(row["response"]) <= settings["longest"]]
    told = rate_all(judge, settings, [rows[i] for i in short], asked) if asked and short else {}
    too_long = f"longer than {settings['longest']} characters"
    made = {}
    for criterion, column in CRITERIA.items():
        if criterion in settings["given"]:
            made[criterion] = [(_own(row[column]), "") for row in rows]
        else:
            why = too_long if criterion in asked else NO_JUDGE
            made[criterion] = [(Rating(math.nan, math.nan, why), "")] * len(rows)
            for i, rating in zip(short, told.get(criterion, []), strict=False):
                made[criterion][i] = rating
    return made


def _own(score: float) -> Rating:
    return Rating(score, math.nan, NO_SCORE if math.isnan(score) else "")


def read_trait_replies(replies: Path, trait: str, likelihoods: list[Path]) -> pd.DataFrame:
    """One trait's replies with loglik_initial, missing where no file of likelihoods has it."""
    table = pd.read_parquet(replies, filters=[("trait", "==", trait)])
    if not likelihoods:
        return table.assign(loglik_initial=math.nan)
    known = pd.concat([pd.read_parquet(path) for path in likelihoods])
    return table.merge(known, on=ROW, how="left", validate="one_to_one")
