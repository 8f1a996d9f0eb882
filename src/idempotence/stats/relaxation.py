"""Does a chain relax to a fixed point? Exponential fits and the contraction of a step."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from idempotence.scores.schema import CHAIN, PANEL
from idempotence.stats.arrays import Floats
from idempotence.stats.groups import ALL
from idempotence.stats.intervals import check_confidence
from idempotence.stats.panels import FEW_PANELS, MIN_PANELS

MAX_RATE = 1.5  # of lambda: beyond it seven cycles multiply any distance by 11
MIN_CYCLES = 4  # one more than the exponential has parameters
DRAWS = 1000
LOW_RELIABILITY = 0.5
METHODS = ["naive", "corrected"]
INTERCEPTS = {"common": None, "cell": ["model", "trait", "cell"]}
_GRID = np.linspace(0, MAX_RATE, 301)
_NO_FIT = dict.fromkeys(["s_start", "s_inf", "rate", "half_life", "rmse_exponential"], np.nan)
_UNKNOWN = {
    **dict.fromkeys(["se", "ci_low", "ci_high", "boot_low", "boot_high"], np.nan),
    **dict.fromkeys(["fixed_point", "fixed_point_ci_low", "fixed_point_ci_high"], np.nan),
}


def chain_fits(table: pd.DataFrame) -> pd.DataFrame:
    """A line and an exponential relaxation for each chain's trait score (points, 0-100).

    table: see `trajectories.trajectories`. With s_j the score at cycle j:

    - slope (points per cycle), rmse_line: least squares of s_j on j.
    - s_start, s_inf (points), rate, rmse_exponential: least squares of
      s_j = s_inf + (s_start - s_inf) * rate^j with 0 <= rate <= `MAX_RATE` and 0 <= s_inf <= 100.
      For a given rate the curve is linear in the other two, so the search is over rate alone
      (variable projection, Golub and Pereyra 1973): a grid, then Brent's method about its best
      point; there is no start value to depend on. A rate above 1 runs away from s_inf.
    - half_life = ln 0.5 / ln rate (cycles): NaN unless 0 < rate < 1.

    rmse is over the chain's n_cycles scores (points), with no correction for parameters. These are
    descriptions without intervals: seven noisy scores hardly distinguish a slow relaxation from a
    line. What cannot be fitted is NaN, with the reason in warnings: under two cycles for the line;
    under `MIN_CYCLES` cycles or a flat course for the exponential. A fit at a bound has a warning.
    """
    rows = []
    for key, group in table.groupby(CHAIN):
        score = group.set_index("cycle")["trait_score"].sort_index().dropna()
        cycle, y = score.index.to_numpy(float), score.to_numpy(float)
        rows.append({**dict(zip(CHAIN, key, strict=True)), **_chain(cycle, y)})
    return pd.DataFrame(rows)


def _chain(cycle: Floats, y: Floats) -> dict[str, Any]:
    """The row of one chain in `chain_fits`, without its key."""
    line = {"n_cycles": len(y), "slope": np.nan, "rmse_line": np.nan}
    if len(y) < 2:
        return {**line, **_NO_FIT, "warnings": f"only {len(y)} cycle(s): no fit"}
    slope, at_zero = np.polyfit(cycle, y, 1)
    rmse = np.sqrt(np.mean((y - at_zero - slope * cycle) ** 2))
    line |= {"slope": slope, "rmse_line": rmse}
    if len(y) < MIN_CYCLES:
        return {**line, **_NO_FIT, "warnings": f"only {len(y)} cycles: no exponential"}
    if np.ptp(y) <= 1e-9 * max(1.0, np.abs(y).max()):
        return {**line, **_NO_FIT, "warnings": "flat: no rate"}
    fit, warnings = _exponential(cycle, y)
    if fit["rmse_exponential"] >= rmse:
        warnings.append("no better than the line")
    return {**line, **fit, "warnings": "; ".join(warnings)}


def _exponential(cycle: Floats, y: Floats) -> tuple[dict[str, float], list[str]]:
    """The exponential of one chain: the columns of `_NO_FIT`, and warnings."""
    best = int(np.argmin(_squares(cycle, y)))
    around = (_GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)])
    search = optimize.minimize_scalar(
        lambda rate: _at_rate(rate, cycle, y)[2],
        bounds=around,
        method="bounded",
        options={"xatol": 1e-10},
    )
    at_best = float(_GRID[best])
    rate = float(search.x) if search.fun < _at_rate(at_best, cycle, y)[2] else at_best
    s_start, s_inf, square = _at_rate(rate, cycle, y)
    warnings = []
    for name, value, low, high in (("rate", rate, 0, MAX_RATE), ("s_inf", s_inf, 0, 100)):
        # Brent's method comes no nearer to a bound than its tolerance
        if min(value - low, high - value) <= 1e-6 * (high - low):
            warnings.append(f"{name} at its bound {low if value - low < high - value else high}")
    half_life = np.log(0.5) / np.log(rate) if 1e-6 < rate < 1 else np.nan
    estimates = (s_start, s_inf, rate, half_life, np.sqrt(square / len(y)))
    return dict(zip(_NO_FIT, estimates, strict=True)), warnings


def _squares(cycle: Floats, y: Floats) -> Floats:
    """The sum of squares of `_at_rate` at each rate of `_GRID`, by the formulas of a line."""
    power = _GRID[:, None] ** cycle
    away = power - power.mean(axis=1, keepdims=True)
    below = (away**2).sum(axis=1)
    slope = away @ y / np.where(below > 1e-12, below, np.inf)
    s_inf = np.clip(y.mean() - slope * power.mean(axis=1), 0, 100)[:, None]
    rest = y - s_inf * (1 - power)
    s_start = ((power * rest).sum(axis=1) / (power**2).sum(axis=1))[:, None]
    return np.asarray(((rest - s_start * power) ** 2).sum(axis=1))


def _at_rate(rate: float, cycle: Floats, y: Floats) -> tuple[float, float, float]:
    """Best s_start and s_inf (in 0-100) at a rate, and the sum of squares."""
    power = rate**cycle
    x = np.column_stack([power, 1 - power])
    (s_start, s_inf), *_ = np.linalg.lstsq(x, y, rcond=None)
    if not 0 <= s_inf <= 100:  # the sum of squares is convex: the bound that was crossed is best
        s_inf = min(max(s_inf, 0.0), 100.0)
        s_start = power @ (y - s_inf * x[:, 1]) / (power @ power)
    return float(s_start), float(s_inf), float(np.sum((y - x @ (s_start, s_inf)) ** 2))


def contraction(table: pd.DataFrame, confidence: float, seed: int) -> pd.DataFrame:
    """Does a step bring scores nearer to each other? By setting (trait "all") and setting, trait.

    table: see `trajectories.trajectories`. The steps (x, y) = (s_j, s_{j+1}) of all chains are
    regressed as y = a + lambda x; "common" has one a, "cell" one for each model, trait and cell.
    With sums of squares S about the means (of the cells):

    - "naive": lambda = S_xy / S_xx, pulled to 0 by the noise of x.
    - "corrected": lambda = S_xy / (S_xx - sum over cells of (n - 1) / n * sum se^2), se the known
      standard error of x (errors in variables by moments, Fuller 1987, section 1.2). That se is
      over questions. As each cycle asks the same questions, the part of it that is theirs is no
      noise of x, and the correction is then too strong: as far as noise goes, the truth lies
      between both.

    Chains with unlike fixed points pull a "common" lambda to 1, as high ones stay high; "cell" lets
    them differ, at the cost of a pull down of order 1 / steps in a cell (Nickell 1981).

    se, ci_low, ci_high: jackknife over the G panels (`schema.PANEL`; chains of a panel share
    seed data), V = (G - 1) / G * sum_g (estimate without g - estimate)^2, with G - 1 degrees of
    freedom (CV3 of MacKinnon, Nielsen and Webb 2023). boot_low, boot_high: percentiles of `DRAWS`
    draws of panels with replacement, for comparison: with few panels they are far too narrow,
    covering 0.7 for 3 and 0.9 for 10 panels (tests/stats/test_relaxation.py).
    is_contraction: ci_high < 1; missing without an interval. fixed_point = a / (1 - lambda)
    (points; for "cell" that of the mean step), NaN unless lambda < 1, with Fieller's (1954)
    interval: all m where a + (lambda - 1) m does not differ from 0. It is bounded, and given, only
    where the interval of lambda excludes 1.

    Returns setting, trait, intercepts, method, rate (lambda) and the above, reliability
    ((S_xx - noise) / S_xx), n_chains, n_panels, n_steps and warnings.
    """
    check_confidence(confidence)
    steps = score_steps(table)
    rows = []
    for setting in sorted(table["setting"].unique()):
        of_setting = steps[steps["setting"] == setting]
        for trait, group in [(ALL, of_setting), *of_setting.groupby("trait")]:
            for intercepts, by in INTERCEPTS.items():
                key = {"setting": setting, "trait": trait, "intercepts": intercepts}
                of_methods = rates(group, by, confidence, np.random.default_rng(seed))
                rows += [{**key, **row} for row in of_methods]
    return pd.DataFrame(rows).astype({"is_contraction": "boolean"})


def score_steps(table: pd.DataFrame) -> pd.DataFrame:
    """Pairs of scores of one chain at successive cycles, where both are known.

    table: see `trajectories.trajectories`. Returns `CHAIN`, cycle (of the first), x, y (points) and
    noise, the squared standard error of x.
    """
    now = table[[*CHAIN, "cycle", "trait_score", "trait_score_se"]].set_index([*CHAIN, "cycle"])
    after = table.assign(cycle=table["cycle"] - 1).set_index([*CHAIN, "cycle"])["trait_score"]
    steps = now.rename(columns={"trait_score": "x"}).assign(
        y=after, noise=now["trait_score_se"] ** 2
    )
    return steps.dropna(subset=["x", "y"]).reset_index()


def rates(
    steps: pd.DataFrame, by: list[str] | None, confidence: float, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """The row of each of `METHODS` for some steps: the columns of `contraction` but its key.

    steps: see `score_steps`. by: columns of what has an intercept of its own; None: one for all.
    rng: of the bootstrap.
    """
    sums = _sums(steps, by)
    n = len(sums)
    counts = {
        "n_chains": steps[CHAIN].drop_duplicates().shape[0],
        "n_panels": n,
        "n_steps": len(steps),
    }
    whole, reliability = estimates(sums.sum(axis=0))
    without, _ = estimates(sums.sum(axis=0) - sums)
    weights = rng.multinomial(n, np.full(n, 1 / n), DRAWS) if n else np.zeros((DRAWS, 0))
    drawn, _ = estimates(np.einsum("dg,gks->dks", weights, sums))
    rows = []
    for i, method in enumerate(METHODS):
        row = {"method": method, "rate": whole[i, 0], **_UNKNOWN, "is_contraction": None}
        row |= _inference(whole[i], without[:, i], drawn[:, i, 0], confidence)
        warnings = _warnings(row, n, float(reliability), not np.isnan(whole[0, 0]))
        rows.append({**row, "reliability": reliability, **counts, "warnings": "; ".join(warnings)})
    return rows


def _sums(steps: pd.DataFrame, by: list[str] | None) -> Floats:
    """(panels, cells, 6): sums of 1, x, y, x^2, xy and noise over a panel's steps in a cell."""
    if steps.empty:
        return np.zeros((0, 1, 6))
    panel = steps.groupby(PANEL).ngroup().to_numpy()
    cell = np.zeros(len(steps), int) if by is None else steps.groupby(by).ngroup().to_numpy()
    x, y, noise = (steps[name].to_numpy(float) for name in ("x", "y", "noise"))
    sums = np.zeros((panel.max() + 1, cell.max() + 1, 6))
    np.add.at(sums, (panel, cell), np.column_stack([np.ones(len(x)), x, y, x * x, x * y, noise]))
    return sums


