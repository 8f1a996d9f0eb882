"""The same loops in several worlds."""

import pandas as pd
import pytest
from read_pages import check_caption

from idempotence.figures.lines import THIN
from idempotence.figures.worlds import draw, numbers, plain_loops
from idempotence.jobs.parts import Loop, Loops

LOOPS = Loops(
    (
        Loop("sft", "sft", "initial", "", 2),
        Loop("warm", "sft", "initial", "generation.temperature 1", 2),
        Loop("long", "sft", "initial", "", 9),
        Loop("dpo", "dpo", "previous", "", 2),
    ),
    (),
)


def chains(setting, objective, seeds, scores):
    return pd.DataFrame(
        [
            {"setting": setting, "objective": objective, "model": "m", "trait": "t", "seed": seed,
             "cell": "c", "cycle": cycle, "trait_score": score + seed, "coherence": 90.0}
            for seed in range(seeds) for cycle, score in enumerate(scores)
        ]
    )  # fmt: skip


@pytest.fixture
def mine():
    parts = [chains(name, "sft", 4, [40, 20, 10]) for name in ("sft", "warm", "long")]
    return plain_loops(pd.concat([*parts, chains("dpo", "dpo", 1, [10, 90])]), LOOPS)


def test_of_each_loop_the_first_plain_setting_stands(mine):
    assert set(mine["setting"]) == {"sft", "dpo"}
    assert set(mine.loc[mine["setting"] == "dpo", "start"]) == {"previous"}


def test_numbers_are_means_over_panels(mine):
    table = numbers({"own": mine}, 0.95)
    means = table[(table["kind"] == "mean") & (table["measure"] == "trait_score")]
    sft = means[means["objective"] == "sft"].set_index("cycle")
    assert list(sft["mean"]) == [41.5, 21.5, 11.5]
    assert list(sft["n_panels"]) == [4] * 3
    # t with 3 degrees of freedom: 3.182 x sd 1.291 / 2
    assert sft.loc[0, "ci_high"] == pytest.approx(41.5 + 2.054, abs=0.01)
    dpo = means[means["objective"] == "dpo"]
    assert dpo["ci_low"].isna().all()
    assert len(table[table["kind"] == "chain"]) == 2 * (4 * 3 + 2)


def test_a_world_without_chains_is_named_so(mine):
    figure, _, caption = draw({"own": mine, "other": mine.iloc[:0]}, 0.95)
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert labels == ["own (sft: 4 panels, 4 chains; dpo: 1 panel, 1 chain)", "other (no chains)"]
    assert "95 %" in caption and "in 2 worlds" in caption
    check_caption(caption)


def test_a_single_panel_has_chains_alone_and_what_is_not_known_is_named(mine):
    theirs = mine[(mine["setting"] == "sft") & (mine["seed"] == 0)].assign(coherence=float("nan"))
    figure, _, caption = draw({"own": mine, "theirs": theirs}, 0.95)
    upper = figure.axes[0].lines
    assert [line.get_linewidth() for line in upper].count(THIN["linewidth"]) == 4 + 1
    assert len(upper) == 5 + 1  # and the mean of the four panels
    assert "up to cycle 2." in caption
    assert caption.endswith("No coherence is known of theirs for SFT from the initial model.")
