"""The map of one cycle: known maps, bins by hand, fixed points, predictions, coverage."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_courses import CONFIDENCE, courses, noisy, share_covered
from scipy import stats as scipy_stats

from idempotence.jobs.parts import Loop, Loops
from idempotence.stats.fixed_points import crossings, stability
from idempotence.stats.relaxation import contraction, rates
from idempotence.stats.return_map import ReturnMap, map_steps, predicted, return_map

SFT = Loop("sft", "sft", "initial", "", 6, 1e-3, 0.8)
LOOPS = Loops((SFT,), ())


def chains(scores, coherence=95.0, se=0.0, **fixed):
    """A table of living chains: scores and coherence (panels, cells, cycles)."""
    table = courses(scores, se=se, **fixed)
    shape = np.shape(scores)
    return table.assign(status="ok", coherence=np.broadcast_to(coherence, shape).ravel())


def mapped(table) -> ReturnMap:
    return return_map(table, LOOPS, 70, CONFIDENCE)


def rows_of(frame, steps="all", trait="all", **wanted):
    chosen = frame[(frame["steps"] == steps) & (frame["trait"] == trait)]
    for name, value in wanted.items():
        chosen = chosen[chosen[name] == value]
    return chosen


def grid_of_steps(step, panels=4, jitter=1.0, seed=0):
    """Chains of one step from 5, 15, ..., 95 by the function `step`, apart by panel."""
    rng = np.random.default_rng(seed)
    start = np.arange(5.0, 100, 10) + rng.uniform(-jitter, jitter, (panels, 6, 10))
    start = start.reshape(panels, 60)
    return np.stack([start, step(start)], axis=-1)


def test_steps_are_those_of_chains_alive_and_coherent_at_both_ends():
    scores = np.array([[[10.0, 20, 30, 40]], [[50.0, 60, np.nan, 70]]])
    table = chains(scores, np.array([[[90.0, 80, 69.9, 90]], [[70.0, 70, 90, 90]]]))
    table.loc[(table["seed"] == 0) & (table["cycle"] == 3), "status"] = "ended"
    steps = map_steps(table, 70).sort_values(["seed", "cycle"])
    assert steps[["seed", "cycle", "x", "y", "coherent"]].values.tolist() == [
        [0, 0, 10, 20, True],
        [0, 1, 20, 30, False],
        [1, 0, 50, 60, True],
    ]
    assert steps["bin"].tolist() == [1, 2, 5] and (steps["drift"] == 10).all()


def test_edges_belong_to_the_bin_above_and_100_to_the_last():
    scores = np.array([[[0.0, 10, 9.99, 90, 100, 50]]])
    assert map_steps(chains(scores), 70)["bin"].tolist() == [0, 1, 0, 9, 9]


def test_bins_and_zones_are_means_of_panels_by_hand():
    scores = np.array([[[12.0, 16], [18, 20]], [[14.0, 13], [80, 70]], [[10.0, 16], [80, 78]]])
    tables = mapped(chains(scores))
    second = rows_of(tables.bins, low=10).iloc[0]
    drifts = [3.0, -1, 6]  # panel 0: (4 + 2) / 2
    se = np.std(drifts, ddof=1) / math.sqrt(3)
    assert second["score"] == pytest.approx((15 + 14 + 10) / 3)
    assert second["drift"] == pytest.approx(np.mean(drifts)) and second["n_steps"] == 4
    half = scipy_stats.t.ppf(0.975, 2) * se
    assert second["ci_high"] == pytest.approx(np.mean(drifts) + half) and second["n_panels"] == 3
    low, middle, high = (
        rows_of(tables.estimands, estimand=f"drift_{zone}").iloc[0]
        for zone in ("low", "middle", "high")
    )
    assert low["estimate"] == second["drift"] and low["ci_low"] == second["ci_low"]
    assert math.isnan(middle["estimate"]) and middle["warnings"] == "no step"
    assert high["estimate"] == -6 and high["warnings"] == "only 2 panel(s): no interval"


def test_zones_part_at_25_and_75_which_are_of_the_middle():
    scores = np.array([[[x, x + d]] for x, d in ((24.9, 1), (25, 2), (75, 4), (75.1, 8))])
    rows = rows_of(mapped(chains(scores)).estimands).set_index("estimand")["estimate"]
    assert rows[["drift_low", "drift_middle", "drift_high"]].tolist() == pytest.approx([1, 3, 8])


def test_slopes_are_those_of_contraction():
    table = chains(noisy(5, seed=1), se=1.5)
    mine = rows_of(mapped(table).estimands).set_index("estimand")
    rates = contraction(table, CONFIDENCE, 1)
    rates = rates[(rates["trait"] == "all") & (rates["intercepts"] == "common")]
    for name in ("estimate", "ci_low", "ci_high"):
        other = rates.set_index("method")["rate" if name == "estimate" else name]
        assert mine.loc["slope_naive", name] == other["naive"]
        assert mine.loc["slope_corrected", name] == other["corrected"]
    assert mine.loc["slope_naive", "noise"] == pytest.approx(1.5)


def test_first_steps_are_all_of_a_study_of_one_cycle():
    tables = mapped(chains(grid_of_steps(lambda s: 0.5 * s + 20)))
    one, two = (
        rows_of(tables.estimands, kind).drop(columns="steps").reset_index(drop=True)
        for kind in ("all", "first")
    )
    pd.testing.assert_frame_equal(one, two)
    assert one["estimate"][0] == pytest.approx(0.5)


def test_a_line_below_1_has_one_stable_point_by_both_methods():
    points = rows_of(mapped(chains(grid_of_steps(lambda s: 0.5 * s + 20))).points)
    assert points["n_points"].tolist() == [1, 1]
    assert points["point"].tolist() == pytest.approx([40, 40], abs=0.2)
    assert points["slope"].tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert (points["stability"] == "stable").all()


def test_a_map_with_three_points_gives_all_with_their_stability():
    """Drift -(s - 20)(s - 50)(s - 80) / 2000: stable at 20 and 80, unstable at 50."""
    rng = np.random.default_rng(3)
    scores = grid_of_steps(lambda s: s - (s - 20) * (s - 50) * (s - 80) / 2000, panels=6)
    scores[..., 1] += rng.normal(0, 0.5, scores.shape[:2])
    points = rows_of(mapped(chains(scores)).points, method="piecewise")
    assert points["number"].tolist() == [1, 2, 3]
    assert points["point"].tolist() == pytest.approx([20, 50, 80], abs=1.5)
    assert points["stability"].tolist() == ["stable", "unstable", "stable"]
    assert points["supported"].tolist() == [True] * 3
    assert ((points["ci_low"] < points["point"]) & (points["point"] < points["ci_high"])).all()


def test_jackknife_of_a_fixed_point_is_by_hand():
    """Two bins, three panels: the crossing of the line through both means, without each panel."""
    low, high = np.array([[4.0, 6, 2], [-6.0, -2, -4]])
    scores = np.empty((3, 10, 2))
    scores[:, :5] = np.stack([np.full(3, 15.0), 15 + low], axis=-1)[:, None]
    scores[:, 5:] = np.stack([np.full(3, 85.0), 85 + high], axis=-1)[:, None]
    row = rows_of(mapped(chains(scores)).points, method="piecewise").iloc[0]

    def point(kept):
        a, b = low[kept].mean(), high[kept].mean()
        return 15 + 70 * a / (a - b)

    away = [point([k for k in range(3) if k != g]) - row["point"] for g in range(3)]
    half = scipy_stats.t.ppf(0.975, 2) * math.sqrt(2 / 3 * np.sum(np.square(away)))
    assert row["point"] == pytest.approx(50) and row["ci_high"] == pytest.approx(50 + half)
    assert row["slope"] == pytest.approx(1 - 8 / 70) and not row["supported"]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (lambda s: 0.9 * s, "no crossing: scores fall in every bin"),
        (lambda s: s + 3, "no crossing: scores rise in every bin"),
        (lambda s: s, "the map lies on the diagonal"),
        (lambda s: np.full_like(s, np.nan), "no map: 0 bin(s)"),
    ],
)
def test_without_a_crossing_there_is_a_reason(step, why):
    row = rows_of(mapped(chains(grid_of_steps(step))).points, method="piecewise").iloc[0]
    assert why in row["warnings"] and row["number"] == 0 and math.isnan(row["point"])


def test_one_panel_ended_chains_and_no_coherence_are_said():
    table = chains(noisy(1), coherence=np.nan)
    table.loc[table["cycle"] == 6, "status"] = "nan"
    tables = mapped(table)
    row = rows_of(tables.estimands, estimand="drift_middle").iloc[0]
    assert "only 1 panel(s)" in row["warnings"] and "2 chain(s) ended" in row["warnings"]
    coherent = rows_of(tables.estimands, "coherent")
    assert (coherent["n_steps"] == 0).all() and coherent["estimate"].isna().all()
    assert (coherent["warnings"] != "").all()
    assert len(tables.bins) == 2 * 3 * 10


@pytest.mark.parametrize(
    ("drift", "expected"),
    [
        ([2.0, -2.0], [(15.0, 0.6)]),
        ([-1.0, 3.0], [(12.5, 1.4)]),
        ([1.0, 0.0, -1.0], [(20.0, 0.9)]),
        ([1.0, 0.0, 1.0], []),
        ([0.0, 0.0], []),
        ([0.0, -1.0], []),
        ([], []),
        ([2.0, -18.0], [(11.0, -1.0)]),
    ],
)
def test_crossings_by_hand(drift, expected):
    score = 10.0 + 10 * np.arange(len(drift))
    found = crossings(score, np.array(drift))
    assert [tuple(each) for each in found] == [pytest.approx(each) for each in expected]


def test_stability_is_that_of_repeated_steps():
    assert [stability(slope) for slope in (-1.2, -0.5, 0.9, 1.1)] == [
        "unstable", "stable", "stable", "unstable",
    ]  # fmt: skip


@given(st.lists(st.floats(-50, 50).filter(lambda d: abs(d) > 1e-3), min_size=2, max_size=10))
def test_crossings_alternate_and_lie_between_knots(drift):
    score = np.linspace(5, 95, len(drift))
    found = crossings(score, np.array(drift))
    signs = np.sign(drift)
    assert len(found) == np.sum(signs[1:] != signs[:-1])
    for one, two in pairwise(found):
        assert one.point < two.point and (one.slope < 1) != (two.slope < 1)
    mirrored = crossings(100 - score[::-1], -np.array(drift)[::-1])
    assert [each.point for each in mirrored[::-1]] == pytest.approx(
        [100 - each.point for each in found]
    )


def test_predictions_by_recipe():
    def of(estimand, **changes):
        return predicted(Loop("a", changes.pop("objective", "sft"), "initial", "", 6, 1, **changes),
                         estimand)  # fmt: skip

    assert of("slope_naive", temperature=1.0)[0] == 1 and of("drift_low", temperature=1.0)[0] == 0
    signs = {"slope_corrected": "above 1", "drift_low": "below 0", "drift_high": "above 0"}
    for name, words in signs.items():
        other = {"above": "below", "below": "above"}[words.split()[0]] + words[5:]
        assert of(name, temperature=0.8)[1].startswith(words)
        assert of(name, temperature=1.2)[1].startswith(other)
    none = [
        of("drift_low", temperature=1.0, objective="dpo"),
        of("drift_low", temperature=1.0, own_samples_alone=False),
        of("drift_low", temperature=None),
        of("drift_middle", temperature=0.8),
    ]
    assert all(math.isnan(number) and words.startswith("none: ") for number, words in none)


def resampled(rng, panels, sharpness=1.0, chains=20, cycles=5, rows=60):
    """Courses of a share that each cycle takes from `rows` draws of the last, scores 0-100."""
    share = rng.uniform(0.02, 0.98, (panels, chains))
    states = [share]
    for _ in range(cycles):
        odds = share**sharpness
        share = rng.binomial(rows, odds / (odds + (1 - share) ** sharpness)) / rows
        states.append(share)
    return 100 * np.stack(states, axis=-1)


def test_sharpened_samples_drift_as_predicted():
    tables = mapped(chains(resampled(np.random.default_rng(1), 10, sharpness=1 / 0.8)))
    rows = rows_of(tables.estimands).set_index("estimand")
    assert rows.loc["drift_low", "ci_high"] < 0 < rows.loc["drift_high", "ci_low"]
    point = rows_of(tables.points, method="piecewise")
    middle = point[(point["point"] - 50).abs() < 10]
    assert len(middle) == 1 and middle["stability"].iloc[0] == "unstable"


@pytest.mark.slow
def test_the_corrected_slope_of_an_unbiased_copy_covers_1():
    """Resampling seen through noise of 8 points: corrected covers 0.95, naive is far too low."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(300):
        scores = resampled(rng, 6)
        steps = map_steps(chains(scores + rng.normal(0, 8, scores.shape), se=8.0), 70)
        rows += rates(steps, None, CONFIDENCE, rng)
    naive, corrected = (pd.DataFrame(rows[i::2]) for i in range(2))
    assert 0.91 <= share_covered(corrected, 1) <= 0.98
    assert corrected["rate"].mean() == pytest.approx(1, abs=0.005)
    assert share_covered(naive, 1) < 0.3 and naive["rate"].mean() < 0.98