def estimates(sums: Floats) -> tuple[Floats, Floats]:
    """lambda and a of both methods from sums over steps, and the reliability of x.

    sums: (..., cells, 6), see `_sums`. Returns (..., 2 methods, 2) and (...); NaN where x does not
    vary, or not beyond its noise. a is that of the mean step, mean y - lambda * mean x.
    """
    n, x, y, xx, xy, noise = np.moveaxis(np.asarray(sums, float), -1, 0)
    some = np.where(n > 0, n, 1)
    s_xx = (xx - x * x / some).sum(axis=-1)
    s_xy = (xy - x * y / some).sum(axis=-1)
    s_noise = ((n - 1) / some * noise).sum(axis=-1)
    varies = s_xx > 1e-9 * np.maximum(1.0, xx.sum(axis=-1))
    s_xx = np.where(varies, s_xx, np.nan)
    total = np.where(n.sum(axis=-1) > 0, n.sum(axis=-1), np.nan)
    of_methods = []
    for below in (s_xx, s_xx - s_noise):
        rate = s_xy / np.where(below > 0, below, np.nan)
        intercept = (y.sum(axis=-1) - rate * x.sum(axis=-1)) / total
        of_methods.append(np.stack([rate, intercept], axis=-1))
    return np.stack(of_methods, axis=-2), (s_xx - s_noise) / s_xx


