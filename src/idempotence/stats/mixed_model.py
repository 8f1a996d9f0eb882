"""Slopes of the trait score by three models that should agree: mixed, pooled OLS and GEE."""

import warnings as python_warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning

from idempotence.scores.schema import CHAIN, PANEL
from idempotence.stats.arrays import Floats, Integers
from idempotence.stats.intervals import check_confidence, holm, t_half_width
from idempotence.stats.panels import FEW_PANELS, MIN_PANELS
from idempotence.stats.reml import fit, lines_of

Fit = dict[str, Any]  # estimate, se, converged, warnings (list); "mixed": also `SCATTER`
Method = Callable[[Floats, Floats, Integers, Integers], Fit]  # (y, x, panel, chain)
SCATTER = ["sd_chain", "sd_residual"]
_UNKNOWN = dict.fromkeys(["estimate", "se", "ci_low", "ci_high", "p"], np.nan)


def mixed_model(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Slope of the trait score on cycle (points per cycle) for each setting, by each method.

    table: see `trajectories.trajectories`. The model is score ~ cycle x setting, every setting
    with its own intercept and slope.

    - "mixed": a random intercept and slope for each chain, by REML, its error a jackknife over
      panels (see `reml.fit`).
    - "ols": least squares with errors clustered by panel (Liang and Zeger 1986), with the factor
      G / (G - 1) * (N - 1) / (N - 2).
    - "gee": the same mean with an exchangeable working correlation in the panel and the
      bias-reduced covariance of Mancl and DeRouen (2001).

    Panels are (model, trait, seed) in a setting: their chains share seed data. As every setting has
    its own line, its own panels and its own scatter, each is fitted by itself. With G of them, all
    three are tested against the t distribution with G - 1 degrees of freedom. With all chains
    running to the last cycle, and panels of one size, all three are the t test of the panels' mean
    slopes: "mixed" exactly, "ols" but for sqrt((N - 1) / (N - 2)), and "gee", too careful, with an
    error sqrt(G / (G - 1)) times as large. They part where chains end early: "ols" and "gee" have
    one intercept for a setting, so that such chains pull on their slope; "mixed" weighs each
    chain's line by its precision, and is then the one to trust.

    Returns setting, method, estimate, se, ci_low, ci_high, p, p_holm (Holm 1979, over the settings
    of a method), for "mixed" the standard deviation of the chains' slopes, sd_chain (points per
    cycle), and of scores about their chain's line, sd_residual (points); n_chains, n_clusters
    (panels), n_observations, converged, agree and warnings.
    agree: the methods have the same sign and are all significant at 1 - confidence, or are all
    not significant; missing when one has no p. Under `MIN_PANELS` panels, without scatter or
    after a failed fit, what is not known is NaN, with a warning. Chains with a single score,
    which have no slope, are left out.
    """
    check_confidence(confidence)
    known = table[table["trait_score"].notna()]
    known = known[known.groupby(CHAIN)["cycle"].transform("nunique") > 1]
    known = known.sort_values([*CHAIN, "cycle"], ignore_index=True)
    settings = sorted(table["setting"].unique())
    rows = []
    for setting in settings:
        group = known[known["setting"] == setting]
        of_setting = [
            {"setting": setting, "method": name, **_row(group, _one(group, fits), confidence)}
            for name, fits in FITS.items()
        ]
        agree, why = _agreement(of_setting, 1 - confidence)
        for row in of_setting:
            text = "; ".join([*row.pop("warnings"), *([why] if why else [])])
            rows.append({**row, "agree": agree, "warnings": text})
    table = pd.DataFrame(rows).astype({"agree": "boolean", "converged": "boolean"})
    adjusted = table.groupby("method")["p"].transform(holm)
    table.insert(list(table.columns).index("p") + 1, "p_holm", adjusted)
    return table


def _row(group: pd.DataFrame, fit: Fit, confidence: float) -> dict[str, Any]:
    """Interval, p and counts of one fit; warnings as a list."""
    n_clusters = group[PANEL].drop_duplicates().shape[0]
    warnings = list(fit.get("warnings", ["no chain has scores at two cycles"]))
    estimate, se = fit.get("estimate", np.nan), fit.get("se", np.nan)
    estimates = {**_UNKNOWN, "estimate": estimate, "se": se}
    if n_clusters < MIN_PANELS:
        warnings.append(f"only {n_clusters} panel(s): no interval")
    elif se <= 1e-9 * max(1.0, abs(estimate)):
        warnings.append("no scatter about the line: no interval")
    elif np.isfinite(se):
        half = float(t_half_width(se, n_clusters - 1, confidence))
        p = float(2 * stats.t.sf(abs(estimate / se), n_clusters - 1))
        estimates |= {"ci_low": estimate - half, "ci_high": estimate + half, "p": p}
        if n_clusters < FEW_PANELS:
            warnings.append(f"only {n_clusters} panels: the interval is approximate")
    return {
        **estimates,
        **{name: fit.get(name, np.nan) for name in SCATTER},
        "n_chains": group[CHAIN].drop_duplicates().shape[0],
        "n_clusters": n_clusters,
        "n_observations": len(group),
        "converged": fit.get("converged"),
        "warnings": warnings,
    }


def _agreement(rows: list[dict[str, Any]], alpha: float) -> tuple[bool | None, str]:
    """Whether the three fits of a setting agree, with a warning where they do not."""
    if any(not np.isfinite(row["p"]) for row in rows):
        return None, ""
    verdicts = {r["method"]: np.sign(r["estimate"]) * (r["p"] < alpha) for r in rows}
    if len(set(verdicts.values())) > 1:
        words = {1: "rises", -1: "falls", 0: "not significant"}
        slopes = ", ".join(f"{name} {words[int(v)]}" for name, v in verdicts.items())
        return False, f"the methods disagree: {slopes}"
    if len({np.sign(row["estimate"]) for row in rows}) > 1:
        return False, "the methods disagree in sign, none significant"
    return True, ""


def _one(group: pd.DataFrame, method: Method) -> Fit:
    """A fit to one setting: {} when it has no scores, only a slope when it has one panel."""
    if group.empty:
        return {}
    panel, chain = (group.groupby(by).ngroup().to_numpy() for by in (PANEL, CHAIN))
    cycle, y = group["cycle"].to_numpy(float), group["trait_score"].to_numpy(float)
    x = np.column_stack([np.ones(len(cycle)), cycle - cycle.mean()])
    line = np.linalg.lstsq(x, y, rcond=None)[0]
    if len(np.unique(panel)) < 2:
        return {"estimate": float(line[1]), "warnings": []}
    if _nothing_left(y - x @ line, y):
        return {"estimate": float(line[1]), "se": 0.0, "warnings": []}
    return method(y, x, panel, chain)


def _nothing_left(residual: Floats, y: Floats) -> bool:
    return bool(np.abs(residual).max() <= 1e-9 * max(1.0, np.abs(y).max()))


def _ols(y: Floats, x: Floats, panel: Integers, chain: Integers) -> Fit:
    fit = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": panel}, use_t=True)
    return {
        "estimate": float(fit.params[1]),
        "se": float(fit.bse[1]),
        "converged": True,
        "warnings": [],
    }


def _gee(y: Floats, x: Floats, panel: Integers, chain: Integers) -> Fit:
    model = sm.GEE(y, x, groups=panel, cov_struct=sm.cov_struct.Exchangeable())
    with python_warnings.catch_warnings(record=True) as caught:
        python_warnings.simplefilter("always")
        try:
            fit = model.fit(cov_type="bias_reduced")
        except (np.linalg.LinAlgError, ValueError) as error:
            return {"converged": False, "warnings": [f"the fit failed: {error}"]}
    return {
        "estimate": float(fit.params[1]),
        "se": float(fit.bse[1]),
        "converged": bool(fit.converged),
        "warnings": _texts(caught),
    }


def _mixed(y: Floats, x: Floats, panel: Integers, chain: Integers) -> Fit:
    """Without scatter about the chains' own lines, as with two cycles, there is no noise to weigh
    against the scatter of lines, and no fit."""
    if panel.max() + 1 < MIN_PANELS:
        return {"warnings": ["too few panels: no mixed model"]}
    lines = lines_of(x[:, 1], y, chain, panel)
    if np.sqrt(lines.rest) <= 1e-9 * max(1.0, np.abs(y).max()):
        return {"warnings": ["no scatter about the chains' lines: no mixed model"]}
    estimates = fit(lines)
    ended = estimates["converged"]
    slow = [] if ended else ["the search for the mixed model's variances did not end"]
    return {**estimates, "warnings": slow}


def _texts(caught: list[python_warnings.WarningMessage]) -> list[str]:
    """One line for each distinct warning of a fit, but those of its numerical workings."""
    kept = [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]
    return list(dict.fromkeys(" ".join(text.split()) for text in kept))


FITS: dict[str, Method] = {"mixed": _mixed, "ols": _ols, "gee": _gee}
