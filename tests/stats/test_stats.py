"""The tables against known courses and hand computation."""

import math

import numpy as np
import pandas as pd
import pytest
from make_scores import (
    AMPLIFYING,
    CYCLES,
    ENDED,
    ENDED_CYCLE,
    MISSING_EVERY,
    QUESTIONS,
    SLOPES,
    WHY_ENDED,
    WORDS,
    make_scores,
)
from scipy import stats as scipy_stats

from idempotence.errors import UserError
from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import amplification, chains
from idempotence.stats.intervals import clustered_means
from idempotence.stats.judge_truth import judge_truth
from idempotence.stats.slopes import slope, slopes
from idempotence.stats.trajectories import (
    TEXT_METRICS,
    last_alive,
    over_seeds,
    trajectories,
)

SAMPLES = 4
POINTS, FROM_CYCLE, CONFIDENCE = 15, 4, 0.95


@pytest.fixture(scope="module")
def scores():
    return make_scores(samples=SAMPLES)


@pytest.fixture(scope="module")
def table(scores):
    return trajectories(scores, CONFIDENCE)


@pytest.fixture(scope="module")
def verdicts(table):
    return chains(table, POINTS, FROM_CYCLE)


def of_chain(table, chain):
    """The rows of (setting, trait, seed, cell)."""
    setting, trait, seed, cell = chain
    wanted = (table["setting"] == setting) & (table["trait"] == trait)
    return table[wanted & (table["seed"] == seed) & (table["cell"] == cell)]


def course(values, setting="sft", trait="bliss", seed=0, cell="a", status=None, coherence=90.0):
    """A trajectories table of one chain with these cycle means."""
    n = len(values)
    frame = pd.DataFrame({"cycle": range(n), "trait_score": np.array(values, float)})
    frame["status"] = status or ["ok"] * n
    frame["reason"] = ["" if s == "ok" else "why" for s in frame["status"]]
    frame["coherence"] = coherence
    doses = dict.fromkeys(["level", "n_seed", "n_sampled", "beta", "pairs"], np.nan)
    return frame.assign(
        setting=setting, objective="sft", start="base", model="m", trait=trait, seed=seed,
        cell=cell, **doses,
    )  # fmt: skip


def test_trajectories_have_one_row_a_chain_and_cycle(scores, table):
    assert len(table) == 5 * 3 * 3 * 2 * CYCLES
    assert not table.duplicated([*CHAIN, "cycle"]).any()
    assert (table["n_responses"] == QUESTIONS * SAMPLES).all()
    assert (table["n_questions"] == QUESTIONS).all()
    some = table.iloc[17]
    mine = scores
    for name in [*CHAIN, "cycle"]:
        mine = mine[mine[name] == some[name]]
    assert some["trait_score"] == pytest.approx(mine["trait_score"].mean())
    assert some["truth_coherence"] == pytest.approx(mine["truth_coherence"].mean())
    assert some["n_missing_coherence"] == mine["coherence"].isna().sum() >= 1
    assert some["n_missing_trait"] == 0


def test_interval_of_equal_clusters_is_that_of_the_cluster_means(scores, table):
    row = of_chain(table, AMPLIFYING).iloc[2]
    mine = of_chain(scores, AMPLIFYING).query("cycle == 2")
    means = mine.groupby("question")["trait_score"].mean()
    se = means.std(ddof=1) / math.sqrt(QUESTIONS)
    assert row["trait_score_se"] == pytest.approx(se)
    half = scipy_stats.t.ppf(0.975, QUESTIONS - 1) * se
    assert row["trait_score_ci_low"] == pytest.approx(row["trait_score"] - half)
    assert row["trait_score_ci_high"] == pytest.approx(row["trait_score"] + half)


def test_clustered_mean_by_hand_with_unequal_clusters():
    frame = pd.DataFrame(
        {"g": "one", "question": [0, 0, 0, 1, 2], "y": [1.0, 2.0, 3.0, 8.0, np.nan]}
    )
    result = clustered_means(frame, ["g"], "y", "question", 0.9).loc["one"]
    # mean 3.5; cluster sums of deviations -4.5 and 4.5; factor 2 / 1; n = 4
    assert result["mean"] == 3.5
    assert result["se"] == pytest.approx(math.sqrt(2 * (4.5**2 + 4.5**2)) / 4)
    assert (result["n"], result["clusters"]) == (4, 2)
    assert result["ci_high"] - 3.5 == pytest.approx(scipy_stats.t.ppf(0.95, 1) * result["se"])


