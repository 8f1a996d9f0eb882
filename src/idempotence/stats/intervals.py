"""Intervals that several tables share."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from idempotence.errors import UserError
from idempotence.stats.arrays import Floats

Values = npt.ArrayLike | pd.Series
MIN_CLUSTERS = 3  # fewer leave an interval without meaning


def check_confidence(confidence: float) -> None:
    """Raise `UserError` unless the confidence level lies between 0 and 1."""
    if not 0 < confidence < 1:
        raise UserError(f"confidence is {confidence}; it must lie between 0 and 1, such as 0.95")


def t_half_width(se: Values, df: Values, confidence: float) -> Floats:
    """Half the width of a t interval; NaN where there is no degree of freedom."""
    check_confidence(confidence)
    freedom = np.asarray(df, dtype=float)
    quantile = stats.t.ppf(0.5 + confidence / 2, np.where(freedom > 0, freedom, np.nan))
    return np.asarray(quantile * np.asarray(se, dtype=float))


def clustered_means(
    frame: pd.DataFrame, by: Sequence[str], value: str, cluster: str, confidence: float
) -> pd.DataFrame:
    """Mean of `value` for each group with a standard error clustered by `cluster`.

    With responses y in clusters g = 1..G of a group, n responses in all and mean m, the squared
    standard error is G / (G - 1) * sum_g (sum_{i in g} (y_i - m))^2 / n^2: the sandwich estimator
    of a regression on a constant (Liang and Zeger 1986) with the usual small-sample factor. For
    clusters of one size it is the standard error of the cluster means. The interval is m -/+ the
    t quantile with G - 1 degrees of freedom. Missing values are left out.

    Returns, indexed by `by`: mean, se, ci_low, ci_high, n, clusters; a group without values is
    absent, and one with a single cluster has NaN for se and interval.
    """
    known = frame.loc[frame[value].notna(), [*by, cluster, value]]
    per_cluster = known.groupby([*by, cluster])[value].agg(["sum", "size"])
    means = pd.DataFrame(known.groupby(list(by))[value].agg(mean="mean", n="size"))
    group = per_cluster.reset_index(cluster).index
    mean = means["mean"].reindex(group).to_numpy()
    per_cluster["square"] = (per_cluster["sum"] - per_cluster["size"] * mean) ** 2
    grouped = per_cluster.groupby(level=list(by))["square"]
    means["clusters"] = grouped.size()
    factor = means["clusters"] / (means["clusters"] - 1).where(means["clusters"] > 1)
    means["se"] = np.sqrt(factor * grouped.sum()) / means["n"]
    half = t_half_width(means["se"], means["clusters"] - 1, confidence)
    means["ci_low"], means["ci_high"] = means["mean"] - half, means["mean"] + half
    return means[["mean", "se", "ci_low", "ci_high", "n", "clusters"]]


def wilson(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); NaN for no trials."""
    check_confidence(confidence)
    if n == 0:
        return float("nan"), float("nan")
    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    # at the ends the formula gives exactly 0 or 1, but for rounding
    return (0.0 if successes == 0 else float(low)), (1.0 if successes == n else float(high))


def wilson_clustered(successes: Floats, n: Floats, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share over clusters that may each lean to one verdict.

    successes, n: of each of G clusters, n > 0. With p the share of all, the variance of p is
    G / (G - 1) * sum_g (successes_g - p n_g)^2 / N^2, and the trials are worth p (1 - p) / variance
    independent ones; times (t of N - 1 / t of G - 1 degrees of freedom)^2, as that variance is
    known from G clusters only, and at most N (Korn and Graubard 1998; with Wilson's interval in
    the place of Clopper and Pearson's, Dean and Pagano 2015). Where all verdicts are one nothing
    is known of how clusters lean, and they are worth G trials. NaN under `MIN_CLUSTERS` clusters.
    """
    check_confidence(confidence)
    if len(n) < MIN_CLUSTERS:
        return float("nan"), float("nan")
    total, share = float(np.sum(n)), float(np.sum(successes) / np.sum(n))
    worth = float(len(n))
    if 0 < share < 1:
        scatter = np.sum((successes - share * n) ** 2) * len(n) / (len(n) - 1) / total**2
        tails = stats.t.ppf(0.5 + confidence / 2, [total - 1, len(n) - 1])
        square = (tails[0] / tails[1]) ** 2
        worth = min(total, share * (1 - share) / scatter * square) if scatter > 0 else total
    low, high = proportion_confint(share * worth, worth, alpha=1 - confidence, method="wilson")
    return (0.0 if share == 0 else float(low)), (1.0 if share == 1 else float(high))


def holm(p: pd.Series) -> pd.Series:
    """Holm's (1979) adjusted p over those that are known; the others stay missing."""
    known = p.dropna()
    if len(known):
        known = pd.Series(multipletests(known, method="holm")[1], index=known.index)
    return known.reindex(p.index).astype(float)
