"""Changed loops against the loop without the change: twins, effects and costs by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_courses import courses
from scipy import stats as scipy_stats

from idempotence.jobs.parts import Loop, Loops
from idempotence.scores.training_log import KEY
from idempotence.stats.defences import COLUMNS, EFFECTS, NOTHING, defences, find_defences

NAN = np.nan
DPO = Loop("dpo", "dpo", "previous", "", 3)
MIXED = replace(DPO, name="mixed", changes="seed_share 0.5")
ANCHORED = replace(DPO, name="anchored", changes="initial_share 0.1")
FILTERED = replace(DPO, name="filtered", changes="min_coherence 90", judged=1)
BETA = replace(DPO, name="beta")
CELL = "beta0.3_pairs10"
SCORES = [[10, 40, 60, 90], [10, 30, 50, 80], [20, 20, 60, 70]]  # (panels, cycles)
COHERENCE = [100, 90, 80, 60]


def table_of(setting="dpo", scores=SCORES, coherence=COHERENCE, beta=0.3, **columns):
    """A chain of dpo in each panel, 20 answers a cycle; the last cycle is not coherent."""
    table = courses(np.asarray(scores, float)[:, None], setting=setting)
    table["coherence"] = np.broadcast_to(np.asarray(coherence, float), np.shape(scores)).ravel()
    doses = {"level": NAN, "n_seed": 5.0, "n_sampled": NAN, "beta": beta, "pairs": 10.0}
    table = table.assign(cell=f"beta{beta:g}_pairs10", status="ok", n_responses=20, **doses)
    return table.assign(**columns)


def log_of(*tables, rows=10):
    """A training log of two steps for each chain and cycle of tables, with so many rows each."""
    runs = pd.concat(tables)[KEY].assign(rows=rows)
    return pd.concat([runs.assign(step=1), runs.assign(step=2)])


def compared(loops, *tables, training=None):
    training = log_of(*tables) if training is None else training
    return defences(pd.concat(tables), training, Loops(tuple(loops), ()), 70, 0.95)


def test_effects_by_hand():
    calmer = [[10, 15, 20, 25], [10, 10, 20, 20], [20, 40, 30, 10]]
    mixed = table_of("mixed", calmer, [[99, 99, 98, 90], [99, 95, 96, 94], [99, 92, 99, 90]])
    result = compared([DPO, MIXED], table_of(), mixed).set_index(["trait", "measure"])
    assert {*result["setting"]} == {"mixed"} and {*result["twin"]} == {"dpo"}
    assert {*result["changes"]} == {"seed_share 0.5"}
    # rises while coherent: 50, 40, 40 without it, 15, 10, 20 with it
    differences = {
        "peak_delta": [15 - 50, 10 - 40, 20 - 40],
        "coherence_at_peak": [90 - 80, 96 - 80, 92 - 80],  # the first cycle of equal rises
        "coherence_last": [30, 34, 30],
    }
    for measure, values in differences.items():
        row = result.loc[("all", measure)]
        assert row["estimate"] == pytest.approx(np.mean(values))
        low, high = scipy_stats.t.interval(0.95, 2, np.mean(values), scipy_stats.sem(values))
        assert (row["ci_low"], row["ci_high"]) == (pytest.approx(low), pytest.approx(high))
        assert (row["n_panels"], row["n_chains"]) == (3, 3)
        assert result.loc[("bliss", measure), "p_holm"] == pytest.approx(row["p"])
    assert result[["rows_trained_more", "samples_more", "judge_calls_more"]].eq(0).all(axis=None)
    assert result[["per_rows_trained", "per_samples", "per_judge_calls"]].isna().all(axis=None)


def test_costs_by_hand():
    plain, anchored, filtered = (table_of(name) for name in ("dpo", "anchored", "filtered"))
    log = pd.concat([log_of(plain, filtered), log_of(anchored, rows=15)])
    filtered["trait_score"] -= filtered["cycle"]
    result = compared([DPO, ANCHORED, FILTERED], plain, anchored, filtered, training=log)
    result = result[result["trait"] == "all"].set_index(["setting", "measure"])
    row = result.loc[("anchored", "peak_delta")]
    assert row["rows_trained_more"] == pytest.approx(50)
    assert row["samples_more"] == pytest.approx(5)  # 1 beside 10 own and 10 rejected ones
    assert row["judge_calls_more"] == 0 and np.isnan(row["per_judge_calls"])
    assert (row["estimate"], row["per_samples"], row["per_rows_trained"]) == (0, 0, 0)
    row = result.loc[("filtered", "peak_delta")]
    # 3 cycles' samples beside 3 later cycles' answers, each judged by two criteria
    assert row["judge_calls_more"] == pytest.approx(100 * 3 * 10 / (3 * 2 * 20))
    assert row["estimate"] == pytest.approx(-2)  # all peaks are at cycle 2
    assert row["per_judge_calls"] == pytest.approx(row["estimate"] / 0.25)


def test_a_chain_that_ended_costs_less_and_lacks_the_last_coherence():
    ending = np.array(SCORES, float)
    ending[0, 2:] = NAN
    plain, mixed = table_of(), table_of("mixed", ending, np.where(np.isnan(ending), NAN, 90))
    mixed.loc[mixed["trait_score"].isna(), "status"] = ["nan", "ended"]
    log = log_of(plain, mixed)
    dead = (log["setting"] == "mixed") & (log["seed"] == 0) & (log["cycle"] > 2)
    log.loc[dead, "rows"] = 0
    result = compared([DPO, MIXED], plain, mixed, training=log)
    last = result[(result["measure"] == "coherence_last") & (result["trait"] == "all")].iloc[0]
    assert last["ended_more"] == pytest.approx(100 / 3)
    assert (last["n_chains"], last["estimate"]) == (2, 30)
    assert "1 of 3 pairs lack it" in last["warnings"] and "no interval" in last["warnings"]
    # of 9 trainings, 9 sampled and 9 judged cycles it did without 1, 1 and 2
    assert last["rows_trained_more"] == pytest.approx(-100 / 9)
    assert last["samples_more"] == pytest.approx(-100 / 9)
    assert last["judge_calls_more"] == pytest.approx(-200 / 9)


@pytest.mark.parametrize(
    ("loops", "twins"),
    [
        ([DPO, MIXED], {"mixed": "dpo"}),
        ([MIXED, DPO], {"mixed": "dpo"}),
        ([MIXED, ANCHORED], {}),  # neither is the other without a change
        ([replace(DPO, start="initial"), MIXED], {}),
        ([replace(DPO, objective="sft"), MIXED], {}),
        ([DPO, BETA], {}),  # the same loop
        # the nearest of two
        ([DPO, MIXED, replace(MIXED, name="both", changes="a 1; seed_share 0.5")],
         {"mixed": "dpo", "both": "mixed"}),
        ([DPO, MIXED, replace(MIXED, changes="seed_share 0.25", name="less")],
         {"mixed": "dpo", "less": "dpo"}),
    ],
)  # fmt: skip
def test_the_twin_has_the_recipe_and_some_of_the_changes_and_no_other(loops, twins):
    table = pd.concat([table_of(loop.name) for loop in loops])
    found = find_defences(table, Loops(tuple(loops), ()))
    assert {one.loop.name: one.twin.name for one in found} == twins
    assert all(one.by_cell and one.comparable for one in found)


def test_another_dose_is_a_change_where_both_have_one_cell():
    stronger = table_of("beta", [[10, 20, 20, 20]] * 3, 90, beta=0.6)
    loops = [DPO, BETA, MIXED]
    result = compared(loops, table_of(), stronger, table_of("mixed"))
    rows = result[(result["measure"] == "peak_delta") & (result["trait"] == "all")]
    assert [*rows["setting"]] == ["beta", "mixed"] and {*rows["twin"]} == {"dpo"}
    assert [*rows["changes"]] == ["beta 0.6", "seed_share 0.5"]
    assert rows["estimate"].iloc[0] == pytest.approx(10 - np.mean([50, 40, 40]))
    # the first in the config is the plain one
    assert not len(find_defences(pd.concat([stronger]), Loops((BETA,), ())))
    # seed rows are where a loop starts from, and no change of the loop
    started = table_of("beta", beta=0.6, n_seed=7.0)
    assert not find_defences(pd.concat([table_of(), started]), Loops((DPO, BETA), ()))


def test_cells_that_have_nothing_in_common_are_told():
    two = pd.concat([table_of("mixed", beta=0.6), table_of("mixed", beta=0.9)])
    row = compared([DPO, MIXED], table_of(), two).iloc[0]
    assert (row["setting"], row["warnings"]) == ("mixed", "no two chains are a pair")
    elsewhere = table_of("mixed", trait="lucky")
    row = compared([DPO, MIXED], table_of(), elsewhere).iloc[0]
    assert row["warnings"] == "no two chains are a pair" and np.isnan(row["estimate"])


def test_a_study_without_a_twin_has_a_row_that_says_so():
    result = compared([DPO], table_of())
    assert [*result["warnings"]] == [NOTHING] and [*result["trait"]] == ["all"]
    assert {*COLUMNS} < {*result.columns} and result["setting"].eq("").all()


def test_twins_of_other_lengths_count_up_to_the_shorter():
    short = table_of("mixed", np.array(SCORES)[:, :2], COHERENCE[:2])
    rows = compared([DPO, MIXED], table_of(), short)
    rows = rows[rows["trait"] == "all"].set_index("measure")
    assert rows.loc["peak_delta", "estimate"] == rows.loc["coherence_last", "estimate"] == 0
    assert rows.loc["peak_delta", "rows_trained_more"] == 0


def test_without_a_training_log_costs_of_training_are_not_known():
    training = log_of(table_of()).iloc[:0].astype(object)
    rows = compared([DPO, MIXED], table_of(), table_of("mixed"), training=training)
    assert rows["rows_trained_more"].isna().all() and rows["estimate"].notna().all()
    assert rows["warnings"].str.contains("without a training log").all()


points = st.floats(0, 100)
chain = st.lists(st.tuples(points, points), min_size=3, max_size=3)


@given(st.lists(chain, min_size=3, max_size=3), st.lists(chain, min_size=3, max_size=3))
def test_what_is_gained_by_a_change_is_lost_without_it(own, others):
    sides = [np.moveaxis(np.array(side), 2, 0) for side in (own, others)]
    results = []
    for first, second in (sides, sides[::-1]):
        plain, mixed = table_of(scores=first[0], coherence=first[1]), table_of("mixed", *second)
        results.append(compared([DPO, MIXED], plain, mixed))
    one, other = (result[["estimate", "ci_low", "ci_high"]].to_numpy() for result in results)
    np.testing.assert_allclose(one, -other[:, [0, 2, 1]], atol=1e-9)
    assert [*results[0]["measure"]] == EFFECTS * 2