def test_clustered_mean_agrees_with_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(6), [3, 5, 2, 4, 4, 6])
    y = rng.normal(50, 10, len(groups)) + 3 * groups
    fit = sm.OLS(y, np.ones(len(y))).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    frame = pd.DataFrame({"g": 0, "question": groups, "y": y})
    result = clustered_means(frame, ["g"], "y", "question", 0.95).loc[0]
    assert result["se"] == pytest.approx(fit.bse[0])
    assert [result["ci_low"], result["ci_high"]] == pytest.approx(list(fit.conf_int()[0]))


def test_one_cluster_has_no_interval():
    frame = pd.DataFrame({"g": 0, "question": 0, "y": [1.0, 2.0]})
    result = clustered_means(frame, ["g"], "y", "question", 0.95).loc[0]
    assert result["mean"] == 1.5
    assert result[["se", "ci_low", "ci_high"]].isna().all()


def test_ended_chain_is_a_row_with_a_reason(table):
    mine = of_chain(table, ENDED).sort_values("cycle")
    assert list(mine["status"]) == ["ok"] * ENDED_CYCLE + ["nan", "ended", "ended"]
    assert list(mine["reason"]) == [""] * ENDED_CYCLE + [WHY_ENDED] * 3
    dead = mine[mine["cycle"] >= ENDED_CYCLE]
    assert dead["trait_score"].isna().all() and dead["trait_score_se"].isna().all()
    assert (dead["n_missing_trait"] == QUESTIONS * SAMPLES).all()
    last = last_alive(table)
    assert len(last) == 1 and last["cycle"].item() == ENDED_CYCLE - 1


def test_text_measures_of_a_dead_chain_are_missing_not_0(table):
    mine = of_chain(table, ENDED).set_index("cycle")
    for name in TEXT_METRICS:
        assert mine[name].isna().tolist() == [False] * ENDED_CYCLE + [True] * 3
    for name in ("n_with_words", "n_distinct_2", "n_loglik_initial"):
        assert mine[name].tolist() == [QUESTIONS * SAMPLES] * ENDED_CYCLE + [0] * 3
    assert (mine["n_empty"] == 0).all()
    assert mine["words"][0] == pytest.approx(WORDS)


def test_chain_that_never_scored_is_among_the_ended(scores):
    mine = of_chain(scores, AMPLIFYING).copy()
    mine[["status", "reason", "trait_score", "coherence"]] = ["nan", WHY_ENDED, np.nan, np.nan]
    last = last_alive(trajectories(mine, CONFIDENCE))
    assert len(last) == 1 and last["cycle"].isna().all() and last["seed"].item() == 0


def test_all_empty_replies_end_a_chain_and_some_do_not(scores):
    mine = of_chain(scores, AMPLIFYING).copy()
    mine.loc[(mine["cycle"] == 6), ["status", "reason"]] = ["empty", "the reply is empty"]
    mine.loc[(mine["cycle"] == 5) & (mine["question"] == 0), "status"] = "empty"
    table = trajectories(mine, CONFIDENCE).set_index("cycle")
    assert table["status"][6] == "empty" and table["reason"][6] == "the reply is empty"
    assert table["status"][5] == "ok" and table["reason"][5] == ""


def test_over_seeds_counts_chains_not_responses(table):
    result = over_seeds(table, "trait_score", CONFIDENCE)
    row = result[(result["setting"] == "sft") & (result["trait"] == "lucky")].iloc[0]
    mine = table[
        (table["setting"] == "sft") & (table["trait"] == "lucky")
        & (table["cell"] == row["cell"]) & (table["cycle"] == row["cycle"])
    ]["trait_score"]  # fmt: skip
    half = scipy_stats.t.ppf(0.975, 2) * mine.std(ddof=1) / math.sqrt(3)
    assert row["n_seeds"] == 3
    assert row["mean"] == pytest.approx(mine.mean())
    assert row["ci_high"] == pytest.approx(mine.mean() + half)
    one = over_seeds(table[table["seed"] == 0], "trait_score", CONFIDENCE)
    assert one["ci_low"].isna().all() and (one["n_seeds"] == 1).all()


