"""Outcomes of chains by hand, and their counts by dose."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_courses import courses
from scipy import stats as scipy_stats

from idempotence.jobs.parts import Loop, Loops
from idempotence.scores.schema import CHAIN, DOSES
from idempotence.stats.amplification import chains as tabulate_chains
from idempotence.stats.outcome_map import OUTCOMES, chain_outcomes, outcome_map
from idempotence.stats.peak import rises

NAN = np.nan
LOOPS = Loops((Loop("sft", "sft", "initial", "generation.temperature 1", 4, 0.001, 1.0),), ())


def table_of(scores, coherence, status=None, cells=1):
    """Chains (panels * cells, cycles), with doses; a status other than "ok" has a reason."""
    scores = np.asarray(scores, float)
    shape = (len(scores) // cells, cells, scores.shape[-1])
    table = courses(scores.reshape(shape)).assign(objective="sft", start="base", reason="")
    table["coherence"] = np.broadcast_to(np.asarray(coherence, float), scores.shape).ravel()
    table["status"] = np.ravel(status) if status is not None else "ok"
    table.loc[table["status"] != "ok", "reason"] = "why"
    number = table["cell"].str[1:].astype(float)
    return table.assign(level=20.0 * (number + 1), n_seed=10.0 + table["seed"], n_sampled=30.0,
                        beta=NAN, pairs=NAN)  # fmt: skip


def chains_of(table, from_cycle=2, peak_coherence=70):
    return tabulate_chains(table, 15, from_cycle).merge(rises(table, peak_coherence), on=CHAIN)


def peaks_of(table, from_cycle=2):
    return chain_outcomes(table, chains_of(table, from_cycle), 15, 70)


@pytest.mark.parametrize(
    ("scores", "coherence", "outcome", "rise", "cliff"),
    [
        ([20, 40, 30, 20, 20], [90, 90, 90, 90, 90], "amplification", 20, None),
        ([20, 40, 50, 90, 90], [90, 70, 69, 40, 30], "amplification", 20, 2),  # before the collapse
        ([20, 30, 50, 90, 90], [90, 90, 69, 40, 30], "collapse", 10, 2),
        ([20, 30, 50, 22, 22], [90, 90, 69, 90, 90], "constancy", 10, 2),  # a rise while incoherent
        ([60, 50, 30, 20, 10], [90, 90, 90, 90, 90], "decay", -10, None),
        ([60, 50, 30, 20, 10], [90, 90, 90, 90, 60], "collapse", -10, 4),
        ([60, 62, 58, 60, 61], [90, 90, 90, 90, 90], "constancy", 2, None),
        ([60, 62, 58, 60, 61], [60, 60, 60, 60, 60], "collapse", NAN, 0),
        ([60, 62, 58, 60, 61], [90, 90, 90, 90, NAN], "", 2, None),
        ([60, 80, 58, 60, 61], [90, 90, 90, 90, NAN], "amplification", 20, None),
        ([NAN, 80, 58, 60, 61], [90, 90, 90, 90, 90], "", NAN, None),
        ([60, 75, 60, 60, 60], [90, 70, 90, 90, 90], "amplification", 15, None),  # both bounds
    ],
)
def test_the_first_outcome_that_applies(scores, coherence, outcome, rise, cliff):
    row = peaks_of(table_of([scores], [coherence])).iloc[0]
    assert row["outcome"] == outcome
    assert row["peak_delta"] == pytest.approx(rise, nan_ok=True)
    assert row["cliff_cycle"] == pytest.approx(NAN if cliff is None else cliff, nan_ok=True)


def test_a_chain_that_ended_collapsed_unless_it_rose_before():
    scores = [[20, 22, NAN, NAN], [20, 40, NAN, NAN], [20, NAN, NAN, NAN]]
    coherence = [[90, 90, NAN, NAN], [90, 80, NAN, NAN], [90, NAN, NAN, NAN]]
    status = [["ok", "ok", "nan", "ended"], ["ok", "ok", "nan", "ended"],
              ["ok", "empty", "empty", "empty"]]  # fmt: skip
    rows = peaks_of(table_of(scores, coherence, status))
    assert rows["outcome"].tolist() == ["collapse", "amplification", "collapse"]
    assert rows["cliff_cycle"].tolist() == [2, 2, 1]
    assert rows["coherence_at_peak"].tolist()[:2] == [90, 80]


def test_a_study_too_short_for_the_rule_has_rises_and_collapses_alone():
    table = table_of([[20, 40], [20, 20], [20, 20]], [[90, 90], [90, 90], [90, 30]])
    assert peaks_of(table, from_cycle=4)["outcome"].tolist() == ["amplification", "", "collapse"]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=2, max_size=6),
    st.floats(1, 99),
)
def test_more_coherence_asked_never_raises_a_peak_or_moves_a_cliff_back(cycles, asked):
    scores, coherence = np.array(cycles).T
    table = table_of([scores], [coherence])
    low, high = (
        chain_outcomes(table, chains_of(table, 1, c), 15, c).iloc[0]
        for c in (asked, (asked + 100) / 2)
    )
    assert not high["peak_delta"] > low["peak_delta"]
    assert not low["cliff_cycle"] < high["cliff_cycle"]
    assert {low["outcome"], high["outcome"]} <= {*OUTCOMES, ""}


def mapped(table):
    return outcome_map(table, chains_of(table), LOOPS, 15, 70, 0.95)


def test_rows_of_a_map_by_hand():
    scores = [[20, 40, 30], [20, 18, 20], [20, 26, 20], [40, 10, 10], [20, 23, 20], [40, 44, 40]]
    coherence = np.full((6, 3), 90.0)
    coherence[3] = [60, 60, 50]  # the second cell: collapse, and no peak
    table = mapped(table_of(scores, coherence, cells=2))
    assert table["trait"].tolist() == ["all", "bliss"] * 2
    first, second = table[table["trait"] == "all"].to_dict("records")
    highest = [20.0, 6, 3]
    half = scipy_stats.t.ppf(0.975, 2) * np.std(highest, ddof=1) / math.sqrt(3)
    assert first["peak_delta"] == pytest.approx(np.mean(highest))
    assert first["ci_high"] == pytest.approx(np.mean(highest) + half)
    shares = {name: first[f"share_{name}"] for name in OUTCOMES}
    assert shares == pytest.approx(
        {"decay": 0, "constancy": 2 / 3, "amplification": 1 / 3, "collapse": 0}
    )
    assert second["n_peaks"] == 2 and second["n_panels"] == 2 and math.isnan(second["ci_low"])
    assert "only 2 panel(s)" in second["warnings"] and second["share_collapse"] == 1 / 3
    assert (second["n_cliffs"], second["cliff_cycle"]) == (1, 0)
    assert (first["level"], second["level"], first["n_seed"]) == (20, 40, 11)
    assert (first["learning_rate"], first["temperature"]) == (0.001, 1)
    assert second["score_0"] == pytest.approx((20 + 40 + 40) / 3)


def test_shares_of_a_map_add_up_and_reasons_are_given():
    table = table_of([[20, 20, 20], [NAN, 20, 20]], [[90, 90, 90], [90, 90, 90]])
    row = mapped(table).iloc[0]
    assert sum(row[f"share_{name}"] for name in OUTCOMES) == pytest.approx(1)
    assert row["n_undecided"] == 1 and "1 chain(s) without an outcome" in row["warnings"]
    dead = table_of([[20, NAN, NAN]], [[60, NAN, NAN]], [["ok", "nan", "ended"]])
    row = mapped(dead).iloc[0]
    assert row["share_collapse"] == 1 and math.isnan(row["peak_delta"])
    assert "no chain has a coherent later cycle" in row["warnings"]


def test_a_loop_that_ran_elsewhere_has_no_rates():
    table = table_of([[20, 20, 20]], [[90, 90, 90]])
    loops = Loops((Loop("sft", "sft", "initial", "", 2),), ())
    rows = outcome_map(table, chains_of(table), loops, 15, 70, 0.95)
    assert rows[["learning_rate", "temperature"]].isna().all(axis=None)
    assert rows["learning_rate"].dtype == float
    assert set(peaks_of(table).columns) >= {*CHAIN, *DOSES}
