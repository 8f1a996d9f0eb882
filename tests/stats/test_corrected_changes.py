"""Changes over the cycles with the judge's error, by numbers that can be followed by hand."""

import numpy as np
import pandas as pd
import pytest

from idempotence.stats.corrected_changes import corrected_changes

CONFIDENCE = 0.95


def scores_of(rises, setting="sft"):
    """Two replies at cycles 0, 1, 4, 5 of one chain of each panel; late ones are `rise` higher."""
    rows = [
        {"setting": setting, "model": "m", "trait": "t", "seed": seed, "cell": "c", "cycle": cycle,
         "trait_score": 20 + (rise if cycle >= 4 else 0) + noise, "coherence": 80.0}
        for seed, rise in enumerate(rises) for cycle in (0, 1, 4, 5) for noise in (-1, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def rated(first, late, criterion="trait", setting="sft"):
    """Rated replies; first, late: judge less rating."""
    rows = [
        {"setting": setting, "cycle": cycle, "criterion": criterion, "rating": 30.0,
         "judge": 30 + e}
        for cycle, errors in ((0, first), (2, [99]), (4, late)) for e in errors
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_change_of_the_judges_error_is_taken_off_and_both_variances_add_up():
    table = corrected_changes(scores_of([10, 20, 30]), rated([0, 2], [5, 9, 10]), 4, CONFIDENCE)
    (row,) = table.to_dict("records")
    assert (row["n_panels"], row["n_first"], row["n_late"]) == (3, 2, 3)
    assert row["change"] == pytest.approx(20) and row["error_first"] == pytest.approx(1)
    assert row["error_late"] == pytest.approx(8) and row["corrected"] == pytest.approx(20 - 7)
    # 10^2/3 of panels with 2 degrees of freedom, 2/2 with 1, 7/3 with 2
    variance = 100 / 3 + 1 + 7 / 3
    freedom = variance**2 / ((100 / 3) ** 2 / 2 + 1**2 / 1 + (7 / 3) ** 2 / 2)
    assert freedom == pytest.approx(2.403894, abs=1e-5)
    half = 3.679006 * np.sqrt(variance)  # the quantile of t with so many degrees of freedom
    assert row["corrected_high"] - row["corrected"] == pytest.approx(half, rel=1e-6)
    assert row["corrected"] - row["corrected_low"] == pytest.approx(half, rel=1e-6)


def test_a_setting_without_rated_replies_on_both_sides_has_no_row():
    scores = pd.concat([scores_of([1, 2]), scores_of([1, 2], "dpo")])
    ratings = pd.concat([rated([1], [2, 3]), rated([1, 2], [2, 3], setting="elsewhere")])
    assert corrected_changes(scores, ratings, 4, CONFIDENCE).empty


def test_a_reply_without_a_score_of_the_judge_does_not_count():
    table = corrected_changes(
        scores_of([5, 6]), rated([1, 2, np.nan], [3, 4], "coherence"), 4, CONFIDENCE
    )
    (row,) = table.to_dict("records")
    assert (row["criterion"], row["n_first"], row["change"]) == ("coherence", 2, 0)


def test_the_interval_holds_the_true_change_as_often_as_it_says():
    rng, held = np.random.default_rng(3), 0
    for _ in range(300):
        scores = scores_of(rng.normal(10 + 6, 4, 6))  # the judge sees 6 points too much
        ratings = rated(rng.normal(3, 8, 12), rng.normal(9, 8, 36))
        (row,) = corrected_changes(scores, ratings, 4, CONFIDENCE).to_dict("records")
        held += row["corrected_low"] <= 10 <= row["corrected_high"]
    assert 0.92 <= held / 300 <= 0.98
