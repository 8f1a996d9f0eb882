"""Figures of findings: the numbers they show, what they do without data, the same bytes twice."""

import numpy as np
import pandas as pd
import pytest
from make_loops import make_loop, make_loops
from make_published import CHAINS, SERIES
from make_scores import make_initial, make_scores
from read_figures import KINDS, check_texts
from read_pages import check_caption
from run_script import run_script

from idempotence.figures import (
    continual_vs_reinit,
    dose_map,
    dpo,
    equivalence,
    grid,
    null,
    outcome_map,
    outcomes,
    relaxation,
    return_map,
    tradeoff,
)
from idempotence.figures.forest import Mark, forest
from idempotence.figures.style import save_figure
from idempotence.io import write_parquet
from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import chains as tabulate_chains
from idempotence.stats.continual import continual, continual_pairs
from idempotence.stats.equivalence import equivalence as fit_equivalence
from idempotence.stats.null_rate import null_rates
from idempotence.stats.outcome_map import outcome_map as map_outcomes
from idempotence.stats.peak import rises
from idempotence.stats.relaxation import contraction
from idempotence.stats.return_map import map_steps
from idempotence.stats.return_map import return_map as fit_return_map
from idempotence.stats.tradeoff import tradeoff as fit_tradeoff
from idempotence.stats.tradeoff import tradeoff_chains
from idempotence.stats.trajectories import trajectories

LOOPS = make_loops()


@pytest.fixture(scope="module")
def scores():
    return make_scores(settings=["sft", "dpo", "dpo-reinit"], samples=2)


@pytest.fixture(scope="module")
def table(scores):
    return trajectories(scores, 0.95)


@pytest.fixture(scope="module")
def chains(table):
    return tabulate_chains(table, 15, 4).merge(rises(table, 70), on=CHAIN)


@pytest.fixture(scope="module")
def tables(scores, table, chains):
    """Every table that a figure is drawn from, by name."""
    pairs = continual_pairs(chains, LOOPS.twins)
    changed = tradeoff_chains(table, chains, 4)
    rates, quantiles = null_rates(scores, 15, 4, 50, 70, seed=1, draws=10)
    maps = fit_return_map(table, LOOPS, 70, 0.95)
    return {
        "equivalence": fit_equivalence(table, 10, 4, 0.95),
        "contraction": contraction(table, 0.95, 1),
        "pairs": pairs, "means": continual(pairs, 0.95),
        "changes": changed, "slopes": fit_tradeoff(changed, 0.95),
        "rates": rates, "quantiles": quantiles, "bins": maps.bins, "points": maps.points,
        "outcome_map": map_outcomes(table, chains, LOOPS, 15, 70, 0.95),
    }  # fmt: skip


def drawings(scores, table, chains, tables) -> dict:
    """Each figure's (figure, numbers, caption), drawn anew."""
    initial = make_initial()
    return {
        "outcomes": outcomes.draw(table, chains, scores, 0.95),
        "dpo": dpo.draw(table, 0.95, LOOPS, CHAINS),
        "grid": grid.draw(table, initial, make_loop("sft")),
        "dose_map": dose_map.draw(chains, make_loop("dpo")),
        "one_row": dose_map.draw(chains[chains["beta"] == 0.1], make_loop("dpo")),
        "tradeoff": tradeoff.draw(tables["changes"], tables["slopes"], 0.95, LOOPS),
        "continual": continual_vs_reinit.draw(tables["pairs"], tables["means"], 0.95),
        "equivalence": equivalence.draw(tables["equivalence"], 0.95, LOOPS),
        "relaxation": relaxation.draw(tables["contraction"], 0.95, LOOPS),
        "null": null.draw(tables["quantiles"], tables["rates"], 15, LOOPS),
        "return_map": return_map.draw(
            map_steps(table, 70), tables["bins"], tables["points"], 0.95, 70, LOOPS
        ),
        "outcome_map": outcome_map.draw(tables["outcome_map"], 70),
    }


