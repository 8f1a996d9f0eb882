"""Rules, null rates, doses, tradeoffs and twins: by hand, by other libraries, by simulation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from idempotence.scores.schema import CHAIN
from idempotence.stats.continual import continual, continual_pairs
from idempotence.stats.dose import dose_flips, dose_model, dose_pairs
from idempotence.stats.equivalence import changes
from idempotence.stats.firth import firth
from idempotence.stats.null_rate import null_rates
from idempotence.stats.panels import jackknifed, panel_mean
from idempotence.stats.rules import chain_rules, rule_rates, verdicts
from idempotence.stats.tradeoff import COSTS, tradeoff

IDENTITY = {"model": "m", "trait": "bliss", "seed": 0, "cell": "a"}


def fires(trait: list[float], coherence: float = 100.0, gate: float = 50.0) -> dict:
    """The verdicts of all rules on one course, with a constant coherence."""
    course = np.array([trait], dtype=float)
    table = verdicts(course, np.full_like(course, coherence), 15, 4, gate, 70)
    return {key: value[0] for key, value in table.items()}


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        ([40, 40, 40, 40, 55, 40, 40], {"published", "peak", "anchor1"}),
        ([40, 56, 56, 56, 56, 56, 56], {"published", "peak", "last_minus_first", "mean_slope"}),
        ([40, 20, 20, 20, 20, 20, 35], {"anchor1"}),
        ([40, 40, 40, 40, 40, 40, 50], {"last_minus_first"}),
        ([40, 80, 80, 80, 40, 40, 40], {"peak"}),
        ([90, 70, 50, 30, 10, 0, 0], set()),
    ],
)
def test_each_rule_looks_at_its_own_cycles(course, expected):
    fired = {rule for (rule, gated), value in fires(course).items() if value and not gated}
    if course == [40, 56, 56, 56, 56, 56, 56]:
        assert np.polyfit(range(7), course, 1)[0] > 1.67
    assert fired == expected


def test_a_gate_needs_coherence_where_the_rise_is():
    course = [40, 40, 40, 40, 60, 60, 60]
    assert fires(course, coherence=49.9)["published", False] == 1
    assert fires(course, coherence=49.9)["published", True] == 0
    assert fires(course, coherence=50)["published", True] == 1
    assert np.isnan(fires(course, coherence=np.nan)["published", True])
    assert fires(course, coherence=69.9)["peak", False] == 0
    assert fires(course, coherence=70)["peak", False] == fires(course, coherence=70)["peak", True]
    assert fires(course, coherence=70, gate=80)["peak", True] == 0
    assert np.isnan(fires(course, coherence=np.nan)["peak", False])
    assert np.isnan(fires([40, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan])["published", False])


def courses(setting: str, scores: list[list[float]], **more) -> pd.DataFrame:
    """A table of trajectories: a chain for each course, each in a panel of its own."""
    rows = [
        {"setting": setting, **IDENTITY, "seed": seed, "cycle": cycle, "trait_score": value,
         "coherence": 90.0, **more}
        for seed, course in enumerate(scores)
        for cycle, value in enumerate(course)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_settings_may_have_different_last_cycles():
    short = courses("sft", [[40, 40, 40, 40, 60], [40, 40, 40, 40, 40]])
    long = courses("dpo", [[10.0] * 10 + [30.0]])
    both = pd.concat([short, long])
    rates = rule_rates(both, 15, 4, 50, 70, 0.95).set_index(["setting", "trait", "rule", "gate"])
    assert rates.loc[("sft", "all", "last_minus_first", False), "share"] == 0.5
    assert rates.loc[("dpo", "all", "published", False), "share"] == 1.0
    assert len(chain_rules(both, 15, 4, 50, 70)) == 3 * 10
    total = changes(both, 4).set_index(CHAIN)["slope_total"]
    assert total.notna().all()


def answers(course_sd: float, questions: int = 12, samples: int = 10, chains: int = 6):
    """Scores of chains that never change: question means apart, answers with a known noise."""
    rng = np.random.default_rng(7)
    rows = []
    for seed in range(chains):
        level = rng.uniform(20, 60, questions)
        for cycle in range(7):
            for question in range(questions):
                for sample in range(samples):
                    noise = rng.normal(0, course_sd)
                    place = {"cycle": cycle, "question": question, "sample": sample}
                    score = {"trait_score": level[question] + noise, "coherence": 80.0}
                    rows.append({"setting": "sft", **IDENTITY, "seed": seed, **place, **score})
    return pd.DataFrame(rows)


def test_the_null_rate_is_what_the_noise_of_the_answers_gives():
    sd = 60.0
    rates, quantiles = null_rates(answers(sd), 15, 4, 50, 70, seed=1, draws=400)
    table = rates.set_index(["null", "rule", "gate"])
    # a mean of 120 answers scatters by sd / sqrt(120); the rise over cycle 0 shares s_0
    draws = np.random.default_rng(2).normal(0, sd / np.sqrt(120), (200_000, 4))
    expected = np.mean((draws[:, 1:] - draws[:, :1]).max(axis=1) >= 15)
    result = table.loc[("rescored", "published", False)]
    assert result["null_share"] == pytest.approx(expected, rel=0.35)
    assert table.loc[("resampled_late", "published", True), "null_share"] > 0
    drawn = quantiles[quantiles["null"] == "rescored"].set_index("quantile")["max_delta"]
    assert drawn.is_monotonic_increasing
    expected_median = np.median((draws[:, 1:] - draws[:, :1]).max(axis=1))
    assert drawn[0.5] == pytest.approx(expected_median, abs=1.0)


def test_the_null_rate_is_nothing_without_noise_and_the_same_with_a_seed():
    still = answers(0.0, chains=2)
    rates, _ = null_rates(still, 15, 4, 50, 70, seed=1, draws=20)
    assert (rates["null_share"] == 0).all()
    noisy = answers(40.0, chains=2)
    one, two = (null_rates(noisy, 15, 4, 50, 70, seed=3, draws=20)[0] for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def panels(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [{**IDENTITY, "seed": seed, "cell": cell, "y": value + shift}
         for seed, value in enumerate(values) for cell, shift in (("a", -1), ("b", 1))]
    )  # fmt: skip


def test_a_panel_mean_is_a_t_test_of_the_panels():
    values = [3.0, 5.0, 4.0, 9.0]
    result = panel_mean(panels(values), "y", 0.95)
    test = stats.ttest_1samp(values, 0)
    limits = test.confidence_interval(0.95)
    assert result["estimate"] == np.mean(values) and result["p"] == pytest.approx(test.pvalue)
    assert (result["ci_low"], result["ci_high"]) == pytest.approx((limits.low, limits.high))
    assert result["n_panels"] == 4 and result["n_chains"] == 8


def test_the_jackknife_of_a_mean_is_its_standard_error():
    frame = panels([3.0, 5.0, 4.0, 9.0, 1.0])
    result = jackknifed(frame, lambda f: float(f["y"].mean()), 0.95)
    assert result["se"] == pytest.approx(panel_mean(frame, "y", 0.95)["se"])
    few = jackknifed(panels([1.0, 2.0]), lambda f: float(f["y"].mean()), 0.95)
    assert np.isnan(few["ci_low"]) and "2 panel" in few["warnings"]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_panel_intervals_cover_and_tests_hold_their_level(seeds):
    rng = np.random.default_rng(seeds)
    covered = rejected = 0
    runs = 2000
    for _ in range(runs):
        values = rng.normal(0, 2, seeds)
        frame = pd.DataFrame(
            [{**IDENTITY, "seed": s, "cell": c, "y": v + rng.normal(0, 1)}
             for s, v in enumerate(values) for c in "abc"]
        )  # fmt: skip
        result = panel_mean(frame, "y", 0.95)
        covered += result["ci_low"] <= 0 <= result["ci_high"]
        rejected += result["p"] < 0.05
    assert 0.93 <= covered / runs <= 0.97 and 0.03 <= rejected / runs <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 10])
def test_tradeoff_slopes_are_unbiased_and_covered(seeds):
    rng = np.random.default_rng(seeds)
    slopes, covered = [], 0
    runs = 600
    for _ in range(runs):
        x = rng.normal(0, 20, (seeds, 4))
        y = -0.4 * x + rng.normal(0, 8, (seeds, 1)) + rng.normal(0, 5, (seeds, 4))
        frame = pd.DataFrame(
            [{"setting": "sft", **IDENTITY, "seed": s, "cell": str(c), "amplified": False,
              "trait_change": x[s, c], "coherence_change": y[s, c]}
             for s in range(seeds) for c in range(4)]
        )  # fmt: skip
        result = jackknifed(
            frame,
            lambda f: float(np.polyfit(f["trait_change"], f["coherence_change"], 1)[0]),
            0.95,
        )
        slopes.append(result["estimate"])
        covered += result["ci_low"] <= -0.4 <= result["ci_high"]
    assert np.mean(slopes) == pytest.approx(-0.4, abs=0.02)
    assert 0.93 <= covered / runs <= 0.98  # the jackknife errs on the careful side


def test_a_tradeoff_is_the_least_squares_slope():
    rng = np.random.default_rng(0)
    rows = [
        {"setting": "sft", **IDENTITY, "seed": s, "cell": c, "trait_change": rng.normal(0, 20),
         **{f"{cost}_change": rng.normal() for cost in COSTS}}
        for s in range(5) for c in "ab"
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    result = tradeoff(frame, 0.95).set_index(["trait", "cost"])
    expected = stats.linregress(frame["trait_change"], frame["coherence_change"]).slope
    assert result.loc[("all", "coherence"), "slope"] == pytest.approx(expected)
    assert result.loc[("all", "coherence"), "n_panels"] == 5
    still = frame.assign(trait_change=1.0)
    assert tradeoff(still, 0.95)["slope"].isna().all()


def verdict_chains(setting: str, objective: str, rows: list[dict]) -> pd.DataFrame:
    blank = dict.fromkeys(["level", "n_seed", "n_sampled", "beta", "pairs"], np.nan)
    fixed = {"setting": setting, "objective": objective, **blank, **IDENTITY}
    numbers = dict.fromkeys(["slope", "late_delta", "peak_delta"], 0.0)
    numbers |= {"coherence_first": 90.0, "coherence_last": 90.0}
    return pd.DataFrame([{**fixed, **numbers, **row} for row in rows])


def steep_and_flat(continual: str, reinit: str) -> pd.DataFrame:
    """Chains of two settings of objective dpo; the second lacks one."""
    steep = verdict_chains(continual, "dpo", [{"seed": s, "slope": s + 3.0} for s in range(4)])
    flat = verdict_chains(reinit, "dpo", [{"seed": s, "slope": 1.0} for s in (0, 1, 2)])
    return pd.concat([steep, flat])


def test_twins_are_paired_by_all_but_the_start():
    pairs = continual_pairs(steep_and_flat("on", "anew"), [("on", "anew")])
    assert list(pairs["slope_difference"]) == [2.0, 3.0, 4.0]
    assert set(pairs["continual"]) == {"on"} and set(pairs["reinit"]) == {"anew"}
    means = continual(pairs, 0.95).set_index(["objective", "trait", "measure"])
    row = means.loc[("dpo", "all", "slope")]
    test = stats.ttest_rel([3.0, 4.0, 5.0], [1.0, 1.0, 1.0])
    assert row["estimate"] == 3.0 and row["p"] == pytest.approx(test.pvalue)


def test_two_pairs_of_one_objective_stay_apart():
    chains = pd.concat([steep_and_flat("on", "anew"), steep_and_flat("warm", "cold")])
    chains.loc[chains["setting"] == "cold", "slope"] = 2.0
    pairs = continual_pairs(chains, [("warm", "cold"), ("on", "anew")])
    means = continual(pairs, 0.95)
    of_all = means[(means["trait"] == "all") & (means["measure"] == "slope")]
    assert of_all[["continual", "reinit", "estimate"]].values.tolist() == [
        ["warm", "cold", 2.0], ["on", "anew", 3.0],
    ]  # fmt: skip
    assert (of_all["n_chains"] == 3).all()


def test_pairs_stand_by_objective_and_those_without_chains_are_left_out():
    sft = steep_and_flat("s-on", "s").assign(objective="sft")
    chains = pd.concat([steep_and_flat("d-on", "d"), sft])
    twins = [("none", "at-all"), ("d-on", "d"), ("s-on", "s")]
    pairs = continual_pairs(chains, twins)
    assert list(pairs["objective"].unique()) == ["sft", "dpo"]
    for none in (continual_pairs(chains, []), continual_pairs(chains, twins[:1])):
        assert none.empty and list(none.columns) == list(pairs.columns)
        means = continual(none, 0.95)
        assert means.empty and {"continual", "reinit", "p_holm"} <= set(means.columns)


def test_flips_are_counted_between_neighbours_only():
    grid = [
        {"level": level, "n_sampled": n, "cell": f"{level}-{n}",
         "amplified": level == 60 and n > 30}
        for level in (20.0, 40.0, 60.0) for n in (30.0, 50.0)
    ]  # fmt: skip
    chains = verdict_chains("sft", "sft", grid)
    pairs = dose_pairs(chains)
    assert len(pairs) == 2 * 2 + 3  # two steps of level for each n_sampled; one of n for each level
    assert pairs["flip"].sum() == 2
    table = dose_flips(pairs, 0.95)
    assert list(table["between"]) == ["doses"] and table["share"][0] == pytest.approx(2 / 7)


def test_flips_between_seeds():
    chains = verdict_chains("sft", "sft", [{"seed": s, "amplified": s == 0} for s in range(3)])
    pairs = dose_pairs(chains)
    assert len(pairs) == 3 and pairs["flip"].sum() == 2
    unknown = chains.assign(amplified=pd.array([True, None, None], dtype="boolean"))
    assert dose_pairs(unknown).empty and dose_flips(dose_pairs(unknown), 0.95).empty


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_firth_of_a_two_by_two_table_adds_half_an_observation(counts):
    a, b, c, d = counts
    if a + b == 0 or c + d == 0:
        return
    x = np.array([[1.0, 1.0]] * (a + b) + [[0.0, 1.0]] * (c + d))
    y = np.array([1.0] * a + [0.0] * b + [1.0] * c + [0.0] * d)
    expected = np.log((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5)))
    assert firth(x, y, 0, 0.95)["estimate"] == pytest.approx(expected, abs=1e-5)


def test_firth_agrees_with_maximum_likelihood_on_much_data():
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=3000), np.ones(3000)])
    y = (rng.random(3000) < 1 / (1 + np.exp(-(0.7 * x[:, 0] - 0.3)))).astype(float)
    fit, result = sm.Logit(y, x).fit(disp=0), firth(x, y, 0, 0.95)
    assert result["estimate"] == pytest.approx(fit.params[0], abs=0.01)
    assert (result["ci_low"], result["ci_high"]) == pytest.approx(fit.conf_int()[0], abs=0.01)


@pytest.mark.slow
def test_firth_intervals_cover_in_small_samples():
    rng = np.random.default_rng(3)
    covered, runs = 0, 400
    for _ in range(runs):
        x = np.column_stack([rng.normal(size=40), np.ones(40)])
        y = (rng.random(40) < 1 / (1 + np.exp(-(1.0 * x[:, 0] - 0.5)))).astype(float)
        result = firth(x, y, 0, 0.95)
        covered += result["ci_low"] <= 1.0 <= result["ci_high"]
    assert 0.92 <= covered / runs <= 0.98


def test_a_dose_that_separates_has_a_finite_estimate():
    rows = [
        {"seed": s, "n_seed": n, "n_sampled": 60.0, "cell": str(n), "amplified": n > 30}
        for s in range(4) for n in (20.0, 28.0, 40.0, 80.0)
    ]  # fmt: skip
    table = dose_model(verdict_chains("sft", "sft", rows), 0.95)
    assert list(table["term"]) == ["n_seed"] and np.isfinite(table["estimate"][0])
    assert table["estimate"][0] > 0 and table["p"][0] < 0.05
    none = [{**row, "amplified": False} for row in rows]
    message = dose_model(verdict_chains("sft", "sft", none), 0.95)
    assert message["estimate"].isna().all() and "one verdict" in message["warnings"][0]


def test_a_dose_that_only_differs_between_traits_has_a_warning_and_no_fit():
    rows = [
        {"seed": s, "trait": t, "n_seed": n, "n_sampled": m, "cell": str(m),
         "amplified": (s + m) % 3 > 0}
        for s in range(4) for t, n in (("bliss", 20.0), ("lucky", 40.0)) for m in (30.0, 60.0, 70.0)
    ]  # fmt: skip
    table = dose_model(verdict_chains("sft", "sft", rows), 0.95).set_index("term")
    assert "not told apart" in table.loc["n_seed", "warnings"]
    assert np.isnan(table.loc["n_seed", "estimate"]) and table.loc["n_seed", "n"] == 24
    assert table.loc["n_sampled", ["estimate", "ci_low", "ci_high", "p"]].notna().all()


def test_without_a_verdict_there_are_no_pairs_of_doses():
    ended = verdict_chains("sft", "sft", [{"seed": s, "amplified": None} for s in range(3)])
    pairs = dose_pairs(ended)
    assert pairs.empty and {"between", "flip"} <= set(pairs.columns)
    assert dose_flips(pairs, 0.95).empty
