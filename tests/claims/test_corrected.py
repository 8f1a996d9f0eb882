"""Claims, corrected for the judge's error, on made studies whose error is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from idempotence.claims.corrected import TOO_FEW, corrected_claims, phase
from idempotence.claims.definition import load_claims
from idempotence.claims.draws import Analysis
from idempotence.claims.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, UNTESTED, WHOLE
from idempotence.jobs.parts import Loop, Loops
from idempotence.scores.schema import DOSES

ANALYSIS = Analysis(15, 4, 70, 70, 10, 0.95)
LOOPS = Loops((Loop("dpo", "dpo", "previous", "", 6),), ())
ROOT = Path(__file__).resolve().parents[2]
RISES = next(claim for claim in load_claims(ROOT / "data/claims.yaml") if claim.id == "C4")
SHARE = RISES.deciding[0].what  # of dpo chains that rise by 15 points while coherent


def study(rise, coherence=90.0):
    """Six panels of one chain: 20 points at cycle 0, `rise` more from cycle 1 on."""
    rows = [
        {"setting": "dpo", "model": "m", "trait": f"t{panel}", "seed": 0, "cell": "c",
         "objective": "dpo", "start": "previous", **dict.fromkeys(DOSES, np.nan), "cycle": cycle,
         "status": "ok", "reason": "", "trait_score": 20.0 + (rise if cycle else 0),
         "coherence": coherence, "divergence": np.nan, "words_per_sentence": 9.0}
        for panel in range(6) for cycle in range(7)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def rated(first, later, scatter=0.1, coherence=0.0, n=20):
    """n rated replies of each phase and criterion; first, later: judge less rating, for traits."""
    rows = [
        {"setting": "dpo", "cycle": cycle, "criterion": criterion, "rating": 30.0,
         "judge": 30.0 + (mean if criterion == "trait" else coherence) + scatter * (-1) ** k}
        for cycle, mean in ((0, first), (2, later), (5, later))
        for criterion in ("trait", "coherence") for k in range(n)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def judged(trajectories, ratings, loops=LOOPS):
    table = corrected_claims([RISES], trajectories, ratings, loops, ANALYSIS, 7, draws=50)
    return {row["test"]: row for row in table.to_dict("records")}


def test_phases():
    assert list(phase(pd.Series([0, 1, 3, 4, 9]), 4)) == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("rise", "first", "later", "verdict", "share"),
    [
        (20, 0, 0, SUPPORTED, 1),  # a judge without error
        (20, 0, 20, CONTRADICTED, 0),  # the rise is the judge's alone
        (0, 20, 0, SUPPORTED, 1),  # the judge misses a rise
        (20, 10, 10, SUPPORTED, 1),  # an error that stays changes nothing
    ],
)
def test_the_judges_error_is_taken_off_the_scores(rise, first, later, verdict, share):
    rows = judged(study(rise), rated(first, later))
    assert rows[WHOLE]["verdict"] == rows[SHARE]["verdict"] == verdict
    assert rows[SHARE]["estimate"] == share
    # Wilson's interval of 6 panels that agree, in every draw
    limits = (rows[SHARE][name] for name in ("ci_low", "ci_high"))
    assert tuple(limits) == pytest.approx((0.61, 1) if share else (0, 0.39), abs=0.01)


def test_few_ratings_that_scatter_decide_nothing():
    """The rise is 1 point above the rule's 15, and its error has a standard error of 7 points."""
    rows = judged(study(16), rated(0, 0, scatter=15, n=9))
    row = rows[SHARE]
    assert row["verdict"] == rows[WHOLE]["verdict"] == UNDECIDED
    assert 0.2 < row["supported"] < 0.8 and row["ci_low"] < 0.05 and row["ci_high"] > 0.95


def test_coherence_is_corrected_too():
    """By ratings the chains have a coherence of 60, below the 70 at which a rise counts."""
    assert judged(study(20), rated(0, 0, coherence=30))[WHOLE]["verdict"] == CONTRADICTED


def test_a_setting_without_ratings_in_a_phase_is_not_tested():
    ratings = rated(0, 0)
    rows = judged(study(20), ratings[ratings["cycle"] != 2])
    assert rows[SHARE]["verdict"] == UNTESTED
    assert rows[SHARE]["warnings"] == TOO_FEW


def test_the_same_rated_replies_have_the_same_error_in_all_settings():
    """Twins share cycle 0, so an error there must not make one of them rise."""
    twin = study(10).assign(setting="other")
    loops = Loops((*LOOPS.loops, Loop("other", "dpo", "previous", "", 6)), ())
    ratings = rated(0, 0, scatter=15, n=9)
    both = pd.concat([ratings, ratings.assign(setting="other")])
    table = corrected_claims(
        [RISES], pd.concat([study(10), twin]), both, loops, ANALYSIS, 7, draws=50
    )
    one, two = table[table["test"] != WHOLE].to_dict("records")
    assert one["estimate"] == two["estimate"] and 0 < one["estimate"] < 1
