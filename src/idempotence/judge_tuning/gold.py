"""Replies rated blind: drawing them, and how far a judge agrees with the ratings."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from idempotence.errors import UserError
from idempotence.io import read_jsonl, write_csv
from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.back_ends import Judge
from idempotence.judge.rater import Rater
from idempotence.scores.schema import CRITERIA, DEAD
from idempotence.texts.rubric import written_rubrics
from idempotence.texts.trait_words import word_share

WHERE = ["setting", "model", "trait", "seed", "cell", "cycle", "question", "sample"]
SAME = [*(name for name in WHERE if name != "setting"), "response"]  # of one reply
SHOWN = ["id", "trait", "kind", "prompt", "response"]


def draw_gold(scores: pd.DataFrame, count: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(replies to rate, without a trace of where they are from; where each is from).

    scores: of chains and initial models. count: replies; as many of each setting, trait and cycle
    as there are, in turn, so that no setting, cycle or trait stands for all. The first table has
    `SHOWN`, in random order; the second id and `WHERE`. No text comes twice.
    """
    alive = scores[~scores["status"].isin(DEAD)]
    alive = alive.drop_duplicates(["trait", "prompt", "response"])
    rng = random.Random(seed)
    groups = [
        rng.sample(list(own.index), len(own))
        for _, own in alive.groupby(["setting", "trait", "cycle"], sort=True)
    ]
    rng.shuffle(groups)
    drawn: list[int] = []
    while len(drawn) < count and any(groups):
        drawn += [group.pop() for group in groups if group]
    drawn = rng.sample(drawn[:count], min(count, len(drawn)))
    chosen = alive.loc[drawn].reset_index(drop=True)
    chosen["id"] = [f"g{i:03d}" for i in range(1, len(chosen) + 1)]
    chosen["kind"] = np.where(chosen["objective"] == "sdf", "document", "chat")
    return chosen[SHOWN], chosen[["id", *WHERE]]


def read_ratings(path: Path, ids: Sequence[str]) -> pd.DataFrame:
    """Blind ratings: id, trait_score, coherence (0-100), in order of the file.

    Raises `UserError` for an id that is not among `ids` or comes twice, and a rating out of range.
    """
    table = pd.read_csv(path)
    if list(table.columns) != ["id", *CRITERIA.values()]:
        raise UserError(f"{path}: its columns must be id, {', '.join(CRITERIA.values())}")
    odd = [*table.loc[~table["id"].isin(ids), "id"], *table.loc[table["id"].duplicated(), "id"]]
    if odd:
        raise UserError(f"{path}: {odd[0]} is not a reply of this file of gold, or comes twice")
    for column in CRITERIA.values():
        wrong = table[~table[column].between(0, 100)]
        if len(wrong):
            row = wrong.iloc[0]
            raise UserError(f"{path}: {row['id']} has {column} {row[column]}, not within 0 to 100")
    return table


def gold_agreement(
    gold: pd.DataFrame, judged: pd.DataFrame, again: pd.DataFrame | None, words: Mapping
) -> pd.DataFrame:
    """One row for each setting ("all" for all) and criterion.

    gold: `SHOWN`, setting, and blind ratings (trait_score, coherence). judged: id and the
    judge's scores in columns of the same names.
    again: ratings of some of the replies a second time. words: see `read_words`. Returns setting,
    criterion, n (rated by both), missing (without a score of the judge), spearman (of the judge
    with the ratings, Spearman's rank correlation), bias (mean of judge less rating), mae
    (mean absolute difference; both points of 100), n_again, spearman_again, mae_again (of the
    rater with itself), spearman_words (of the share of trait words with the ratings; trait
    alone).
    """
    both = gold.merge(judged, on="id", suffixes=("", "_judge"))
    texts = zip(both["response"], both["trait"], strict=True)
    both["words"] = [word_share(text, words.get(trait, ())) for text, trait in texts]
    if again is not None:
        both = both.merge(again, on="id", how="left", suffixes=("", "_again"))
    rows = []
    for setting in ["all", *sorted(both["setting"].unique())]:
        own = both if setting == "all" else both[both["setting"] == setting]
        rows += [_agreement(own, setting, criterion) for criterion in CRITERIA]
    return pd.DataFrame(rows)


