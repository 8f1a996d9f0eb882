"""How well the judge knows the truth, on the study's own responses."""

from typing import Any

import pandas as pd
from scipy import stats

from idempotence.scores.schema import CRITERIA, DEAD, MASS, TRUTH
from idempotence.stats.groups import ALL

NEEDED = ["setting", "status", *CRITERIA.values(), *TRUTH.values(), *MASS.values()]


def judge_truth(scores: pd.DataFrame) -> pd.DataFrame:
    """Agreement of judge and exact truth, for each setting and all together.

    scores: the columns `NEEDED`. Returns setting ("all" for all), criterion, n_responses (put to
    the judge), share_missing (without a score), share_sampled (of those with one: the mean of
    sampled answers, for want of probabilities), n (with score and truth), spearman (rank
    correlation; NaN under two responses or when either never varies), mae (mean absolute error)
    and bias (mean of judge less truth; both points, 0-100), median_mass (of the probability on
    numbers). Where no truth is known the last three but mass are NaN and n is 0.
    """
    judged = scores[~scores["status"].isin(DEAD)]
    groups = [*judged.groupby("setting"), (ALL, judged)]
    return pd.DataFrame(
        [
            {"setting": setting, "criterion": criterion, **agreement(group, criterion)}
            for setting, group in groups
            for criterion in CRITERIA
        ]
    )


def agreement(judged: pd.DataFrame, criterion: str) -> dict[str, Any]:
    """One row of `judge_truth`, without its setting and criterion."""
    judge, truth, mass = CRITERIA[criterion], TRUTH[criterion], MASS[criterion]
    known = judged[[judge, truth]].dropna()
    error = known[judge] - known[truth]
    return {
        "n_responses": len(judged),
        "share_missing": judged[judge].isna().mean(),
        "share_sampled": judged.loc[judged[judge].notna(), mass].isna().mean(),
        "n": len(known),
        "spearman": _spearman(known[judge], known[truth]),
        "mae": error.abs().mean(),
        "bias": error.mean(),
        "median_mass": judged[mass].median(),
    }


def _spearman(one: pd.Series, other: pd.Series) -> float:
    if len(one) < 2 or one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(stats.spearmanr(one, other).statistic)