def _inference(whole: Floats, without: Floats, drawn: Floats, confidence: float) -> dict[str, Any]:
    """Intervals of lambda and of the fixed point from the (lambda, a) without each panel."""
    n, (rate, a) = len(without), whole
    inferred: dict[str, Any] = {"fixed_point": a / (1 - rate)} if rate < 1 else {}
    if n < MIN_PANELS or np.isnan(without).any() or np.isnan(rate):
        return inferred
    away = without - whole
    cov = (n - 1) / n * away.T @ away
    t = stats.t.ppf(0.5 + confidence / 2, n - 1)
    se = np.sqrt(cov[0, 0])
    if se <= 1e-9 * max(1.0, abs(rate)):
        return {**inferred, "se": 0.0}
    tails = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
    inferred["boot_low"], inferred["boot_high"] = np.quantile(drawn[~np.isnan(drawn)], tails)
    inferred |= {"se": se, "ci_low": rate - t * se, "ci_high": rate + t * se}
    inferred["is_contraction"] = bool(rate + t * se < 1)
    if inferred["is_contraction"]:
        inferred["fixed_point_ci_low"], inferred["fixed_point_ci_high"] = _fieller(rate, a, cov, t)
    return inferred


def _fieller(rate: float, a: float, cov: Floats, t: float) -> tuple[float, float]:
    """The m with (a + (rate - 1) m)^2 <= t^2 * (V_aa + 2 m V_ra + m^2 V_rr), cov of (rate, a)."""
    square = (rate - 1) ** 2 - t**2 * cov[0, 0]
    linear = a * (rate - 1) - t**2 * cov[0, 1]
    constant = a**2 - t**2 * cov[1, 1]
    root = np.sqrt(max(linear**2 - square * constant, 0.0))
    return (-linear - root) / square, (-linear + root) / square