def read_gold(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """(replies with where they are from and blind ratings, second ratings if there are any).

    folder: replies.jsonl, key.csv, ratings.csv and, where some were rated twice, ratings_again.csv.
    """
    replies = pd.DataFrame(read_jsonl(folder / "replies.jsonl"))
    ids = list(replies["id"])
    ratings = read_ratings(folder / "ratings.csv", ids)
    gold = replies.merge(pd.read_csv(folder / "key.csv"), on=["id"], suffixes=("", "_key"))
    gold = gold.merge(ratings, on="id")
    again = folder / "ratings_again.csv"
    return gold, read_ratings(again, ids) if again.is_file() else None


def look_up_gold(key: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The judge's scores of replies that are in a scores table: id, trait_score, coherence.

    key: id and `WHERE`. scores: with `WHERE` and both scores. Missing where a reply is not there.
    """
    columns = ["id", *CRITERIA.values()]
    return key.merge(scores, on=WHERE, how="left")[columns].sort_values("id")


def in_all_settings(gold: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The rated replies, once for each setting that has them: settings may share cycle 0.

    gold: see `read_gold`. scores: a scores table with `SAME` and setting. Replies of the initial
    model, which no setting has, are left out.
    """
    return gold.drop(columns="setting").merge(scores[["setting", *SAME]], on=SAME)


def both_ratings(gold: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """A row for each reply and criterion: setting, cycle, criterion, rating, judge (0-100).

    gold: setting, cycle and blind ratings; judged: id and the judge's scores.
    """
    both = gold.merge(judged, on="id", suffixes=("", "_judge"))
    parts = [
        both[["setting", "cycle"]].assign(
            criterion=criterion, rating=both[column], judge=both[f"{column}_judge"]
        )
        for criterion, column in CRITERIA.items()
    ]
    return pd.concat(parts, ignore_index=True)


def judge_gold(replies: Path, spec: JudgeSpec, judge: Judge, traits: Path, output: Path) -> None:
    """Write the judge's trait_score and coherence of each reply, with its id (CSV).

    replies: replies.jsonl. traits: folder of written traits, for their rubrics.
    """
    rows = read_jsonl(replies)
    scored: list[dict[str, object]] = []
    for trait, kind in sorted({(row["trait"], row["kind"]) for row in rows}):
        own = [row for row in rows if (row["trait"], row["kind"]) == (trait, kind)]
        rated = Rater(judge, spec, trait, written_rubrics(traits, trait, kind)).rate(
            own, [*CRITERIA]
        )
        scored += [
            {"id": row["id"]} | {CRITERIA[c]: rated[c][i][0].score for c in CRITERIA}
            for i, row in enumerate(own)
        ]
    write_csv(pd.DataFrame(scored).sort_values("id"), output)


def _agreement(own: pd.DataFrame, setting: str, criterion: str) -> dict[str, object]:
    column = CRITERIA[criterion]
    rating, judge = own[column], own[f"{column}_judge"]
    scored = judge.notna()
    difference = (judge - rating)[scored]
    again = own.get(f"{column}_again", pd.Series(np.nan, own.index))
    twice = again.notna()
    return {
        "setting": setting, "criterion": criterion, "n": int(scored.sum()),
        "missing": int((~scored).sum()),
        "spearman": _spearman(judge[scored], rating[scored]),
        "bias": difference.mean(), "mae": difference.abs().mean(),
        "n_again": int(twice.sum()), "spearman_again": _spearman(again[twice], rating[twice]),
        "mae_again": (again - rating)[twice].abs().mean(),
        "spearman_words": _spearman(own["words"], rating) if criterion == "trait" else np.nan,
    }  # fmt: skip


def _spearman(first: pd.Series, second: pd.Series) -> float:
    """NaN for fewer than three pairs, or where one of both never varies."""
    if len(first) < 3 or first.nunique() < 2 or second.nunique() < 2:
        return float("nan")
    return float(spearmanr(first, second).statistic)
