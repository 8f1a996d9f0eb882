"""How fast scores move: regressions of chains on cycle."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from idempotence.scores.schema import CHAIN
from idempotence.stats.arrays import Floats, Integers
from idempotence.stats.groups import with_traits
from idempotence.stats.intervals import check_confidence
from idempotence.stats.trajectories import MEASURES

MIN_CHAINS = 3  # fewer clusters leave a t interval without meaning
FEW_CHAINS = 10
FEW_SEEDS = 3
_UNKNOWN = {"estimate": np.nan, "se": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p": np.nan}


def slopes(
    table: pd.DataFrame, confidence: float, measures: Sequence[str] = MEASURES
) -> pd.DataFrame:
    """Slopes of trait score and coherence for each setting (trait "all") and setting and trait.

    measures: columns of the table, where not those two.

    table: see `trajectories.trajectories`. Returns setting, trait, measure, the columns of `slope`,
    and the numbers of chains and seeds.
    """
    check_confidence(confidence)
    rows = []
    for setting, trait, group in with_traits(table):
        for measure in measures:
            estimates = slope(group, measure, confidence)
            rows.append({"setting": setting, "trait": trait, "measure": measure, **estimates})
    return pd.DataFrame(rows)


def slope(group: pd.DataFrame, measure: str, confidence: float) -> dict[str, Any]:
    """Slope on cycle with an own intercept for each chain, errors clustered by chain.

    Score and cycle are taken less their mean in the chain, which is the regression with a fixed
    effect for each chain. With those deviations x and y, the slope is b = sum xy / sum x^2 (points
    per cycle), and with residuals e and chains g = 1..G its variance is
    G / (G - 1) * sum_g (sum_{i in g} x_i e_i)^2 / (sum x^2)^2; the intercepts are nested in the
    clusters and so cost no degrees of freedom (Cameron and Miller 2015). Test and interval use the
    t distribution with G - 1 degrees of freedom.

    Returns estimate, se, ci_low, ci_high, p, n_chains, n_seeds, n_observations (chain-cycle
    means) and warnings (text, "; " between them). Missing means are left out, and chains with a
    single mean, which have no slope. What cannot be known is NaN with a warning: the
    slope without two cycles, its error with one chain, interval and p under `MIN_CHAINS` chains or
    without scatter.
    """
    known = group[group[measure].notna()]
    known = known[known.groupby(CHAIN)["cycle"].transform("nunique") > 1]
    by = [known[name] for name in CHAIN]
    counts = {
        "n_chains": known[CHAIN].drop_duplicates().shape[0],
        "n_seeds": known["seed"].nunique(),
        "n_observations": len(known),
    }
    if known.empty:
        why = "no chain has scores at two cycles"
        return {**_UNKNOWN, **counts, "warnings": why}
    x = (known["cycle"] - known["cycle"].groupby(by).transform("mean")).to_numpy(float)
    y = (known[measure] - known[measure].groupby(by).transform("mean")).to_numpy(float)
    clusters = known.groupby(CHAIN).ngroup().to_numpy()
    warnings = _warnings(counts)
    estimate = float(x @ y / (x @ x))
    result = {**_UNKNOWN, "estimate": estimate}
    if np.abs(y - x * estimate).max() <= 1e-9 * max(1.0, np.abs(y).max()):
        result["se"] = 0.0 if counts["n_chains"] > 1 else np.nan
        warnings.insert(0, "no scatter about the slope: no interval")
    elif counts["n_chains"] > 1:
        result |= _clustered(x, y, clusters, confidence)
        if counts["n_chains"] < MIN_CHAINS:
            result |= {"ci_low": np.nan, "ci_high": np.nan, "p": np.nan}
    return {**result, **counts, "warnings": "; ".join(warnings)}


def _clustered(x: Floats, y: Floats, clusters: Integers, confidence: float) -> dict[str, Any]:
    """Standard error, interval and p of the regression of y on x through the origin."""
    # use_t: without it statsmodels tests a cluster covariance against the normal distribution.
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    low, high = fit.conf_int(alpha=1 - confidence)[0]
    return {
        "se": float(fit.bse[0]),
        "ci_low": float(low),
        "ci_high": float(high),
        "p": float(fit.pvalues[0]),
    }


def _warnings(counts: dict[str, int]) -> list[str]:
    n_chains, n_seeds = counts["n_chains"], counts["n_seeds"]
    warnings = []
    if n_chains < MIN_CHAINS:
        warnings.append(f"only {n_chains} chain(s): no interval")
    elif n_chains < FEW_CHAINS:
        warnings.append(f"only {n_chains} chains: the interval is approximate")
    if n_seeds < FEW_SEEDS:
        warnings.append(f"only {n_seeds} seed(s)")
    return warnings
