"""Relaxation and contraction against known courses, other code and simulations.

What the simulations (marked slow) hold the methods to, for 3, 5 and 10 panels of two chains:

- contraction with a common fixed point and known noise: the corrected rate's jackknife interval
  covers 0.93-0.97. Its bias is small but not within Monte-Carlo error (-0.007 with 3 panels, a
  tenth of its standard error). The naive rate is biased by -0.02 to -0.03 and its interval covers
  less as panels are added; percentiles of the bootstrap cover 0.70 with 3 panels. A random walk is
  called a contraction in 2-4 % of studies by the corrected rate (nominal 2.5 %), in 3-11 % by the
  naive one.
- unlike fixed points: cells that differ pull the "common" rate from 0.6 to 0.96, "cell" gives 0.59;
  chains that differ within a cell pull "cell" to 0.81 too.
"""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from make_courses import CONFIDENCE, SIZES, courses, noisy, relaxing, share_covered
from make_scores import CYCLES
from scipy import optimize
from scipy import stats as scipy_stats

from idempotence.stats import relaxation
from idempotence.stats.relaxation import chain_fits, contraction, estimates


@pytest.mark.parametrize(
    ("start", "inf", "rate"),
    [(80, 20, 0.5), (10, 60, 0.8), (50, 30, 0.05), (40, 39, 1.3), (90, 0, 0.6), (5, 100, 0.7)],
)
def test_exponential_of_a_noiseless_course_is_exact(start, inf, rate):
    row = chain_fits(courses([[relaxing(start, inf, rate)]])).iloc[0]
    assert row["rate"] == pytest.approx(rate, abs=1e-4)
    assert row["s_inf"] == pytest.approx(inf, abs=0.02)
    assert row["s_start"] == pytest.approx(start, abs=0.02)
    assert row["rmse_exponential"] < 1e-3
    if rate < 1:
        assert row["half_life"] == pytest.approx(math.log(0.5) / math.log(rate), rel=1e-3)
    else:
        assert math.isnan(row["half_life"])
    assert ("s_inf at its bound" in row["warnings"]) == (inf in (0, 100))


@pytest.mark.parametrize("seed", range(6))
def test_exponential_agrees_with_curve_fit(seed):
    rng = np.random.default_rng(seed)
    y = relaxing(70, 30, 0.6) + rng.normal(0, 1, CYCLES)
    row = chain_fits(courses([[y]])).iloc[0]

    def curve(j, s_start, s_inf, rate):
        return s_inf + (s_start - s_inf) * rate**j

    bounds = ([-np.inf, 0, 0], [np.inf, 100, 1.5])
    result, _ = optimize.curve_fit(curve, np.arange(CYCLES), y, p0=[70, 30, 0.6], bounds=bounds)
    assert list(row[["s_start", "s_inf", "rate"]]) == pytest.approx(list(result), abs=1e-2)
    line = scipy_stats.linregress(np.arange(CYCLES), y)
    assert row["slope"] == pytest.approx(line.slope)
    residual = y - line.intercept - line.slope * np.arange(CYCLES)
    assert row["rmse_line"] == pytest.approx(np.sqrt(np.mean(residual**2)))


@pytest.mark.parametrize(
    ("values", "line", "warning"),
    [
        ([50.0] * 7, True, "flat"),
        ([50, 40, 35], True, "only 3 cycles"),
        ([50, np.nan, np.nan], False, "only 1 cycle(s)"),
        ([np.nan] * 7, False, "only 0 cycle(s)"),
    ],
)
def test_chain_that_cannot_be_fitted_has_a_reason(values, line, warning):
    row = chain_fits(courses([[values]])).iloc[0]
    assert warning in row["warnings"] and math.isnan(row["rate"]) and math.isnan(row["half_life"])
    assert math.isnan(row["slope"]) != line


def test_fits_at_a_bound_and_no_better_than_a_line_have_warnings():
    jump = chain_fits(courses([[[80, 20, 21, 19, 20, 21, 19]]])).iloc[0]
    assert 0 <= jump["rate"] < 0.05
    zigzag = chain_fits(courses([[[50, 60, 50, 60, 50, 60, 50]]])).iloc[0]
    assert "rate at its bound 0" in zigzag["warnings"]
    line = chain_fits(courses([[10 + 5.0 * np.arange(CYCLES)]])).iloc[0]
    assert line["slope"] == pytest.approx(5) and "no better than the line" in line["warnings"]
    assert "s_inf at its bound" in line["warnings"]


