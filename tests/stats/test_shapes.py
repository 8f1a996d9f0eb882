"""Shapes of the authors' chains and ours: numbers by hand, and what cannot be known."""

import numpy as np
import pandas as pd
import pytest
from make_courses import CONFIDENCE, courses, noisy, relaxing
from make_published import CHAINS

from idempotence.jobs.parts import Loop, Loops
from idempotence.stats.panels import panel_mean
from idempotence.stats.shapes import AUTHORS, OURS, shapes

SFT, DPO = Loop("sft", "sft", "initial", "", 6), Loop("dpo", "dpo", "previous", "", 6)
HOT = Loop("hot", "sft", "initial", "generation.temperature 2", 6)
LOOPS = Loops((SFT, DPO), ())


def of(table, loops=LOOPS):
    return shapes(table, CHAINS, loops, CONFIDENCE, seed=1)


def row(found, source, shape, objective="sft", trait="all"):
    """The one row of a source, a shape, an objective and a trait."""
    picked = found[
        (found["source"] == source) & (found["shape"] == shape)
        & (found["objective"] == objective) & (found["trait"] == trait)
    ]  # fmt: skip
    assert len(picked) == 1
    return picked.iloc[0]


def test_the_authors_numbers_are_those_of_the_file_by_hand():
    found = of(courses(noisy(3)))
    # cycle 4 less cycle 0 of the eight whole chains
    changes = [1.6 - 6.4, 1.8 - 6.3, 45.0 - 50.6, 29.9 - 49.2, 29.3 - 48.7, 77.3 - 88.8,
               71.7 - 89.3, 80.3 - 89.9]  # fmt: skip
    change = row(found, AUTHORS, "change")
    assert change["estimate"] == pytest.approx(sum(changes) / 8) == pytest.approx(-11.5375)
    assert (change["n_chains"], change["n_panels"], change["last_cycle"]) == (8, 1, 4)
    assert np.isnan(change["ci_low"]) and change["warnings"] == "only 1 panel(s): no interval"
    # the slope of five equally spaced scores: (2 (s_4 - s_0) + s_3 - s_1) / 10
    late = [1.2 - 3.0, 1.7 - 4.3, 45.1 - 42.1, 35.7 - 31.8, 33.5 - 36.6, 79.1 - 85.2, 76.1 - 83.6,
            82.9 - 83.0]  # fmt: skip
    by_hand = np.mean([(2 * a + b) / 10 for a, b in zip(changes, late, strict=True)])
    assert row(found, AUTHORS, "slope", trait="bliss")["estimate"] == pytest.approx(by_hand)
    # 0, 7, 9 less their mean 16/3, on 11.3, 34.7, 52.5
    x = np.array([0, 7, 9]) - 16 / 3
    slope = row(found, AUTHORS, "slope", "dpo")
    assert slope["estimate"] == pytest.approx(x @ [11.3, 34.7, 52.5] / (x @ x))
    assert (slope["n_chains"], slope["last_cycle"]) == (1, 9)


def test_the_authors_rate_is_a_regression_within_chains():
    sft = CHAINS[CHAINS["objective"] == "sft"]
    wide = sft.pivot(index="cell", columns="cycle", values="trait_score").to_numpy()
    x = wide[:, :4] - wide[:, :4].mean(axis=1, keepdims=True)
    y = wide[:, 1:] - wide[:, 1:].mean(axis=1, keepdims=True)
    rate = row(of(courses(noisy(3))), AUTHORS, "rate")
    assert rate["estimate"] == pytest.approx((x * y).sum() / (x**2).sum())
    assert (rate["n_chains"], rate["n_panels"]) == (8, 1)


def test_what_their_dpo_chain_does_not_have_is_told():
    found = of(courses(noisy(3)))
    change, rate = row(found, AUTHORS, "change", "dpo"), row(found, AUTHORS, "rate", "dpo")
    assert change["warnings"] == "no chain has scores at cycles 0 and 4"
    assert rate["warnings"] == "no chain has scores at successive cycles"
    assert np.isnan(change["estimate"]) and np.isnan(rate["estimate"]) and rate["n_chains"] == 0


def test_ours_are_means_over_panels_up_to_their_last_cycle():
    scores = noisy(5)
    table = courses(scores)
    later = table.assign(
        trait_score=table["trait_score"].where(table["cycle"] <= 4, 0.0)  # must not count
    )
    found = of(later)
    frame = table[table["cycle"] == 0].reset_index(drop=True)
    expected = panel_mean(frame.assign(d=(scores[..., 4] - scores[..., 0]).ravel()), "d", 0.95)
    change = row(found, OURS, "change")
    for name in ("estimate", "se", "ci_low", "ci_high", "n_panels", "n_chains"):
        assert change[name] == pytest.approx(expected[name])
    slopes = np.polyfit(np.arange(5), scores[..., :5].reshape(-1, 5).T, 1)[0]
    assert row(found, OURS, "slope")["estimate"] == pytest.approx(slopes.mean())
    assert change["setting"] == "sft"


def test_a_known_rate_is_found_exactly():
    starts = np.linspace(20, 80, 6).reshape(3, 2)
    rate = row(of(courses(relaxing(starts, 30, 0.6))), OURS, "rate")
    assert rate["estimate"] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("loops", "why"),
    [
        (Loops((), ()), ""),
        (Loops((HOT,), ()), " (hot differs from it: generation.temperature 2)"),
    ],
)
def test_a_recipe_that_the_study_lacks_has_a_row_with_the_reason(loops, why):
    table = courses(noisy(3), setting="hot")
    missing = row(of(table, loops), OURS, "")
    assert missing["warnings"] == "the study has no setting of this recipe" + why
    assert missing["n_chains"] == 0
    assert np.isnan(missing["estimate"])


def test_dead_chains_and_short_studies_give_reasons_and_no_traceback():
    table = courses(noisy(3))
    dead = of(table.assign(trait_score=np.nan))
    assert row(dead, OURS, "change")["warnings"] == "no chain has scores at cycles 0 and 4"
    assert row(dead, OURS, "slope")["warnings"] == "no chain has scores at two cycles"
    assert row(dead, OURS, "rate")["warnings"] == "no chain has scores at successive cycles"
    short = of(table[table["cycle"] < 3])
    assert np.isnan(row(short, OURS, "change")["estimate"])
    assert row(short, OURS, "slope")["last_cycle"] == 2
    single = of(table[table["seed"] == 0])
    for shape in ("change", "slope", "rate"):
        assert "only 1 panel(s): no interval" in row(single, OURS, shape)["warnings"]
    one_lost = table.assign(trait_score=table["trait_score"].mask(
        (table["seed"] == 0) & (table["cell"] == "c0") & (table["cycle"] > 1)))  # fmt: skip
    assert row(of(one_lost), OURS, "change")["n_chains"] == 5


def test_settings_of_one_recipe_stand_by_themselves():
    again = Loop("again", "sft", "initial", "", 6)
    table = pd.concat([courses(noisy(3)), courses(noisy(3, seed=1), setting="again")])
    found = of(table, Loops((SFT, again, HOT), ()))
    assert set(found.loc[found["source"] == OURS, "setting"]) == {"sft", "again", ""}
