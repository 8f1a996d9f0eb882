"""A setting of one's own, whatever its name, shows in every figure beside the published ones."""

import pandas as pd
import pytest
from make_loops import OWN, OWN_TITLE, make_loops
from make_published import CHAINS
from make_scores import CYCLES, make_initial, make_scores
from read_figures import boxes_of_text, check_texts

from idempotence.errors import UserError
from idempotence.figures import (
    continual_vs_reinit,
    dose_map,
    dpo,
    equivalence,
    grid,
    metrics,
    null,
    outcomes,
    relaxation,
    tradeoff,
    trajectories,
)
from idempotence.figures.labels import in_order, recipe_label, setting_title
from idempotence.figures.style import PALETTE
from idempotence.jobs.parts import Loop
from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import chains as tabulate_chains
from idempotence.stats.equivalence import equivalence as fit_equivalence
from idempotence.stats.null_rate import null_rates
from idempotence.stats.peak import rises
from idempotence.stats.relaxation import contraction
from idempotence.stats.tradeoff import tradeoff as fit_tradeoff
from idempotence.stats.tradeoff import tradeoff_chains
from idempotence.stats.trajectories import trajectories as tabulate

CHANGES = "restart_at (3, 6); training.learning_rate 0.0001; training.lora.rank 64; seed_share 0.25"
RESTARTED = Loop("dpo-restarted-at-three-and-six", "dpo", "previous", CHANGES, CYCLES - 1)
HOT = Loop("sft-unsharpened-goes-on-from-the-previous-cycle", "sft", "previous", "x 1", CYCLES - 1)
LOOPS = make_loops(OWN, RESTARTED, HOT, twins=((HOT.name, OWN.name),))
COPIES = {OWN: "sft", HOT: "sft-continual", RESTARTED: "dpo"}


@pytest.fixture(scope="module")
def scores():
    """The published settings' scores, again under the names of settings of one's own."""
    shipped = make_scores(settings=["sft", "sft-continual", "dpo", "dpo-reinit"], samples=2)
    own = [
        shipped[shipped["setting"] == of].assign(setting=loop.name) for loop, of in COPIES.items()
    ]
    return pd.concat([shipped, *own], ignore_index=True)


@pytest.fixture(scope="module")
def table(scores):
    return tabulate(scores, 0.95)


@pytest.fixture(scope="module")
def chains(table):
    return tabulate_chains(table, 15, 4).merge(rises(table, 70), on=CHAIN)


def texts(figure) -> str:
    """All that is written in a figure, in one line."""
    return " ".join(text.replace("\n", " ").replace("- ", "-") for text, _ in boxes_of_text(figure))


def test_a_title_names_objective_start_and_changes():
    assert setting_title(OWN) == OWN_TITLE
    assert setting_title(make_loops().loops[0]) == "SFT, every cycle from the initial model (sft)"
    assert (
        recipe_label(RESTARTED)
        == f"every cycle from the previous model, {CHANGES} ({RESTARTED.name})"
    )


def test_settings_stand_by_objective_and_start_then_as_in_the_config():
    names = [loop.name for loop in reversed(LOOPS.loops)]
    published = [
        "sft",
        OWN.name,
        "sft-continual",
        HOT.name,
        "sdf",
        "dpo",
        RESTARTED.name,
        "dpo-reinit",
    ]
    assert in_order([*names, *names], LOOPS) == published
    with pytest.raises(UserError, match="no setting 'other'; it has sft, "):
        in_order(["sft", "other"], LOOPS)


@pytest.mark.parametrize("loop", COPIES)
def test_figures_of_one_setting(table, chains, loop):
    drawn = [
        trajectories.draw(table, make_initial(), loop, 0.95, CHAINS),
        metrics.draw(table, loop),
        grid.draw(table, make_initial(), loop),
        dose_map.draw(chains, loop),
    ]
    for figure, numbers, caption in drawn:
        assert caption.startswith(setting_title(loop)) and len(numbers)
        check_texts(figure)
    assert setting_title(loop) in texts(drawn[0][0])


