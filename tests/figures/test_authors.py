"""The authors' chains in figures: where they fit, and nowhere else."""

import pandas as pd
import pytest
from make_loops import OWN, make_loop, make_loops
from make_published import CHAINS
from make_scores import CYCLES, make_initial, make_scores
from read_figures import check_texts

from idempotence.figures import authors, dpo, trajectories
from idempotence.jobs.parts import Loop
from idempotence.stats.trajectories import trajectories as tabulate

HOT = Loop("dpo-hot", "dpo", "previous", "generation.temperature 2", CYCLES - 1)


@pytest.fixture(scope="module")
def table():
    scores = make_scores(settings=["sft", "sft-continual", "dpo", "dpo-reinit"], samples=1, seeds=1)
    table = tabulate(scores, 0.95)
    copies = {OWN: "sft", HOT: "dpo"}
    own = [table[table["setting"] == of].assign(setting=new.name) for new, of in copies.items()]
    return pd.concat([table, *own], ignore_index=True)


def of_authors(numbers):
    return numbers[numbers["kind"] == authors.KIND]


def grey_lines(figure):
    return [
        line for axis in figure.axes for line in axis.lines if line.get_color() == authors.COLOR
    ]


def test_a_setting_of_their_recipe_and_trait_shows_them(table):
    figure, numbers, caption = trajectories.draw(
        table, make_initial(), make_loop("sft"), 0.95, CHAINS
    )
    theirs = of_authors(numbers)
    assert len(theirs) == 8 * 5 and set(theirs["trait"]) == {"bliss"}
    assert set(theirs["model"]) == {"Qwen3-4B-Instruct"} and set(theirs["measure"]) == {
        "trait_score"
    }
    one = theirs[theirs["cell"].str.startswith("seed50_sampled100_")]
    assert one["mean"].tolist() == [49.2, 31.8, 37.2, 35.7, 29.9]
    assert one["cycle"].tolist() == [0, 1, 2, 3, 4] and one["ci_low"].isna().all()
    drawn = sorted(tuple(line.get_ydata()) for line in grey_lines(figure))
    assert drawn == sorted(tuple(chain["mean"]) for _, chain in theirs.groupby("cell"))
    assert all(line.axes is figure.axes[0] for line in grey_lines(figure))  # bliss, trait score
    assert (
        "Grey lines are the authors' public runs of Qwen3-4B-Instruct on bliss (n = 8 chains, "
        "no interval, coherence not known)" in caption
    )
    assert "compare shapes, not heights" in caption
    assert "authors' runs (n = 8 chains)" in [t.get_text() for t in figure.legends[0].get_texts()]
    check_texts(figure)


def test_their_later_cycles_are_inside_the_axes_and_the_peak_is_not_drawn(table):
    figure, numbers, _ = trajectories.draw(table, make_initial(), make_loop("dpo"), 0.95, CHAINS)
    theirs = of_authors(numbers)
    assert theirs.groupby("measure")["cycle"].apply(list).to_dict() == {
        "trait_score": [0, 7, 9], "coherence": [0, 7, 9]
    }  # fmt: skip
    assert 57.3 not in theirs["mean"].tolist()
    assert all(axis.get_xlim()[1] > 9 for axis in figure.axes)
    assert len(grey_lines(figure)) == 2
    check_texts(figure)


@pytest.mark.parametrize("loop", [make_loop("sft-continual"), make_loop("dpo-reinit"), OWN, HOT])
def test_another_recipe_or_a_changed_one_shows_none(table, loop):
    figure, numbers, caption = trajectories.draw(table, make_initial(), loop, 0.95, CHAINS)
    assert of_authors(numbers).empty and not grey_lines(figure) and "Grey" not in caption
    assert not any("authors" in t.get_text() for t in figure.legends[0].get_texts())


def test_another_trait_shows_none(table):
    others = table[table["trait"] != "bliss"]
    figure, numbers, _ = trajectories.draw(others, None, make_loop("sft"), 0.95, CHAINS)
    assert of_authors(numbers).empty and not grey_lines(figure)
    numbers = dpo.draw(others, 0.95, make_loops(OWN, HOT), CHAINS)[1]
    assert of_authors(numbers).empty


def test_every_model_of_the_trait_shows_them(table):
    two = pd.concat([table, table.assign(model="another")])
    figure, numbers, _ = trajectories.draw(two, None, make_loop("sft"), 0.95, CHAINS)
    assert len(of_authors(numbers)) == 8 * 5 and len(grey_lines(figure)) == 2 * 8
    check_texts(figure)


def test_dpo_shows_their_chain_once(table):
    loops = make_loops(OWN, HOT)
    figure, numbers, caption = dpo.draw(table, 0.95, loops, CHAINS)
    theirs = of_authors(numbers)
    assert theirs["mean"].tolist() == [11.3, 34.7, 52.5, 86.0, 90.0, 86.5]
    assert theirs["setting"].isna().all() and len(grey_lines(figure)) == 2
    assert "Qwen3.5-9B on bliss (n = 1 chain" in caption
    check_texts(figure)
    without = table[table["setting"].isin(["dpo-reinit", HOT.name])]
    assert of_authors(dpo.draw(without, 0.95, loops, CHAINS)[1]).empty