def test_every_figure_keeps_its_text_inside_and_its_bytes(scores, table, chains, tables, tmp_path):
    first = drawings(scores, table, chains, tables)
    second = drawings(scores, table, chains, tables)
    for name, (figure, numbers, caption) in first.items():
        one = save_figure(figure, numbers, caption, tmp_path / "one" / name)
        two = save_figure(*second[name], tmp_path / "two" / name)
        assert len(numbers), name
        check_caption(caption)
        for a, b in zip(one, two, strict=True):
            assert a.read_bytes() == b.read_bytes(), a.name
        check_texts(figure)


def test_outcomes_are_chosen_by_rule_and_not_by_hand():
    rows = [
        {"setting": "sft", "model": "m", "trait": "bliss", "seed": seed, "cell": "a",
         "outcome": "decay", "late_delta": change}
        for seed, change in enumerate([-50.0, -20.0, -80.0, -30.0])
    ]  # fmt: skip
    rows.append({**rows[0], "seed": 9, "outcome": "constancy", "late_delta": 0.0})
    chosen = outcomes.choose(pd.DataFrame(rows)).set_index("outcome")
    assert chosen.loc["decay", "late_delta"] == -50.0  # the lower of the middle two
    assert set(chosen.index) == {"decay", "constancy"}


def test_a_map_outlines_exactly_the_flips():
    flips = dose_map._flips(np.array([[0.0, 0.0, 1.0], [0.0, np.nan, 1.0]]))
    assert flips == [([2, 2], [0, 1])]


def dose_rows(*rises_and_verdicts):
    """Chains of one trait and number of samples, from a dose of seed rows each."""
    known = {"setting": "sft", "trait": "bliss", "n_sampled": 30.0, "level": np.nan,
             "beta": np.nan, "pairs": np.nan}  # fmt: skip
    rows = [
        {**known, "n_seed": 10.0 * n, "max_delta": rise, "amplified": amplified}
        for n, (rise, amplified) in enumerate(rises_and_verdicts, 1)
    ]
    return pd.DataFrame(rows).astype({"amplified": "boolean"})


def test_a_map_explains_only_what_it_draws_on_a_scale_of_its_own():
    figure, _, caption = dose_map.draw(dose_rows((-0.2, False), (12, False)), make_loop("sft"))
    check_texts(figure)
    assert figure.get_size_inches()[0] < 3  # one square wide
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert shown == ["−0.2", "+12"] and "from -20 to 20 points" in caption
    assert not any(word in caption for word in ("Thick", "empty", "fraction"))
    flipping = pd.concat([dose_rows((3, False), (44, True))] * 2, ignore_index=True)
    lone = dose_rows((3, False)).assign(trait="lucky")
    caption = dose_map.draw(pd.concat([flipping, lone]), make_loop("sft"))[2]
    assert all(word in caption for word in ("Thick", "empty", "fraction", "from -50"))


def test_a_map_counts_seeds_with_a_verdict(chains):
    drawn = dose_map.numbers(chains, "dpo")
    assert drawn["n_seeds"].max() == chains["seed"].nunique()
    known = chains[(chains["setting"] == "dpo") & chains["amplified"].notna()]
    assert drawn["n_amplified"].sum() == known["amplified"].sum()
    cell = known[(known["trait"] == "lucky") & (known["beta"] == 0.1)]
    shown = drawn[(drawn["trait"] == "lucky") & (drawn["beta"] == 0.1)]["max_delta"]
    assert shown.iloc[0] == pytest.approx(cell["max_delta"].mean())


def test_a_grid_counts_the_chains_that_have_a_score(table):
    caption = grid.draw(table, make_initial(), make_loop("dpo"))[2]
    assert "(n = 2-3 per point)" in caption  # one chain ended; the others are three