def test_dpo_shows_every_setting_that_trains_with_dpo(table):
    figure, numbers, _ = dpo.draw(table, 0.95, LOOPS, CHAINS)
    names = ["dpo", RESTARTED.name, "dpo-reinit"]
    assert set(numbers["setting"].dropna()) == set(names)
    check_texts(figure)
    *labels, theirs = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
    assert theirs == "authors' runs (n = 1 chain)"
    assert [label.split("(")[-1] for label in labels] == [f"{name})" for name in names]
    looks = dpo._looks(names, LOOPS)
    assert [looks[name]["color"] for name in names] == [PALETTE[1], PALETTE[2], PALETTE[0]]


def test_dpo_colours_settings_by_their_start_whatever_their_names():
    assert dpo._looks(["dpo-reinit"], LOOPS)["dpo-reinit"]["color"] == PALETTE[0]
    assert dpo._looks([RESTARTED.name], LOOPS)[RESTARTED.name]["color"] == PALETTE[1]
    many = [Loop(f"dpo{i}", "dpo", "previous", f"x {i}", 6) for i in range(9)]
    looks = dpo._looks([loop.name for loop in many], make_loops(*many))
    assert len({look["color"] for look in looks.values()}) == 9


def test_figures_of_all_settings(scores, table, chains):
    changed = tradeoff_chains(table, chains, 4)
    rates, quantiles = null_rates(scores, 15, 4, 50, 70, seed=1, draws=10)
    drawn = [
        tradeoff.draw(changed, fit_tradeoff(changed, 0.95), 0.95, LOOPS),
        equivalence.draw(fit_equivalence(table, 10, 4, 0.95), 0.95, LOOPS),
        relaxation.draw(contraction(table, 0.95, 1), 0.95, LOOPS),
        null.draw(quantiles, rates, 15, LOOPS),
    ]
    for figure, numbers, _ in drawn:
        assert {OWN.name, HOT.name, RESTARTED.name} <= set(numbers["setting"])
        assert all(loop.name in texts(figure) for loop in COPIES)
        check_texts(figure)


def test_a_panel_for_each_pair_of_twins():
    names = [("sft-continual", "sft"), (HOT.name, OWN.name), ("dpo", "dpo-reinit"), ("a", "b")]
    pairs = pd.DataFrame(
        {
            "objective": "dpo" if continual in ("dpo", "a") else "sft", "continual": continual,
            "reinit": reinit, "model": "m", "trait": "bliss", "seed": seed, "cell": "c",
            "slope_reinit": -1.0, "slope_continual": 1.0 + i, "slope_difference": 2.0 + i,
        }
        for i, (continual, reinit) in enumerate(names)
        for seed in range(3)
    )  # fmt: skip
    means = pd.DataFrame(
        {"continual": continual, "reinit": reinit, "trait": "all", "measure": "slope",
         "estimate": 2.0 + i, "ci_low": 1.0, "ci_high": 3.0, "n_panels": 3}
        for i, (continual, reinit) in enumerate(names)
    )  # fmt: skip
    figure, numbers, _ = continual_vs_reinit.draw(pairs, means, 0.95)
    assert numbers[["continual", "reinit"]].drop_duplicates().values.tolist() == list(
        map(list, names)
    )
    axes = [axis for axis in figure.axes if axis.get_visible()]
    ticks = [[t.get_text().replace("\n", "") for t in axis.get_xticklabels()] for axis in axes]
    assert ticks == [[reinit, continual] for continual, reinit in names]
    titles = [axis.get_title(loc="left") for axis in axes]
    assert titles == [
        f"{objective}, n = 3 pairs\ndifference {2.0 + i} (1.0 to 3.0)"
        for i, objective in enumerate(["sft", "sft", "dpo", "dpo"])
    ]
    check_texts(figure)


def test_outcomes_have_place_for_long_names(scores, table, chains):
    own = table["setting"] == HOT.name
    verdicts = chains[chains["setting"] == HOT.name].assign(
        outcome=["decay"] * 9 + ["constancy"] * 9
    )
    figure, numbers, _ = outcomes.draw(table[own], verdicts, scores, 0.95)
    assert set(numbers["setting"]) == {HOT.name} and HOT.name in texts(figure)
    check_texts(figure)
