"""Equivalence against known courses, other code and simulations.

What the simulation (marked slow) holds it to, for 3, 5 and 10 panels of two chains:

- equivalence: exact theory (normal panel means), so 95 % intervals cover 0.93-0.97 and the test at
  its bound rejects 3-7 %, with 3 panels too.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_courses import CONFIDENCE, SIZES, courses, noisy, share_covered
from make_scores import make_scores
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from idempotence.errors import UserError
from idempotence.stats.equivalence import _test as equivalence_row
from idempotence.stats.equivalence import changes, equivalence
from idempotence.stats.intervals import holm
from idempotence.stats.mixed_model import mixed_model
from idempotence.stats.relaxation import contraction
from idempotence.stats.trajectories import trajectories


@pytest.fixture(scope="module")
def study():
    return trajectories(make_scores(), CONFIDENCE)


def test_changes_by_hand():
    table = courses([[[50, 40, 42, 44, 46, 48, 50], [50, 40, 42, 44, 46, 48, np.nan]]])
    whole, ended = changes(table, 4).to_dict("records")
    assert whole["late_minus_first"] == pytest.approx(48 - 50)
    assert whole["slope_total"] == pytest.approx(2 * 5)
    assert ended["late_minus_first"] == pytest.approx(47 - 50)
    assert math.isnan(ended["slope_total"])  # not drawn on to a cycle that it did not reach


def test_equivalence_agrees_with_statsmodels_and_scipy():
    scores = noisy(6, seed=4, slope=0.1)
    table = equivalence(courses(scores), 3, 4, CONFIDENCE)
    change = (scores[..., 4:].mean(axis=-1) - scores[..., 0]).mean(axis=1)
    row = table[(table["trait"] == "bliss") & (table["estimand"] == "late_minus_first")].iloc[0]
    described = DescrStatsW(change)
    assert row["p_tost"] == pytest.approx(described.ttost_mean(-3, 3)[0])
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(described.tconfint_mean(0.05))
    assert [row["tost_low"], row["tost_high"]] == pytest.approx(described.tconfint_mean(0.10))
    larger = max(
        scipy_stats.ttest_1samp(change, -3, alternative="greater").pvalue,
        scipy_stats.ttest_1samp(change, 3, alternative="less").pvalue,
    )
    assert row["p_tost"] == pytest.approx(larger)
    assert (row["n_panels"], row["n_chains"], row["n_left_out"]) == (6, 12, 0)


@given(
    st.lists(st.floats(-10, 10).map(lambda v: round(v, 3)), min_size=3, max_size=8),
    st.floats(0.5, 8),
)
def test_smallest_bound_is_where_the_verdict_turns(values, bound):
    if np.ptp(values) < 0.01:
        return
    group = pd.DataFrame({"model": "m", "trait": "t", "seed": range(len(values))})
    group["slope_total"] = values
    row = equivalence_row(group, "slope_total", bound, CONFIDENCE)
    assert row["equivalent"] == (row["tost_low"] > -bound and row["tost_high"] < bound)
    for factor, holds in ((1.001, True), (0.999, False)):
        near = row["smallest_bound"] * factor
        assert equivalence_row(group, "slope_total", near, CONFIDENCE)["equivalent"] == holds


def test_study_has_equivalence_where_nothing_moves(study):
    table = equivalence(study, 5, 4, CONFIDENCE).set_index(["setting", "trait", "estimand"])
    still, falls = table.loc[("dpo-reinit", "all")], table.loc[("sft", "all")]
    assert still["equivalent"].all() and not falls["equivalent"].any()
    # after cycle 1 "sft" falls by 3 points per cycle for 5 cycles
    assert falls.loc["slope_total", "ci_low"] - 2 < -15 < falls.loc["slope_total", "ci_high"] + 2
    traits = table.loc["dpo-reinit"].drop("all").xs("slope_total", level="estimand")
    expected = multipletests(traits["p_tost"], method="holm")[1]
    assert list(traits["p_tost_holm"]) == pytest.approx(list(expected))
    assert still["p_tost_holm"].isna().all()
    assert table.loc[("dpo", "lucky", "slope_total"), "n_left_out"] == 1
    assert "1 chain(s) left out" in table.loc[("dpo", "lucky", "slope_total"), "warnings"]


@pytest.mark.parametrize(
    ("scores", "warning"),
    [
        (noisy(2), "only 2 panel(s): no test"),
        (np.full((4, 2, 7), 30.0), "no scatter"),
        (np.full((4, 2, 7), np.nan), "8 chain(s) left out"),
        (noisy(4)[..., :2], "8 chain(s) left out"),
    ],
)
def test_equivalence_without_a_test_has_a_reason(scores, warning):
    table = equivalence(courses(scores), 5, 4, CONFIDENCE)
    assert table["warnings"].str.contains(warning, regex=False).all()
    assert table["equivalent"].isna().all() and table["p_tost"].isna().all()


def test_holm_leaves_out_what_is_missing():
    result = holm(pd.Series([0.01, np.nan, 0.04, 0.03], index=list("abcd")))
    assert list(result[["a", "c", "d"]]) == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(result["b"])
    assert holm(pd.Series([np.nan])).isna().all()


def test_settings_are_checked(study):
    for bound, from_cycle, confidence, message in (
        (0, 4, 0.95, "above 0"),
        (math.nan, 4, 0.95, "above 0"),
        (5, 0, 0.95, "1 or later"),
        (5, 4, 0.5, "more than 0.5"),
        (5, 4, 95, "between 0 and 1"),
    ):
        with pytest.raises(UserError, match=message):
            equivalence(study, bound, from_cycle, confidence)
    with pytest.raises(UserError, match="between 0 and 1"):
        mixed_model(study, 95)
    with pytest.raises(UserError, match="between 0 and 1"):
        contraction(study, 95, 0)


@pytest.mark.slow
@pytest.mark.parametrize("n_panels", SIZES)
def test_equivalence_covers_and_keeps_its_size(n_panels):
    """1500 studies whose panel means are normal about the bound itself, 3 points."""
    rng = np.random.default_rng(n_panels)
    panel = pd.DataFrame({"model": "m", "trait": "t", "seed": range(n_panels)})
    rows = []
    for _ in range(1500):
        group = panel.assign(late_minus_first=rng.normal(3, 0.3, n_panels))
        rows.append(equivalence_row(group, "late_minus_first", 3, CONFIDENCE))
    table = pd.DataFrame(rows)
    assert table["estimate"].mean() == pytest.approx(3, abs=3 * 0.3 / math.sqrt(n_panels * 1500))
    assert 0.93 <= share_covered(table, 3) <= 0.97
    assert 0.03 <= table["equivalent"].mean() <= 0.07