def test_a_grid_names_its_axes_and_lines_and_keeps_long_names_apart(table):
    long = {"lucky": "a-long-name-of-a-trait-that-fills-a-line", "bliss": "b" * 40}
    before = make_initial().replace({"trait": long})
    figure, _, caption = grid.draw(table.replace({"trait": long}), before, make_loop("sft"))
    check_texts(figure)
    assert figure.axes[0].get_ylabel() == "trait score"
    assert figure.axes[0].get_title(loc="left") in long.values()
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries[-1] == "initial model" and "dashed" in caption
    figure, _, caption = grid.draw(table, make_initial().iloc[:0], make_loop("sft"))
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "initial model" not in entries and "dashed" not in caption


def test_black_squares_of_twins_are_means_over_pairs_and_the_title_over_panels(tables):
    figure, _, caption = continual_vs_reinit.draw(tables["pairs"], tables["means"], 0.95)
    black = next(line for line in figure.axes[0].lines if line.get_marker() == "s")
    mine = tables["pairs"]
    assert list(black.get_ydata()) == pytest.approx(
        [mine["slope_reinit"].mean(), mine["slope_continual"].mean()]
    )
    means = tables["means"]
    row = means[(means["trait"] == "all") & (means["measure"] == "slope")].iloc[0]
    assert f"panels (n = {row['n_panels']}, each" in caption and "means over the pairs" in caption


def test_dpo_shows_means_of_panels(table):
    _, numbers, caption = dpo.draw(table, 0.95, LOOPS, CHAINS)
    mean = numbers[(numbers["kind"] == "mean") & (numbers["measure"] == "coherence")]
    row = mean[(mean["setting"] == "dpo") & (mean["trait"] == "bliss") & (mean["cycle"] == 2)]
    mine = table[(table["setting"] == "dpo") & (table["trait"] == "bliss") & (table["cycle"] == 2)]
    expected = mine.groupby("seed")["coherence"].mean()
    assert row["mean"].iloc[0] == pytest.approx(expected.mean())
    assert row["n"].iloc[0] == len(expected) and "n = " in caption


def test_dpo_draws_each_chain_of_three_panels_and_a_band_over_more(table):
    figure, numbers, _ = dpo.draw(table, 0.95, LOOPS, CHAINS)
    drawn = numbers[numbers["measure"] == "trait_score"].groupby("trait")["kind"].unique()
    assert {"mean", "cell"} <= set(drawn["all"]) and "chain" not in drawn["all"]
    assert {"mean", "chain"} <= set(drawn["lucky"]) and "cell" not in drawn["lucky"]
    chains = numbers[(numbers["kind"] == "chain") & (numbers["measure"] == "trait_score")]
    of_dpo = table[(table["objective"] == "dpo") & table["trait_score"].notna()]
    assert sorted(chains["mean"]) == pytest.approx(sorted(of_dpo["trait_score"]))
    drawn_lines = [sum(len(line.get_xdata()) > 1 for line in axis.lines) for axis in figure.axes]
    assert drawn_lines[0] == 2 * (2 + 1)  # settings x (doses and the mean)
    assert drawn_lines[2] == 2 * (2 * 3 + 1)  # lucky: settings x (doses x seeds, and the mean)
    bands = [sum(len(p.get_paths()) > 0 for p in axis.collections) for axis in figure.axes]
    assert bands[0] == 2 and bands[1:4] == [0, 0, 0]  # all traits; then each trait


