"""Rises while coherent, what they cost and what is left: by hand and by invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_courses import courses
from scipy import stats

from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import chains as tabulate_chains
from idempotence.stats.course import chain_courses, course
from idempotence.stats.peak import at_peaks, rises

NAN = float("nan")


def one(trait: list[float], coherence: list[float] | float = 100.0) -> pd.DataFrame:
    """The trajectories table of one chain."""
    return courses([[trait]]).assign(coherence=coherence)


@pytest.mark.parametrize(
    ("trait", "coherence", "expected"),
    [
        ([10, 40, 60, 50], [100, 90, 69, 60], (30, 1, 90)),  # the highest is not coherent
        ([10, 40, 60, 60], [100, 90, 70, 70], (50, 2, 70)),  # the first of equals
        ([10, 5, 9, NAN], [100] * 4, (-1, 2, 100)),  # never higher
        ([10, 40, 60, 60], [60, 100, 50, 50], (30, 1, 100)),  # whatever cycle 0's coherence is
        ([10, 90, 50, 40], [80, NAN, 75, 80], (40, 2, 75)),  # no coherence at the highest
    ],
)
def test_the_peak_is_the_highest_coherent_cycle(trait, coherence, expected):
    row = rises(one(trait, coherence), 70).iloc[0]
    assert (row["peak_delta"], row["peak_cycle"], row["coherence_at_peak"]) == expected


@pytest.mark.parametrize(
    ("trait", "coherence"),
    [([NAN, 40, 60], [100] * 3), ([10, 40, 60], [80, 60, 60]), ([NAN] * 3, [NAN] * 3)],
)
def test_there_is_no_rise_without_a_start_and_a_coherent_later_cycle(trait, coherence):
    row = rises(one(trait, coherence), 70).iloc[0]
    assert row[["peak_delta", "peak_cycle", "coherence_at_peak"]].isna().all()


points = st.floats(0, 100)


@given(st.lists(st.tuples(points, points), min_size=1, max_size=8), points)
def test_a_stricter_bar_never_raises_the_peak(values, least):
    trait, coherence = zip(*values, strict=True)
    table = one(list(trait), list(coherence))
    strict, lax = (rises(table, bar)["peak_delta"].iloc[0] for bar in (least, least / 2))
    assert np.isnan(strict) or strict <= lax


def test_values_at_peaks_are_each_chains_own():
    table = courses([[[10, 30, 20]], [[20, 10, 60]]]).assign(coherence=[90, 80, 70] * 2)
    peaks = rises(table, 50)
    assert at_peaks(table, peaks, "trait_score").tolist() == [20, 40]
    assert at_peaks(table, peaks, "coherence").tolist() == [-10, -20]
    # whatever the order of the rows
    mixed = table.sample(frac=1, random_state=1)
    assert at_peaks(mixed, peaks, "coherence").tolist() == [-10, -20]


def tabulated(scores, coherence, words=10.0) -> pd.DataFrame:
    """`chain_courses` of scores (panels, cells, cycles), by a rule that looks from cycle 2 on."""
    table = courses(scores).assign(coherence=np.ravel(coherence), words_per_sentence=words)
    table["divergence"] = table["cycle"] * 0.5
    table = table.assign(objective="sft", start="base", status="ok", reason="")
    table[["level", "n_seed", "n_sampled", "beta", "pairs"]] = NAN
    chains = tabulate_chains(table, 15, 2).merge(rises(table, 70), on=CHAIN)
    return chain_courses(table, chains, 2)


SCORES = [[[10, 50, 30, 20, 10]], [[20, 70, 50, 40, 20]], [[10, 60, 60, 20, 5]], [[5, 5, 5, 4, 1]]]
COHERENCE = [[[100, 90, 90, 80, 80]], [[98, 88, 70, 70, 70]], [[96, 90, 70, 60, 50]],
             [[95, 95, 95, 95, 95]]]  # fmt: skip


def estimands(courses: pd.DataFrame) -> pd.DataFrame:
    return course(courses, 0.95).set_index(["trait", "estimand"])


def test_means_and_ratios_are_those_of_the_chains():
    table = estimands(tabulated(SCORES, COHERENCE)).loc["all"]
    # in the last chain no cycle is higher than the first; in the third two are level
    rise = [40, 50, 50, 0]
    assert table.loc["peak_delta", "estimate"] == np.mean(rise)
    interval = stats.ttest_1samp(rise, 0).confidence_interval()
    limits = table.loc["peak_delta", ["ci_low", "ci_high"]].astype(float).tolist()
    assert limits == pytest.approx(interval)
    cost = [-10, -10, -6, 0]
    assert table.loc["coherence_per_point", "estimate"] == pytest.approx(sum(cost) / sum(rise))
    assert table.loc["words_per_sentence_per_point", "estimate"] == 0
    nats = [0.5] * 4  # every peak is at cycle 1
    assert table.loc["divergence_per_point", "estimate"] == pytest.approx(sum(nats) / sum(rise))
    assert table.loc["points_per_nat", "estimate"] == pytest.approx(sum(rise) / sum(nats))
    # four later cycles: the last one is their last quarter
    assert table.loc["kept", "estimate"] == pytest.approx((10 + 20 + 5 + 1) / (10 + 20 + 10 + 5))
    late = [np.mean(row[0][2:]) - row[0][0] for row in COHERENCE]
    assert table.loc["coherence_of_amplified", "estimate"] == pytest.approx(np.mean(late[:3]))
    assert table.loc["coherence_of_amplified", "n_chains"] == 3


def test_the_jackknife_of_a_ratio_leaves_each_panel_out():
    table = estimands(tabulated(SCORES, COHERENCE)).loc[("all", "kept")]
    late, first = np.array([10, 20, 5, 1.0]), np.array([10, 20, 10, 5.0])
    without = np.array(
        [(late.sum() - a) / (first.sum() - b) for a, b in zip(late, first, strict=True)]
    )
    se = np.sqrt(3 / 4 * np.sum((without - late.sum() / first.sum()) ** 2))
    assert table["se"] == pytest.approx(se)


def test_a_cost_needs_a_rise_and_what_is_left_needs_the_end():
    flat = estimands(tabulated([[[10, 10, 10, 10, NAN]]] * 4, np.full((4, 1, 5), 90.0))).loc["all"]
    assert np.isnan(flat.loc["coherence_per_point", "estimate"])
    assert flat.loc["points_per_nat", "estimate"] == 0
    assert np.isnan(flat.loc["kept", "estimate"]) and flat.loc["kept", "n_chains"] == 0
    assert flat.loc["coherence_of_amplified", "n_chains"] == 0


def test_few_panels_have_estimates_and_a_warning():
    table = estimands(tabulated(SCORES[:2], COHERENCE[:2])).loc["all"]
    assert table["ci_low"].isna().all() and table["warnings"].str.contains("only 2 panel").all()
    assert table.loc["peak_delta", "estimate"] == 45