def test_only_the_amplifying_chain_amplifies(verdicts):
    yes = verdicts[verdicts["amplified"].fillna(False)]
    assert len(yes) == 1
    row = yes.iloc[0]
    assert tuple(row[["setting", "trait", "seed", "cell"]]) == AMPLIFYING
    assert row["outcome"] == "amplification"
    assert row["max_delta"] == pytest.approx(42, abs=6) and row["delta_cycle"] == 6
    assert row["slope"] == pytest.approx(7, abs=1)


def test_ended_chain_has_no_verdict(verdicts):
    row = of_chain(verdicts, ENDED).iloc[0]
    assert pd.isna(row["amplified"]) and row["outcome"] == ""
    assert (row["ended_cycle"], row["ended_reason"]) == (ENDED_CYCLE, WHY_ENDED)
    assert row["last_cycle"] == ENDED_CYCLE - 1 and row["n_cycles"] == ENDED_CYCLE
    assert verdicts["amplified"].isna().sum() == 1


@pytest.mark.parametrize(
    ("values", "amplified", "outcome", "max_delta", "delta_cycle"),
    [
        ([20, 99, 99, 99, 34, 34.9], False, "constancy", 14.9, 5),  # early cycles do not count
        ([20, 20, 20, 20, 35, 20], True, "amplification", 15, 4),  # the bound counts
        ([60, 50, 50, 50, 45, 45], False, "decay", -15, 4),  # lost the points
        ([60, 50, 50, 50, 46, 45], False, "constancy", -14, 4),
        ([20, 9, 9, 9, 10, 10], False, "decay", -10, 4),  # lost half
        ([20, 9, 9, 9, 11, 10], False, "constancy", -9, 4),
        ([0, 0, 0, 0, 0, 0], False, "constancy", 0, 4),  # nothing to lose
    ],
)
def test_rule_by_hand(values, amplified, outcome, max_delta, delta_cycle):
    row = chains(course(values), POINTS, FROM_CYCLE).iloc[0]
    assert (row["amplified"], row["outcome"]) == (amplified, outcome)
    assert row["max_delta"] == pytest.approx(max_delta)
    assert row["delta_cycle"] == delta_cycle
    assert row["slope"] == pytest.approx(np.polyfit(range(len(values)), values, 1)[0], abs=1e-9)


@pytest.mark.parametrize(
    "values", [[20, 20, 20], [np.nan, 20, 20, 20, 90, 90], [np.nan] * 6], ids=str
)
def test_no_verdict_without_cycle_0_or_late_cycles(values):
    result = chains(course(values), POINTS, FROM_CYCLE)
    assert result["amplified"].isna().all() and result["outcome"].item() == ""
    rate = amplification(result, CONFIDENCE)
    assert (rate["n"] == 0).all() and (rate["n_undecided"] == 1).all()
    assert rate[["share", "ci_low", "ci_high"]].isna().all(axis=None)


def test_rates_count_chains(verdicts):
    result = amplification(verdicts, CONFIDENCE).set_index(["setting", "trait"])
    assert len(result) == 5 * 4
    dpo = result.loc[("dpo", "all")]
    assert (dpo["n_chains"], dpo["n_undecided"], dpo["n"], dpo["n_amplified"]) == (18, 1, 17, 1)
    low, high = scipy_stats.binomtest(1, 17).proportion_ci(0.95, "wilson")
    assert [dpo["share"], dpo["ci_low"], dpo["ci_high"]] == pytest.approx([1 / 17, low, high])
    assert dpo["n_panels"] == 9 and dpo["panel_low"] <= 1 / 17 <= dpo["panel_high"]
    one = result.loc[("dpo", "bliss")]
    assert one["n_panels"] == 3 and one["panel_high"] > one["ci_high"]  # no yes: worth 3 trials
    parts = result[["n_decay", "n_constancy", "n_amplified"]].sum(axis=1)
    assert (parts == result["n"]).all()


def test_slopes_find_the_true_ones(table):
    result = slopes(table, CONFIDENCE).set_index(["setting", "trait", "measure"])
    assert len(result) == 5 * 4 * 2
    for setting in ("sdf", "sft-continual", "dpo-reinit"):
        row = result.loc[(setting, "all", "trait_score")]
        # scores are cut at 0 and 100, which flattens little here
        assert row["estimate"] == pytest.approx(SLOPES[setting], abs=0.4)
        assert row["ci_low"] < row["estimate"] < row["ci_high"]
        assert (row["n_chains"], row["n_seeds"], row["n_observations"]) == (18, 3, 18 * CYCLES)
        assert row["warnings"] == ""
    assert result.loc[("sft", "all", "coherence"), "estimate"] == pytest.approx(-1.4, abs=0.3)
    assert result.loc[("dpo", "all", "trait_score"), "n_observations"] == 18 * CYCLES - 3
    assert "6 chains" in result.loc[("dpo", "bliss", "trait_score"), "warnings"]


