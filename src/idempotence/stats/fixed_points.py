"""Where the map of one cycle crosses the diagonal: fixed points, their stability and intervals."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from idempotence.scores.schema import PANEL
from idempotence.stats.arrays import Floats
from idempotence.stats.panels import jackknifed

MIN_STEPS = 5  # of a bin that the piecewise linear map goes through
NO_POINT = {
    **dict.fromkeys(["point", "ci_low", "ci_high"], np.nan),
    **dict.fromkeys(["slope", "slope_ci_low", "slope_ci_high"], np.nan),
    "stability": "",
    "supported": None,
}


class Crossing(NamedTuple):
    """A fixed point (points), and the slope of the map there."""

    point: float
    slope: float


def crossings(score: Floats, drift: Floats) -> list[Crossing]:
    """Where the map score -> score + drift, linear between its knots, crosses the diagonal.

    score, drift: points, shape (knots,), score rising. A crossing is a change of sign of the drift;
    where the drift is exactly 0 in between, it lies in the middle of those knots. A drift that
    touches 0 and keeps its sign, or is 0 at an end, is none.
    """
    known = np.flatnonzero(drift)
    crossed = []
    for i, k in pairwise(known):
        if drift[i] * drift[k] > 0:
            continue
        rise = (drift[k] - drift[i]) / (score[k] - score[i])
        point = score[i] - drift[i] / rise if k == i + 1 else score[i + 1 : k].mean()
        crossed.append(Crossing(float(point), float(1 + rise)))
    return crossed


def stability(slope: float) -> str:
    """ "stable" where a step brings a score nearer to the fixed point, |slope| < 1."""
    return "stable" if abs(slope) < 1 else "unstable"


def piecewise_points(
    steps: pd.DataFrame, bins: list[dict[str, Any]], confidence: float
) -> list[dict[str, Any]]:
    """A row for each fixed point of the piecewise linear map through the bins' means.

    steps: with `PANEL`, bin (its number), x and drift (points). bins: score (mean of x), drift,
    ci_low, ci_high and n_steps of each bin. Means are over panels, each the mean of its steps; bins
    of under `MIN_STEPS` steps are left out. Intervals of point and slope: jackknife over panels
    (see `panels.jackknifed`); none where the crossings' number or directions change without one.
    supported: on either side, up to the next crossing, there is a bin whose drift has the sign that
    the crossing needs, with an interval that leaves out 0. Without a crossing there is one row,
    number 0, with the reason in warnings.
    """
    means = steps.groupby([*PANEL, "bin"]).agg(
        n=("x", "size"), x=("x", "mean"), drift=("drift", "mean")
    )
    means = means.reset_index()
    score, drift = _knots(means)
    points = crossings(score, drift)
    if not points:
        return [{"number": 0, "n_points": 0, **NO_POINT, "warnings": _why_none(drift)}]
    used = [row for row in bins if row["n_steps"] >= MIN_STEPS]
    limits = [-np.inf, *(each.point for each in points), np.inf]
    rows = []
    for k, crossing in enumerate(points):
        point, slope = (jackknifed(means, _nth(points, k, i), confidence) for i in (0, 1))
        needed = 1 if crossing.slope < 1 else -1  # sign of the drift below the crossing
        below = _has_sign(used, limits[k], limits[k + 1], needed)
        above = _has_sign(used, limits[k + 1], limits[k + 2], -needed)
        rows.append(
            {
                "number": k + 1,
                "n_points": len(points),
                "point": crossing.point,
                "ci_low": point["ci_low"],
                "ci_high": point["ci_high"],
                "slope": crossing.slope,
                "slope_ci_low": slope["ci_low"],
                "slope_ci_high": slope["ci_high"],
                "stability": stability(crossing.slope),
                "supported": below and above,
                "warnings": point["warnings"],
            }
        )
    return rows


def _knots(means: pd.DataFrame) -> tuple[Floats, Floats]:
    """Scores and drifts of the bins that the map goes through.

    means: n, x and drift by panel and bin.
    """
    place = means["bin"].to_numpy(int)
    n, panels = np.bincount(place, means["n"]), np.bincount(place)
    used = n >= MIN_STEPS
    score, drift = (np.bincount(place, means[name])[used] / panels[used] for name in ("x", "drift"))
    return score, drift


def _nth(points: list[Crossing], k: int, of: int) -> Callable[[pd.DataFrame], float]:
    """Point (of 0) or slope (of 1) of the k-th crossing; NaN where the crossings are others."""
    directions = [each.slope < 1 for each in points]

    def statistic(means: pd.DataFrame) -> float:
        mine = crossings(*_knots(means))
        return mine[k][of] if [each.slope < 1 for each in mine] == directions else np.nan

    return statistic


def _has_sign(bins: list[dict[str, Any]], above: float, below: float, sign: int) -> bool:
    """Whether a bin between two scores surely drifts upwards (sign 1) or downwards (-1)."""
    ends = {1: "ci_low", -1: "ci_high"}
    return any(sign * row[ends[sign]] > 0 for row in bins if above < row["score"] < below)


def _why_none(drift: Floats) -> str:
    if len(drift) < 2:
        return f"no map: {len(drift)} bin(s) with {MIN_STEPS} steps or more"
    if not drift.any():
        return "the map lies on the diagonal: every point is fixed"
    if drift.max() <= 0:
        return "no crossing: scores fall in every bin"
    return "no crossing: scores rise in every bin"
