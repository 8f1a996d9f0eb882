"""How far scores move over the cycles, corrected for the judge's error by blind ratings."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from idempotence.scores.schema import CHAIN, CRITERIA
from idempotence.stats.intervals import t_half_width
from idempotence.stats.panels import panel_mean

NEEDED = [*CHAIN, "cycle", *CRITERIA.values()]


def corrected_changes(
    scores: pd.DataFrame, rated: pd.DataFrame, from_cycle: int, confidence: float
) -> pd.DataFrame:
    """One row for each setting and criterion whose replies were rated at cycle 0 and late.

    scores: a scores table, `NEEDED`. rated: replies with setting, cycle, criterion, rating and
    judge (both 0-100). Late cycles are those from `from_cycle` on. change (points): mean over
    panels of a chain's mean score at late cycles less that at cycle 0, by the judge. To it is added
    how much more the ratings moved than the judge's scores of the same replies: the difference
    estimator of prediction-powered inference (Angelopoulos et al. 2023, section 2). Both variances
    add up; degrees of freedom by Welch and Satterthwaite.

    Returns setting, criterion, n_panels, change, ci_low, ci_high (t interval over panels, the
    judge's error left out), n_first, n_late (rated replies), error_first, error_late (points: mean
    of judge less rating), corrected, corrected_low, corrected_high.
    """
    rows: list[dict[str, Any]] = []
    for criterion, column in CRITERIA.items():
        changes = _changes(scores, column, from_cycle)
        for setting, own in rated[rated["criterion"] == criterion].groupby("setting"):
            errors = (own["judge"] - own["rating"]).dropna()
            first = errors[own["cycle"] == 0]
            late = errors[own["cycle"] >= from_cycle]
            moved = changes[changes["setting"] == setting]
            if len(first) < 2 or len(late) < 2 or moved.empty:
                continue
            mean = panel_mean(moved, "change", confidence)
            corrected = _corrected(mean, first, late, confidence)
            rows.append({
                "setting": setting, "criterion": criterion, "n_panels": mean["n_panels"],
                "change": mean["estimate"], "ci_low": mean["ci_low"], "ci_high": mean["ci_high"],
                "n_first": len(first), "n_late": len(late), "error_first": first.mean(),
                "error_late": late.mean(), **corrected,
            })  # fmt: skip
    columns = ["setting", "criterion", "n_panels", "change", "ci_low", "ci_high", "n_first",
               "n_late", "error_first", "error_late", "corrected", "corrected_low",
               "corrected_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _changes(scores: pd.DataFrame, column: str, from_cycle: int) -> pd.DataFrame:
    """Every chain's `change`; missing where it has no score at cycle 0 or late."""
    means = scores.groupby([*CHAIN, "cycle"], as_index=False)[column].mean()
    first = means[means["cycle"] == 0].set_index(CHAIN)[column]
    late = means[means["cycle"] >= from_cycle].groupby(CHAIN)[column].mean()
    return pd.DataFrame((late - first).rename("change").reset_index())


def _corrected(
    mean: Mapping[str, Any], first: pd.Series, late: pd.Series, confidence: float
) -> dict[str, float]:
    """The corrected change and its interval. first, late: judge less rating of each rated reply."""
    parts = [
        (mean["se"] ** 2, mean["n_panels"] - 1),
        *((each.var(ddof=1) / len(each), len(each) - 1) for each in (first, late)),
    ]
    variance = sum(part for part, _ in parts)
    squares = sum(part**2 / df for part, df in parts if df > 0)
    freedom = variance**2 / squares if squares > 0 else np.nan
    corrected = mean["estimate"] - (late.mean() - first.mean())
    half = float(t_half_width(np.sqrt(variance), freedom, confidence))
    return {
        "corrected": corrected,
        "corrected_low": corrected - half,
        "corrected_high": corrected + half,
    }