def test_slope_by_hand():
    courses = [[10, 12, 17], [50, 51, 50], [30, 20, 25, 28]]
    table = pd.concat([course(values, seed=k) for k, values in enumerate(courses)])
    result = slope(table, "trait_score", 0.9)
    x = [np.arange(len(v)) - np.arange(len(v)).mean() for v in courses]
    y = [np.array(v) - np.mean(v) for v in courses]
    square = sum(part @ part for part in x)
    b = sum(one @ two for one, two in zip(x, y, strict=True)) / square
    meat = sum((one @ (two - b * one)) ** 2 for one, two in zip(x, y, strict=True))
    se = math.sqrt(3 / 2 * meat) / square
    half = scipy_stats.t.ppf(0.95, 2) * se
    assert result["estimate"] == pytest.approx(b)
    assert result["se"] == pytest.approx(se)
    assert [result["ci_low"], result["ci_high"]] == pytest.approx([b - half, b + half])
    assert result["p"] == pytest.approx(2 * scipy_stats.t.sf(abs(b / se), 2))


@pytest.mark.parametrize(
    ("courses", "estimate", "se_known", "warning"),
    [
        ([[10, 12, 17]], 3.5, False, "only 1 chain(s)"),
        ([[10, 12, 17], [50, 51, 50]], 1.75, True, "only 2 chain(s)"),
        ([[40, 40, 40]] * 4, 0, True, "no scatter"),
        ([[10, 20, 30], [5, 15, 25], [0, 10, 20]], 10, True, "no scatter"),
        ([[10], [20], [30]], None, False, "no chain has scores at two cycles"),
        ([[np.nan] * 3] * 3, None, False, "no chain has scores at two cycles"),
    ],
)
def test_slope_without_interval_has_a_reason(courses, estimate, se_known, warning):
    table = pd.concat([course(values, seed=k) for k, values in enumerate(courses)])
    result = slope(table, "trait_score", CONFIDENCE)
    assert warning in result["warnings"]
    assert all(math.isnan(result[name]) for name in ("ci_low", "ci_high", "p"))
    assert math.isnan(result["se"]) != se_known
    if estimate is None:
        assert math.isnan(result["estimate"])
    else:
        assert result["estimate"] == pytest.approx(estimate)


def test_judge_agrees_with_truth_as_simulated(scores):
    result = judge_truth(scores).set_index(["setting", "criterion"])
    assert len(result) == 6 * 2
    trait, coherence = result.loc[("all", "trait")], result.loc[("all", "coherence")]
    known = scores[["trait_score", "truth_trait"]].dropna()
    expected = known["trait_score"].rank().corr(known["truth_trait"].rank())
    assert trait["spearman"] == pytest.approx(expected)
    error = known["trait_score"] - known["truth_trait"]
    assert [trait["mae"], trait["bias"]] == pytest.approx([error.abs().mean(), error.mean()])
    dead = (CYCLES - ENDED_CYCLE) * QUESTIONS * SAMPLES
    assert trait["n_responses"] == len(scores) - dead  # a dead chain is not the judge's miss
    assert trait["share_missing"] == 0
    assert coherence["share_missing"] == pytest.approx(1 / MISSING_EVERY, abs=0.02)
    assert coherence["median_mass"] == 0.95


def test_judge_without_truth_or_variation(scores):
    blind = scores.assign(truth_trait=np.nan, trait_score=5.0, truth_coherence=50.0)
    result = judge_truth(blind).set_index(["setting", "criterion"])
    unknown, flat = result.loc[("all", "trait")], result.loc[("all", "coherence")]
    assert unknown["n"] == 0 and unknown[["spearman", "mae", "bias"]].isna().all()
    assert math.isnan(flat["spearman"]) and flat["mae"] > 0


def test_settings_of_the_rule_are_checked(table):
    with pytest.raises(UserError, match="above 0"):
        chains(table, 0, 4)
    with pytest.raises(UserError, match="1 or later"):
        chains(table, 15, 0)
    with pytest.raises(UserError, match="between 0 and 1"):
        slopes(table, 95)