def test_without_data_a_figure_says_so(table, chains, tables):
    figures = [
        dpo.draw(table[table["setting"] == "sft"], 0.95, LOOPS, CHAINS)[0],
        continual_vs_reinit.draw(tables["pairs"].iloc[:0], tables["means"].iloc[:0], 0.95)[0],
        tradeoff.draw(tables["changes"].iloc[:0], tables["slopes"].iloc[:0], 0.95, LOOPS)[0],
        equivalence.draw(tables["equivalence"].iloc[:0], 0.95, LOOPS)[0],
        return_map.draw(
            map_steps(table, 70),
            tables["bins"].iloc[:0],
            tables["points"].iloc[:0],
            0.95,
            70,
            LOOPS,
        )[0],
        outcome_map.draw(tables["outcome_map"].iloc[:0], 70)[0],
    ]
    for figure in figures:
        assert "This study has" in figure.texts[0].get_text()
    undecided = chains.assign(amplified=pd.array([None] * len(chains), dtype="boolean"))
    assert "has a verdict" in dose_map.draw(undecided, make_loop("sft"))[0].texts[0].get_text()
    unknown = tables["equivalence"].assign(estimate=np.nan, tost_low=np.nan, tost_high=np.nan)
    assert len(equivalence.draw(unknown, 0.95, LOOPS)[1])


def test_scripts_write_all_files(scores, chains, tables, tmp_path):
    write_parquet(scores, tmp_path / "scores.parquet")
    write_parquet(make_initial(), tmp_path / "initial.parquet")
    for name, frame in {**tables, "chains": chains}.items():
        write_parquet(frame, tmp_path / f"{name}.parquet")
    write_parquet(trajectories(scores, 0.95), tmp_path / "trajectories.parquet")
    read = ["--trajectories", tmp_path / "trajectories.parquet"]
    replies, at = ["--scores", tmp_path / "scores.parquet"], ["--confidence", 0.95]
    table = {name: [f"--{name}", tmp_path / f"{name}.parquet"] for name in (*tables, "chains")}
    of = ["--loops", LOOPS.to_json()]
    calls = {
        "plot_outcomes": [*read, *replies, *at, "--amplification-points", 15, "--from-cycle", 4],
        "plot_dpo": [*read, "--authors", SERIES, *at, *of],
        "plot_grid": [*read, "--initial", tmp_path / "initial.parquet", "--setting", "dpo", *of],
        "plot_metrics": [*read, "--setting", "dpo", *of],
        "plot_dose_map": [*table["chains"], "--setting", "sft", *of],
        "plot_tradeoff": [*table["changes"], *table["slopes"], *at, *of],
        "plot_continual_vs_reinit": [*table["pairs"], *table["means"], *at],
        "plot_equivalence": ["--table", tmp_path / "equivalence.parquet", *at, *of],
        "plot_relaxation": ["--table", tmp_path / "contraction.parquet", *at, *of],
        "plot_return_map": [
            *read, *table["bins"], *table["points"], "--peak-coherence", 70, *at, *of
        ],
        "plot_outcome_map": ["--table", tmp_path / "outcome_map.parquet", "--peak-coherence", 70],
        "plot_null": [*table["quantiles"], *table["rates"], "--amplification-points", 15, *of],
    }  # fmt: skip
    for name, arguments in calls.items():
        assert run_script(name, *arguments, "--output-prefix", tmp_path / name) == 0
        assert all((tmp_path / f"{name}.{kind}").stat().st_size for kind in KINDS)


def test_an_estimate_beyond_the_axis_is_an_arrow_and_no_mark():
    rows = pd.DataFrame(
        {
            "setting": "sft", "trait": ["all", "bliss", "lucky", "nvidia"],
            "estimate": [0.0, 45.0, -45.0, 60.0], "low": [-50.0, 12.0, -90.0, np.nan],
            "high": [5.0, 77.0, -41.0, np.nan],
        }
    )  # fmt: skip
    axis = forest([(Mark("estimate", "low", "high", "x"), rows)], (-40, 40), "x", [], LOOPS).axes[0]
    drawn = {(line.get_marker(), *map(float, line.get_xdata())) for line in axis.lines}
    bars = {("None", -40.0, 5.0), ("None", 12.0, 40.0)}
    arrows = {("<", -40.0), (">", 40.0)}
    assert drawn == {("o", 0.0), *bars, *arrows}
    ends = [line.get_ydata()[0] for line in axis.lines if line.get_marker() in "<>"]
    assert sorted(ends) == [0, 1, 2, 3]