@given(st.lists(st.floats(0, 100), min_size=5, max_size=7))
def test_exponential_is_never_worse_than_a_step_and_keeps_its_bounds(values):
    row = chain_fits(courses([[values]])).iloc[0]
    if math.isnan(row["rate"]):
        return
    assert 0 <= row["rate"] <= 1.5 and 0 <= row["s_inf"] <= 100
    later = np.array(values[1:])  # rate 0 is a step to the later cycles' mean
    assert (
        row["rmse_exponential"] <= np.sqrt(np.sum((later - later.mean()) ** 2) / len(values)) + 1e-6
    )


def steps_of(scores):
    return scores[..., :-1].ravel(), scores[..., 1:].ravel()


def row_of(table, trait="bliss", intercepts="common", method="naive"):
    wanted = (table["trait"] == trait) & (table["intercepts"] == intercepts)
    return table[wanted & (table["method"] == method)].iloc[0]


def test_contraction_without_noise_is_exact():
    starts = np.array([[80, 10], [60, 30], [90, 5]])
    table = contraction(courses(relaxing(starts, 40, 0.7)), CONFIDENCE, 1)
    for intercepts in ("common", "cell"):
        for method in ("naive", "corrected"):
            row = row_of(table, intercepts=intercepts, method=method)
            assert row["rate"] == pytest.approx(0.7) and row["fixed_point"] == pytest.approx(40)
            assert row["se"] == 0 and "no scatter" in row["warnings"]
            assert pd.isna(row["is_contraction"])
    assert (table["n_steps"] == 36).all() and (table["n_panels"] == 3).all()


def test_cells_of_unlike_fixed_points_need_their_own_intercepts():
    starts = np.array([50.0, 60, 40])
    scores = np.stack([relaxing(starts, 20, 0.5), relaxing(starts, 80, 0.5)], axis=1)
    table = contraction(courses(scores), CONFIDENCE, 1)
    own = row_of(table, intercepts="cell")
    assert own["rate"] == pytest.approx(0.5) and own["fixed_point"] == pytest.approx(50)
    assert row_of(table)["rate"] > 0.75


def test_naive_rate_is_least_squares_and_the_correction_is_by_hand():
    scores = noisy(4, seed=2)
    x, y = steps_of(scores)
    table = contraction(courses(scores, se=1.5), CONFIDENCE, 1)
    line = scipy_stats.linregress(x, y)
    naive, corrected = row_of(table), row_of(table, method="corrected")
    assert naive["rate"] == pytest.approx(line.slope)
    assert naive["fixed_point"] == pytest.approx(line.intercept / (1 - line.slope))
    s_xx, s_xy = np.sum((x - x.mean()) ** 2), np.sum((x - x.mean()) * (y - y.mean()))
    noise = (len(x) - 1) * 1.5**2
    assert corrected["rate"] == pytest.approx(s_xy / (s_xx - noise))
    assert corrected["reliability"] == pytest.approx(1 - noise / s_xx)
    within = sm.OLS(y, np.column_stack([x, np.tile(np.repeat(np.eye(2), 6, axis=0), (4, 1))])).fit()
    assert row_of(table, intercepts="cell")["rate"] == pytest.approx(within.params[0])


def test_jackknife_and_fieller_agree_with_the_direct_computation():
    rng = np.random.default_rng(3)
    starts = rng.uniform(20, 90, (5, 2))
    scores = relaxing(starts, 40, 0.6) + rng.normal(0, 1, (5, 2, CYCLES))
    row = row_of(contraction(courses(scores, se=1.0), CONFIDENCE, 1))

    def line(kept):
        x, y = steps_of(scores[kept])
        return np.polyfit(x, y, 1)

    everything = line(range(5))
    away = np.array([line([k for k in range(5) if k != g]) for g in range(5)]) - everything
    cov = 4 / 5 * away.T @ away
    t = scipy_stats.t.ppf(0.975, 4)
    assert row["se"] == pytest.approx(math.sqrt(cov[0, 0]))
    assert row["ci_high"] == pytest.approx(everything[0] + t * row["se"])
    assert row["is_contraction"] and row["ci_high"] < 1
    for m in (row["fixed_point_ci_low"], row["fixed_point_ci_high"]):
        away_from_zero = everything[1] + (everything[0] - 1) * m
        variance = cov[1, 1] + 2 * m * cov[0, 1] + m * m * cov[0, 0]
        assert away_from_zero**2 == pytest.approx(t**2 * variance, rel=1e-6)
    assert row["fixed_point_ci_low"] < row["fixed_point"] < row["fixed_point_ci_high"]


