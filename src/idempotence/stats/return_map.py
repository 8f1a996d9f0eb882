"""The map of one cycle: each score on the one before, and the drift that theory foretells."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from idempotence.jobs.parts import Loop, Loops
from idempotence.scores.schema import ALIVE, CHAIN, PANEL
from idempotence.stats.fixed_points import NO_POINT, piecewise_points, stability
from idempotence.stats.groups import ALL, with_traits
from idempotence.stats.intervals import check_confidence
from idempotence.stats.panels import panel_mean
from idempotence.stats.relaxation import rates, score_steps

EDGES = np.arange(0.0, 101.0, 10.0)  # of the bins of s_j, points
ZONES = {"drift_low": (0.0, 25.0), "drift_middle": (25.0, 75.0), "drift_high": (75.0, 100.0)}
SLOPES = {"naive": "slope_naive", "corrected": "slope_corrected"}
KINDS = ["all", "coherent", "first"]  # of steps
_NUMBERS = ["estimate", "se", "ci_low", "ci_high"]


class ReturnMap(NamedTuple):
    """The tables of `return_map`."""

    estimands: pd.DataFrame
    bins: pd.DataFrame
    points: pd.DataFrame


def map_steps(table: pd.DataFrame, peak_coherence: float) -> pd.DataFrame:
    """The steps of chains that are alive at both ends.

    table: see `trajectories.trajectories`. Returns `relaxation.score_steps`' columns and drift
    (y - x, points), bin (its number among `EDGES`) and coherent (coherence is at least
    `peak_coherence`, points, at both ends).
    """
    key = [*CHAIN, "cycle"]
    alive = table[table["status"] == ALIVE]
    held = score_steps(alive[alive["coherence"] >= peak_coherence]).set_index(key).index
    steps = score_steps(alive).set_index(key)
    steps["coherent"] = steps.index.isin(held)
    steps["drift"] = steps["y"] - steps["x"]
    steps["bin"] = np.digitize(steps["x"], EDGES[1:-1])
    return steps.reset_index()


def return_map(
    table: pd.DataFrame, loops: Loops, peak_coherence: float, confidence: float
) -> ReturnMap:
    """s_{j+1} as a function of s_j, by setting (trait "all") and setting and trait.

    table: see `trajectories.trajectories`. Column steps: "all" steps of chains alive at both ends;
    "coherent": those with a coherence of at least `peak_coherence` (points) at both ends; "first":
    those from cycle 0 to 1, which are all that a study of one cycle has. Drift is s_{j+1} - s_j.
    Means are over panels, each the mean of its steps, with a t interval (`panels.panel_mean`).
    There is no correction for the number of rows.

    - estimands: a row for each. "slope_naive", "slope_corrected": of the least-squares line, as
      `relaxation.contraction`'s "common" rate (errors in variables by moments, Fuller 1987; its
      docstring says when the correction overshoots, and that chains with unlike fixed points pull
      the slope to 1). "drift_low", "drift_middle", "drift_high": mean drift where s_j is under 25,
      25 to 75, above 75 (see `zone_drifts`). expected, prediction: see `predicted`. noise: root
      mean square of the standard errors of s_j. Bins and zones are chosen by noisy scores, so
      their drifts are pulled to where scores are densest, by about noise^2 times the slope of the
      log density (Efron 2011, Tweedie's formula).
    - bins of s_j between `EDGES`: score (mean of s_j) and drift.
    - points: fixed points, number 1 to n_points, from below. method "line": of the corrected line,
      Fieller's interval; "piecewise": see `fixed_points.piecewise_points`. slope is that of the
      map there. A row of number 0 says why there is none.

    Each has setting, trait, steps, n_steps, n_panels and warnings. Raises `UserError` for a
    confidence not between 0 and 1.
    """
    check_confidence(confidence)
    named = {loop.name: loop for loop in loops.loops}
    rng = np.random.default_rng(0)  # of draws that nothing here shows
    estimands: list[dict[str, Any]] = []
    bins: list[dict[str, Any]] = []
    points: list[dict[str, Any]] = []
    for key, steps, ended in _groups(table, peak_coherence):
        lines = {row["method"]: row for row in rates(steps, None, confidence, rng)}
        if steps.empty:
            lines = {method: {**row, "warnings": "no step"} for method, row in lines.items()}
        drifts = [*_slopes(lines), *zone_drifts(steps, confidence)]
        of_bins = _bins(steps, confidence)
        estimands += [
            {**key, **row} for row in _beside_theory(drifts, steps, ended, named[key["setting"]])
        ]
        bins += [{**key, **row} for row in of_bins]
        points += [
            {**key, **row} for row in _points(steps, lines["corrected"], of_bins, confidence)
        ]
    supported = {"supported": "boolean"}
    return ReturnMap(
        pd.DataFrame(estimands), pd.DataFrame(bins), pd.DataFrame(points).astype(supported)
    )


def _beside_theory(
    rows: list[dict[str, Any]], steps: pd.DataFrame, ended: str, loop: Loop
) -> list[dict[str, Any]]:
    """Rows of estimands with noise (points) and prediction, and a warning where chains ended."""
    noise = float(np.sqrt(steps["noise"].mean()))
    theory = [predicted(loop, row["estimand"]) for row in rows]
    return [
        {**row, "noise": noise, "expected": expected, "prediction": words,
         "warnings": "; ".join(filter(None, [row["warnings"], ended]))}
        for row, (expected, words) in zip(rows, theory, strict=True)
    ]  # fmt: skip


def _points(
    steps: pd.DataFrame, line: dict[str, Any], bins: list[dict[str, Any]], confidence: float
) -> list[dict[str, Any]]:
    """Rows of the fixed points of both methods. line: a row of `relaxation.rates`."""
    counts = {name: line[name] for name in ("n_steps", "n_panels")}
    of_methods = {
        "line": _line_points(line),
        "piecewise": piecewise_points(steps, bins, confidence),
    }
    return [
        {"method": method, **row, **counts} for method, rows in of_methods.items() for row in rows
    ]


def _groups(
    table: pd.DataFrame, peak_coherence: float
) -> Iterator[tuple[dict[str, str], pd.DataFrame, str]]:
    """(setting, trait and kind of steps; the steps; a warning where chains ended)."""
    steps = map_steps(table, peak_coherence)
    for setting, trait, chains in with_traits(table):
        mine = steps[steps["setting"] == setting]
        mine = mine if trait == ALL else mine[mine["trait"] == trait]
        of_kind = {
            "all": mine,
            "coherent": mine[mine["coherent"]],
            "first": mine[mine["cycle"] == 0],
        }
        n_ended = len(chains.loc[chains["status"] != ALIVE, CHAIN].drop_duplicates())
        ended = f"{n_ended} chain(s) ended: what came then is no step" if n_ended else ""
        for kind in KINDS:
            yield {"setting": setting, "trait": trait, "steps": kind}, of_kind[kind], ended


def _slopes(lines: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of both slopes. lines: the rows of `relaxation.rates` by method."""
    return [
        {
            "estimand": name, "estimate": lines[method]["rate"],
            **{column: lines[method][column] for column in
               ("se", "ci_low", "ci_high", "n_steps", "n_panels", "warnings")},
        }
        for method, name in SLOPES.items()
    ]  # fmt: skip


def zone_drifts(steps: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    """Mean drift (points) in each of `ZONES`, the middle one with both of its ends.

    steps: see `map_steps`. Rows: estimand, estimate, se, ci_low, ci_high (t interval over panels,
    each the mean of its steps), n_steps, n_panels, warnings.
    """
    low, high = ZONES["drift_middle"]
    zone = np.where(steps["x"] < low, 0, np.where(steps["x"] > high, 2, 1))
    return [
        {"estimand": name, **_mean(steps[zone == i], confidence)} for i, name in enumerate(ZONES)
    ]


def _bins(steps: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    """Rows of the bins: low, high, score and drift (points), se, interval and counts."""
    scores = steps.groupby(["bin", *PANEL])["x"].mean().groupby("bin").mean().to_dict()
    rows = []
    for i, (low, high) in enumerate(pairwise(EDGES)):
        mean = _mean(steps[steps["bin"] == i], confidence)
        drift = {"drift": mean.pop("estimate"), **mean}
        rows.append({"low": low, "high": high, "score": scores.get(i, np.nan), **drift})
    return rows


def _mean(steps: pd.DataFrame, confidence: float) -> dict[str, Any]:
    """The drift's mean over panels with its counts; a warning where there is no step."""
    if steps.empty:
        nothing = {**dict.fromkeys(_NUMBERS, np.nan), "n_steps": 0, "n_panels": 0}
        return {**nothing, "warnings": "no step"}
    mean = panel_mean(steps, "drift", confidence)
    return {
        **{name: mean[name] for name in _NUMBERS},
        "n_steps": len(steps), "n_panels": mean["n_panels"], "warnings": mean["warnings"],
    }  # fmt: skip


def _line_points(line: dict[str, Any]) -> list[dict[str, Any]]:
    """The row of the line's fixed point. line: a row of `relaxation.rates`."""
    if np.isnan(line["fixed_point"]):
        return [{"number": 0, "n_points": 0, **NO_POINT, "warnings": line["warnings"]}]
    return [
        {
            "number": 1, "n_points": 1, "point": line["fixed_point"],
            "ci_low": line["fixed_point_ci_low"], "ci_high": line["fixed_point_ci_high"],
            "slope": line["rate"], "slope_ci_low": line["ci_low"], "slope_ci_high": line["ci_high"],
            "stability": stability(line["rate"]), "supported": line["is_contraction"],
            "warnings": line["warnings"],
        }
    ]  # fmt: skip


def predicted(loop: Loop, estimand: str) -> tuple[float, str]:
    """(number, words) of what theory foretells for an estimand; NaN where it gives no number.

    A model that is fitted to samples of the last one, which replace those before, repeats their
    mean on average: resampling is a martingale, E[s_{j+1} - s_j | s_j] = 0, whose spread is lost
    with time (Shumailov et al. 2024, of models trained on own samples; Wright 1931, of genes). That
    is slope 1 and drift 0, for a score that is a mean over samples at the temperature of
    training. Below temperature 1 the likelier of two outcomes, of probability p, is sampled more
    often: p^(1/T) / (p^(1/T) + (1 - p)^(1/T)). The drift then leads away from the middle, above 1
    towards it. That is so of tokens, and of a trait as far as its share in texts goes with theirs.
    Where seed rows or earlier samples are kept (Gerstgrasser et al. 2024), samples are chosen, or
    preferences are trained on, theory gives nothing here.
    """
    if loop.method.pairs:
        return np.nan, "none: preferences are no copy of samples"
    if not loop.own_samples_alone:
        return np.nan, "none: not all rows, or not only these, are the last samples"
    if loop.temperature is None:
        return np.nan, "none: the temperature is not known"
    is_slope = estimand in SLOPES.values()
    if loop.temperature == 1:
        return (1.0 if is_slope else 0.0), "temperature 1: an unbiased copy does not drift"
    if estimand == "drift_middle":
        return np.nan, "none: the sign changes in the middle"
    sharpened = loop.temperature < 1
    above = sharpened == (estimand != "drift_low")
    where = "away from" if sharpened else "towards"
    size = "below" if sharpened else "above"
    bound = f"{'above' if above else 'below'} {1 if is_slope else 0}"
    return np.nan, f"{bound}: temperature {size} 1, drift {where} the middle"
