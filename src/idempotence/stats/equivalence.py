"""Do further cycles do nothing? Equivalence tests of a chain's change with zero."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from idempotence.errors import UserError
from idempotence.scores.schema import CHAIN
from idempotence.stats.groups import add_holm, with_traits
from idempotence.stats.intervals import check_confidence, t_half_width
from idempotence.stats.panels import FEW_PANELS, MIN_PANELS, panel_means
from idempotence.stats.rules import by_last_cycle, in_rows, slopes

ESTIMANDS = ["late_minus_first", "slope_total"]
_UNKNOWN = {
    **dict.fromkeys(["se", "ci_low", "ci_high", "tost_low", "tost_high", "p_tost"], np.nan),
    "equivalent": None,
    "smallest_bound": np.nan,
}


def equivalence(
    table: pd.DataFrame,
    bound: float,
    from_cycle: int,
    confidence: float,
    estimands: Sequence[str] = ESTIMANDS,
    each_trait: bool = True,
) -> pd.DataFrame:
    """Test that the change lies within -/+ bound, by setting (trait "all") and setting and trait.

    table: see `trajectories.trajectories`. bound: points. Two estimands (points), see `changes`:
    "late_minus_first" and "slope_total". Each is averaged over the chains of a panel
    (`schema.PANEL`), then over the G panels, with se = sd / sqrt(G) and G - 1 degrees of freedom.
    With alpha = 1 - confidence, the two one-sided t tests (Schuirmann 1987) give p_tost, the larger
    of both p; equivalent is p_tost < alpha, which is the same as tost_low, tost_high (the interval
    at 1 - 2 alpha, 90 % for a confidence of 95 %) lying within the bound. smallest_bound =
    max(|tost_low|, |tost_high|) is the bound above which equivalence would hold.

    The row of trait "all" takes panels of several traits as replications of one mean: its interval
    holds the scatter between the traits in the study. Its p is left out of p_tost_holm, which is
    adjusted over the traits of a setting and estimand (Holm 1979) and missing for "all".

    Returns setting, trait, estimand, estimate, se, ci_low, ci_high (at `confidence`), tost_low,
    tost_high, bound, p_tost, p_tost_holm, equivalent, smallest_bound, n_panels, n_chains,
    n_left_out (chains without the scores that the estimand needs) and warnings. Under `MIN_PANELS`
    panels, or without scatter, there is no test. Raises `UserError` for a bound <= 0,
    from_cycle < 1, or a confidence not above 0.5.
    """
    check_confidence(confidence)
    if confidence <= 0.5:
        raise UserError(f"confidence is {confidence}; an equivalence test needs more than 0.5")
    if not bound > 0:
        raise UserError(f"the equivalence bound is {bound} points; it must be above 0")
    if from_cycle < 1:
        raise UserError(f"the first late cycle is {from_cycle}; it must be 1 or later")
    change = changes(table, from_cycle)
    rows = []
    for setting, trait, group in with_traits(change, each_trait):
        for name in estimands:
            test = _test(group, name, bound, confidence)
            rows.append({"setting": setting, "trait": trait, "estimand": name, **test})
    tests = pd.DataFrame(rows).astype({"equivalent": "boolean"})
    return add_holm(tests, ["setting", "estimand"], "p_tost")


def changes(table: pd.DataFrame, from_cycle: int) -> pd.DataFrame:
    """For each chain its `CHAIN` and both estimands (points), with s_j its score at cycle j.

    - late_minus_first: the mean of s_j over j >= from_cycle, minus s_0: what all training did.
    - slope_total: the least-squares slope of s_j on j over j >= 1, times J - 1, with J the table's
      last cycle: what the cycles after the first re-training did.

    Missing when a needed score is: s_0 or every late one; all but one from cycle 1 on, or that of
    cycle J, because a course that ended must not be drawn on to J.
    """
    parts = []
    for group in by_last_cycle(table):
        courses = in_rows(group, "trait_score")
        last, of_cycle = len(courses.columns) - 1, courses.to_numpy(float)
        change = courses.index.to_frame(index=False)
        change["late_minus_first"] = courses.loc[:, from_cycle:].mean(axis=1).to_numpy()
        change["late_minus_first"] -= of_cycle[:, 0]
        change["slope_total"] = slopes(of_cycle[:, 1:]) * (last - 1)
        parts.append(change)
    return pd.concat(parts).sort_values(CHAIN, ignore_index=True)


def tost(mean: float, se: float, df: int, bound: float) -> float:
    """p of Schuirmann's (1987) two one-sided t tests that a mean lies within -/+ bound."""
    return float(max(stats.t.sf((mean + bound) / se, df), stats.t.cdf((mean - bound) / se, df)))


def _test(group: pd.DataFrame, name: str, bound: float, confidence: float) -> dict[str, Any]:
    """The row of one setting or setting and trait, from the rows of `changes`."""
    known = group[group[name].notna()]
    means, se = panel_means(known, name)
    n = len(means)
    warnings = _warnings(n, len(group) - len(known))
    estimates = {"estimate": means.mean(), **_UNKNOWN, "se": se, "bound": bound}
    if se <= 1e-9 * max(1.0, means.abs().max()):
        warnings.insert(0, "no scatter between panels: no test")
    elif n >= MIN_PANELS:
        estimates |= _intervals(float(means.mean()), se, n - 1, bound, confidence)
    counts = {"n_panels": n, "n_chains": len(known), "n_left_out": len(group) - len(known)}
    order = ["estimate", "se", "ci_low", "ci_high", "tost_low", "tost_high", "bound", "p_tost"]
    order += ["equivalent", "smallest_bound"]
    return {name: estimates[name] for name in order} | counts | {"warnings": "; ".join(warnings)}


def _intervals(mean: float, se: float, df: int, bound: float, confidence: float) -> dict[str, Any]:
    half = float(t_half_width(se, df, confidence))
    half_tost = float(t_half_width(se, df, 2 * confidence - 1))
    p = tost(mean, se, df, bound)
    return {
        "ci_low": mean - half,
        "ci_high": mean + half,
        "tost_low": mean - half_tost,
        "tost_high": mean + half_tost,
        "p_tost": p,
        "equivalent": p < 1 - confidence,
        "smallest_bound": abs(mean) + half_tost,
    }


def _warnings(n_panels: int, n_left_out: int) -> list[str]:
    warnings = []
    if n_panels < MIN_PANELS:
        warnings.append(f"only {n_panels} panel(s): no test")
    elif n_panels < FEW_PANELS:
        warnings.append(f"only {n_panels} panels: the test leans on normal scatter between them")
    if n_left_out:
        warnings.append(f"{n_left_out} chain(s) left out: they ended or lack scores")
    return warnings
