"""Panels as the unit of inference: chains of a panel share their seed data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from idempotence.scores.schema import PANEL
from idempotence.stats.intervals import MIN_CLUSTERS, check_confidence, t_half_width

MIN_PANELS = MIN_CLUSTERS
FEW_PANELS = 10
_UNKNOWN = dict.fromkeys(["estimate", "se", "ci_low", "ci_high", "p"], np.nan)


def _warnings(n_panels: int) -> list[str]:
    """Warnings about an interval from so many panels."""
    if n_panels < MIN_PANELS:
        return [f"only {n_panels} panel(s): no interval"]
    if n_panels < FEW_PANELS:
        return [f"only {n_panels} panels: the interval leans on normal scatter between them"]
    return []


def panel_means(frame: pd.DataFrame, value: str) -> tuple[pd.Series, float]:
    """(mean of each panel's chains, standard error of the mean of those); NaN for one panel."""
    means = frame.groupby(PANEL)[value].mean()
    return means, float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else np.nan


def panel_mean(frame: pd.DataFrame, value: str, confidence: float) -> dict[str, Any]:
    """Mean of `value` over panels, each the mean of its chains, with a t interval.

    With G panels: se = sd / sqrt(G), G - 1 degrees of freedom, p of a mean of 0. Chains without
    the value are left out. Returns estimate, se, ci_low, ci_high, p, n_panels, n_chains, warnings
    (text); without `MIN_PANELS` panels or without scatter there is no interval.
    """
    check_confidence(confidence)
    known = frame[frame[value].notna()]
    means, se = panel_means(known, value)
    warnings = _warnings(len(means))
    estimates = {**_UNKNOWN, "estimate": means.mean(), "se": se}
    estimates |= _t_test(
        estimates["estimate"], se, len(means), means.abs().max(), warnings, confidence
    )
    counts = {"n_panels": len(means), "n_chains": len(known)}
    return {**estimates, **counts, "warnings": "; ".join(warnings)}


def jackknifed(
    frame: pd.DataFrame,
    statistic: Callable[[pd.DataFrame], float],
    confidence: float,
    clusters: list[str] = PANEL,
) -> dict[str, Any]:
    """A statistic of chains with a jackknife over panels (or other clusters).

    With b the statistic of all and b_g that without cluster g of G, se^2 = (G - 1) / G *
    sum (b_g - b)^2 (for regressions the estimator CV3, which holds its level with few clusters:
    MacKinnon, Nielsen and Webb 2023), and a t distribution with G - 1 degrees of freedom.
    Returns as `panel_mean`. NaN where the statistic is; no interval where it is NaN without a
    cluster.
    """
    check_confidence(confidence)
    groups = frame.groupby(clusters).ngroup().to_numpy()
    n = len(set(groups))
    warnings = _warnings(n)
    whole, se = statistic(frame), np.nan
    if n > 1 and np.isfinite(whole):
        without = np.array([statistic(frame[groups != g]) for g in range(n)])
        if np.isfinite(without).all():
            se = float(np.sqrt((n - 1) / n * np.sum((without - whole) ** 2)))
        else:
            warnings.append("not known without one of the panels: no interval")
    estimates = {**_UNKNOWN, "estimate": whole, "se": se}
    estimates |= _t_test(whole, se, n, 1.0, warnings, confidence)
    counts = {"n_panels": n, "n_chains": len(frame)}
    return {**estimates, **counts, "warnings": "; ".join(warnings)}


def _t_test(
    estimate: float, se: float, n: int, size: float, warnings: list[str], confidence: float
) -> dict[str, Any]:
    """Interval and p of an estimate from n clusters; nothing where they cannot be known.

    size: of the values that were averaged, against which scatter is compared. warnings: one is put
    before the others where there is no scatter.
    """
    if n < MIN_PANELS or not np.isfinite(se):
        return {}
    if se <= 1e-9 * max(1.0, size):
        warnings.insert(0, "no scatter between panels: no interval")
        return {}
    half = float(t_half_width(se, n - 1, confidence))
    p = float(2 * stats.t.sf(abs(estimate / se), n - 1))
    return {"ci_low": estimate - half, "ci_high": estimate + half, "p": p}