def _why_no_rate(reliability: float, varies: bool) -> str:
    if not varies:
        return "no rate: the scores do not vary"
    if reliability <= 0:
        return "no rate: the scores vary no more than their noise"
    return "no rate: a score has no standard error"


def _warnings(row: dict[str, Any], n_panels: int, reliability: float, varies: bool) -> list[str]:
    warnings = []
    if np.isnan(row["rate"]):
        warnings.append(_why_no_rate(reliability, varies))
    if n_panels < MIN_PANELS:
        warnings.append(f"only {n_panels} panel(s): no interval")
    elif row["se"] == 0:
        warnings.append("no scatter about the line: no interval")
    elif np.isnan(row["se"]) and not np.isnan(row["rate"]):
        warnings.append("no interval: without one panel there is no rate")
    elif n_panels < FEW_PANELS and not np.isnan(row["rate"]):
        warnings.append(f"only {n_panels} panels: the interval is approximate")
    if 0 < reliability < LOW_RELIABILITY:
        warnings.append(f"noise is {1 - reliability:.0%} of the scores' scatter")
    if row["rate"] >= 1:
        warnings.append("rate of 1 or more: no fixed point")
    if row["fixed_point"] < 0 or row["fixed_point"] > 100:
        warnings.append("the fixed point lies beyond the scale of 0 to 100")
    if row["rate"] < 1 and row["is_contraction"] is False:
        warnings.append("the rate may be 1: the fixed point has no bounded interval")
    return warnings
