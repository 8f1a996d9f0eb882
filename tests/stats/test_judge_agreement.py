"""Two judges of the same replies."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from make_scores import make_scores

from idempotence.errors import UserError
from idempotence.stats.groups import ALL
from idempotence.stats.judge_agreement import (
    NEEDED,
    icc,
    judge_agreement,
    paired,
    verdict_confusion,
)

# Shrout and Fleiss (1979), table 2: six targets, four judges; their ICC(2,1) is 0.29
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
SCORES = make_scores(settings=["sft", "dpo"], samples=1)


def test_icc_of_the_published_example():
    # mean squares there: targets 11.24, judges 32.49, rest 1.02
    assert icc(SHROUT_FLEISS) == pytest.approx(0.2898, abs=5e-5)
    assert icc(SHROUT_FLEISS) == pytest.approx(
        (11.2417 - 1.0194) / (11.2417 + 3 * 1.0194 + 4 * (32.4861 - 1.0194) / 6), abs=1e-4
    )


def test_icc_by_hand():
    # targets 0, 10 and 20; the second judge gives 10 more: MSR = 200, MSC = 150, MSE = 0
    assert icc(np.array([[0, 10], [10, 20], [20, 30]], float)) == pytest.approx(200 / (200 + 100))
    assert icc(np.array([[0, 0], [50, 50]], float)) == 1
    assert np.isnan(icc(np.array([[1, 1], [1, 1]], float)))
    assert np.isnan(icc(np.array([[1, 2]], float))) and np.isnan(icc(np.zeros((3, 1))))


@given(arrays(float, (6, 2), elements=st.integers(0, 100).map(float)), st.integers(1, 9))
def test_icc_keeps_its_bounds_and_does_not_care_for_scale_or_order(ratings, factor):
    value = icc(ratings)
    if not np.isnan(value):
        assert value <= 1 + 1e-12
        assert icc(factor * ratings[::-1, ::-1] + 3) == pytest.approx(value, abs=1e-9)
    assert (
        icc(np.repeat(ratings[:, :1], 2, axis=1)) == pytest.approx(1)
        or len(set(ratings[:, 0])) == 1
    )


def test_a_judge_agrees_with_itself():
    table = judge_agreement(paired(SCORES, SCORES), 0.95)
    assert set(table["setting"]) == {"sft", "dpo", ALL}
    assert table["icc"].to_numpy() == pytest.approx(1) and (table["bias"] == 0).all()
    assert (table["mae"] == 0).all() and (table["n_responses"] >= table["n"]).all()
    verdicts = verdict_confusion(SCORES, SCORES, 15, 4, 0.95)
    assert (verdicts["share_same"] == 1).all()
    assert (verdicts["first_only"] == 0).all() and (verdicts["second_only"] == 0).all()
    assert (verdicts["n_chains"] == verdicts["n"] + verdicts["n_undecided"]).all()


def test_a_judge_that_adds_points_is_biased_by_them():
    second = SCORES.assign(trait_score=SCORES["trait_score"] + 6.0, coherence=np.nan)
    table = judge_agreement(paired(SCORES, second), 0.95).set_index(["setting", "criterion"])
    trait = table.loc[(ALL, "trait")]
    assert trait["bias"] == pytest.approx(6) and trait["mae"] == pytest.approx(6)
    assert 0 < trait["icc"] < 1
    coherence = table.loc[(ALL, "coherence")]
    assert coherence["n"] == 0 and coherence["missing_second"] == 1 and np.isnan(coherence["icc"])


def test_bias_has_an_interval_over_panels():
    points = SCORES["seed"].map({seed: float(seed) for seed in SCORES["seed"].unique()})
    table = judge_agreement(
        paired(SCORES, SCORES.assign(trait_score=SCORES["trait_score"] + points)), 0.95
    )
    row = table[(table["setting"] == "sft") & (table["criterion"] == "trait")].iloc[0]
    panels = SCORES[SCORES["setting"] == "sft"][["model", "trait", "seed"]].drop_duplicates()
    assert row["n_panels"] == len(panels) >= 3
    assert row["bias_low"] < row["bias"] < row["bias_high"]
    assert row["icc_low"] < row["icc"] < row["icc_high"]


def test_verdicts_that_differ_are_counted_by_side():
    # by the second judge nothing ever rises
    flat = SCORES.assign(trait_score=50.0)
    verdicts = verdict_confusion(SCORES, flat, 15, 4, 0.95).set_index("setting").loc[ALL]
    assert verdicts["first_only"] > 0 and verdicts["both"] == verdicts["second_only"] == 0
    assert verdicts["first_only"] + verdicts["neither"] == verdicts["n"]
    assert verdicts["share_same"] == pytest.approx(verdicts["neither"] / verdicts["n"])
    assert np.isnan(verdicts["kappa"])
    turned = verdict_confusion(flat, SCORES, 15, 4, 0.95).set_index("setting").loc[ALL]
    assert turned["second_only"] == verdicts["first_only"]


def test_other_replies_are_refused():
    with pytest.raises(UserError, match="did not score the same replies: 1 differ"):
        paired(SCORES, SCORES[1:])
    other = SCORES.copy()
    other.loc[other.index[3], "response"] = "another text"
    with pytest.raises(UserError, match="did not score the same replies: 1 differ"):
        paired(SCORES, other)
    assert len(paired(SCORES, SCORES.sample(frac=1, random_state=0))) == len(SCORES)
    assert set(NEEDED) <= set(SCORES.columns) and isinstance(paired(SCORES, SCORES), pd.DataFrame)