def test_contraction_is_seeded_and_leaves_gaps_out():
    scores = noisy(9, seed=5)
    scores[1, 0, 3] = np.nan
    table = courses(scores, se=1.0)
    rows = contraction(table, CONFIDENCE, 7)
    pd.testing.assert_frame_equal(rows, contraction(table, CONFIDENCE, 7))
    pd.testing.assert_frame_equal(
        rows, contraction(table.sample(frac=1, random_state=1), CONFIDENCE, 7)
    )
    other = contraction(table, CONFIDENCE, 8)
    assert (rows["boot_low"] != other["boot_low"]).any() and rows["se"].equals(other["se"])
    assert (rows["n_steps"] == 9 * 2 * 6 - 2).all()


@pytest.mark.parametrize(
    ("scores", "se", "warning"),
    [
        (noisy(2), 1.0, "only 2 panel(s)"),
        (noisy(4), 40.0, "no more than their noise"),
        (np.full((4, 2, 7), 30.0), 1.0, "the scores do not vary"),
        (np.full((4, 2, 7), np.nan), 1.0, "the scores do not vary"),
        (noisy(4), np.nan, "a score has no standard error"),
        (
            50 + np.arange(4)[:, None, None] + 3.0 * np.arange(7) + np.zeros((4, 2, 1)),
            0,
            "rate of 1",
        ),
        (noisy(4), 0.5, "the rate may be 1"),
    ],
)
def test_contraction_without_interval_has_a_reason(scores, se, warning):
    row = row_of(
        contraction(courses(scores, se=se), CONFIDENCE, 1), trait="all", method="corrected"
    )
    assert warning in row["warnings"]
    assert math.isnan(row["fixed_point_ci_low"])


@given(st.floats(-20, 20), st.floats(0.2, 3), st.integers(0, 1000))
def test_rate_does_not_depend_on_the_scale(shift, factor, seed):
    scores = noisy(4, seed=seed)
    table = [
        contraction(courses(s, se=e), CONFIDENCE, 1)
        for s, e in ((scores, 0.5), (shift + factor * scores, factor * 0.5))
    ]
    one, two = (row_of(m, method="corrected") for m in table)
    assert two["rate"] == pytest.approx(one["rate"], rel=1e-6)
    assert two["se"] == pytest.approx(one["se"], rel=1e-5)


def autoregressive(rng, shape, rate, inf, start=60.0, sd_start=8.0):
    """Observed scores (*shape, cycles) with shape (..., panels, 2): shocks of 3 points, of whose
    variance a panel's chains share half, and noise of 2 points."""
    state = start + rng.normal(0, sd_start, shape)
    states = [state]
    for _ in range(CYCLES - 1):
        shock = rng.normal(size=(*shape[:-1], 1)) + rng.normal(size=shape)
        state = inf + rate * (state - inf) + 3 * shock / math.sqrt(2)
        states.append(state)
    table = np.stack(states, axis=-1)
    return table + rng.normal(0, 2, table.shape)


def sums_of(scores, own):
    """`relaxation._sums` of many studies: (studies, panels, cells, 6); own: an intercept a cell."""
    x, y = scores[..., :-1], scores[..., 1:]
    one = np.ones_like(x)
    table = np.stack([one, x, y, x * x, x * y, 4 * one], axis=-1).sum(axis=-2)
    return table if own else table.sum(axis=-2, keepdims=True)


def simulated_contraction(scores):
    """Rows of both methods for each study, common intercept, as `contraction` makes them."""
    rng = np.random.default_rng(0)
    sums = sums_of(scores, own=False)
    n = sums.shape[1]
    weights = rng.multinomial(n, np.full(n, 1 / n), 200)
    rows = []
    for study in sums:
        whole, _ = estimates(study.sum(axis=0))
        without, _ = estimates(study.sum(axis=0) - study)
        drawn, _ = estimates(np.einsum("dg,gks->dks", weights, study))
        for i, method in enumerate(relaxation.METHODS):
            result = relaxation._inference(whole[i], without[:, i], drawn[:, i, 0], CONFIDENCE)
            rows.append({"method": method, "rate": whole[i, 0], **result})
    table = pd.DataFrame(rows)
    return [table[table["method"] == name] for name in relaxation.METHODS]


def test_simulated_sums_are_those_of_the_library():
    scores = autoregressive(np.random.default_rng(0), (2, 4, 2), 0.6, 30.0)
    steps = relaxation.score_steps(courses(scores[1], se=2.0))
    for own, by in ((False, None), (True, ["cell"])):
        assert sums_of(scores, own)[1] == pytest.approx(relaxation._sums(steps, by))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_panels", "percentile"), [(3, 0.70), (5, 0.81), (10, 0.88)], ids=["3", "5", "10"]
)
def test_corrected_contraction_covers(n_panels, percentile):
    """2000 studies of rate 0.6 about 30 points, noise known.

    The corrected rate keeps the small-sample bias of an autoregression, under 0.01 (a tenth of
    its standard error with 3 panels), which is not zero within Monte-Carlo error.
    """
    scores = autoregressive(np.random.default_rng(n_panels), (2000, n_panels, 2), 0.6, 30.0)
    naive, corrected = simulated_contraction(scores)
    assert -0.01 < corrected["rate"].mean() - 0.6 < 0.002
    assert -0.035 < naive["rate"].mean() - 0.6 < -0.015
    assert 0.93 <= share_covered(corrected, 0.6) <= 0.97
    drawn = (corrected["boot_low"] < 0.6) & (0.6 < corrected["boot_high"])
    assert drawn.mean() == pytest.approx(percentile, abs=0.03)
    assert corrected["is_contraction"].mean() > (0.8 if n_panels == 3 else 0.99)
    bounded = corrected[corrected["is_contraction"].astype(bool)]
    held = (bounded["fixed_point_ci_low"] < 30) & (30 < bounded["fixed_point_ci_high"])
    assert 0.93 <= held.mean() <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("n_panels", SIZES)
def test_a_random_walk_is_seldom_called_a_contraction(n_panels):
    """Rate 1: nominally 2.5 % of studies; corrected 2-4 %, naive more as panels are added."""
    rng = np.random.default_rng(n_panels)
    scores = autoregressive(rng, (2000, n_panels, 2), 1.0, 0.0, start=50.0, sd_start=15.0)
    naive, corrected = simulated_contraction(scores)
    assert corrected["rate"].mean() == pytest.approx(1, abs=0.02)
    assert 0.93 <= share_covered(corrected, 1) <= 0.98
    assert corrected["is_contraction"].mean() <= 0.045
    too_often = {3: 0.034, 5: 0.071, 10: 0.113}  # the noise of scores makes a walk seem to return
    assert naive["is_contraction"].mean() == pytest.approx(too_often[n_panels], abs=0.02)


@pytest.mark.slow
def test_unlike_fixed_points_bias_the_rate():
    """Rate 0.6, 9 panels, cells about 20 and 60 points: "common" gives 0.96, "cell" 0.59.

    Where chains of a cell differ too (sd 8 points), "cell" gives 0.81: no interval mends that.
    """
    rng = np.random.default_rng(1)
    cells = np.array([20.0, 60.0])
    for sd, common, cell in ((0, 0.956, 0.590), (8, 0.961, 0.810)):
        inf = cells + rng.normal(0, sd, (1000, 9, 2))
        scores = autoregressive(rng, inf.shape, 0.6, inf, start=inf + 15)
        for own, expected in ((False, common), (True, cell)):
            result, _ = estimates(sums_of(scores, own).sum(axis=1))
            assert result[:, 1, 0].mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.slow
def test_rate_of_a_chain_under_noise():
    """Rate 0.6 from 60 to 30 points, noise of 2 points: little bias, but a scatter of 0.07."""
    rng = np.random.default_rng(1)
    table = chain_fits(courses(relaxing(60.0, 30.0, 0.6) + rng.normal(0, 2, (100, 2, CYCLES))))
    assert table["rate"].mean() == pytest.approx(0.6, abs=3 * 0.073 / math.sqrt(200))
    assert table["rate"].std() == pytest.approx(0.073, abs=0.01)
    assert table["s_inf"].mean() == pytest.approx(30, abs=0.7)
