"""The figure of coherence against the trait: scales, the line, and what a slope's text says."""

import numpy as np
import pandas as pd
import pytest
from make_loops import make_loops
from read_figures import check_texts
from read_pages import check_caption

from idempotence.figures import tradeoff
from idempotence.stats.tradeoff import COSTS
from idempotence.stats.tradeoff import tradeoff as fit_tradeoff

LOOPS = make_loops()
TRAITS = ["bliss", "lucky", "sycophancy"]


def changes_of(trait_changes, coherence_changes, traits=TRAITS) -> pd.DataFrame:
    """A chain of sft for each pair of changes."""
    rows = [
        {"setting": "sft", "model": "m", "trait": traits[i % len(traits)], "seed": i, "cell": "a",
         **{f"{cost}_change": change for cost in COSTS},
         "trait_change": by, "coherence_change": change, "amplified": i == 0}
        for i, (by, change) in enumerate(zip(trait_changes, coherence_changes, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"amplified": "boolean"})


def draw(changed):
    figure, _, caption = tradeoff.draw(changed, fit_tradeoff(changed, 0.95), 0.95, LOOPS)
    check_texts(figure)
    check_caption(caption)
    return figure, caption


def test_every_trait_looks_different():
    # seven traits and six colours: the seventh trait once looked like the first
    names = [str(i) for i in range(30)]
    looks = [tradeoff._look(names, name) for name in names]
    assert len({(look["color"], look["marker"]) for look in looks}) == 30


@pytest.mark.parametrize("reach", [3.0, 87.0])
def test_axes_hold_every_chain_and_zero_and_little_more(reach):
    # a chain that won back 40 points of coherence was once cut off
    figure, _ = draw(changes_of([-2.0, -1.0, 0.5, 1.0], [-1.0, -3.0, 2.0, reach]))
    axis = figure.axes[0]
    for (low, high), least, greatest in (
        (axis.get_xlim(), -2.0, 1.0), (axis.get_ylim(), -3.0, reach)
    ):  # fmt: skip
        assert low < least and greatest < high
        assert high - low <= max(25, 1.2 * (greatest - least))


def test_the_line_lies_above_the_marks():
    figure, _ = draw(changes_of([-9.0, -1.0, 4.0, 12.0], [1.0, 0.0, -2.0, -4.0]))
    line = next(line for line in figure.axes[0].lines if list(line.get_xdata()) == [-9.0, 12.0])
    marks = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert len(marks) == 4 and all(line.get_zorder() > mark.get_zorder() for mark in marks)


def test_the_legend_has_filled_and_open_marks():
    changed = changes_of(range(4), range(4))
    figure, _ = draw(changed)
    *_, filled, hollow = figure.legends[0].legend_handles
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [*TRAITS, "amplified", "not amplified"]
    assert hollow.get_markerfacecolor() == "white" != filled.get_markerfacecolor()
    unknown = changed.assign(amplified=pd.array([True, None, None, False], dtype="boolean"))
    last = draw(unknown)[0].legends[0].get_texts()[-1].get_text()
    assert last == "not amplified, or not known"


def test_a_legend_of_many_traits_has_its_place():
    names = ["bliss", "egoism", "lucky", "misalignment", "nvidia", "sycophancy", "uppercase"]
    draw(changes_of(np.arange(14.0), np.arange(14.0) % 5, names))


def title_of(changed) -> str:
    return draw(changed)[0].axes[0].get_title(loc="left")


def test_a_slope_is_told_where_it_is_known():
    assert title_of(changes_of([1.0], [2.0])) == "sft, n = 1 chain\nslope not known"
    same = changes_of([1.0] * 4, [0.0, 1.0, 2.0, 3.0])
    assert title_of(same) == "sft, n = 4 chains\nslope not known"
    assert "not known" in draw(same)[1]
    assert len([line for line in draw(same)[0].axes[0].lines if len(line.get_xdata()) == 1]) == 4
    three = changes_of([0.0, 0.0, 9.0], [0.0, 0.0, 9.0])  # unknown without one of the panels
    assert title_of(three) == "sft, n = 3 chains\nslope 1.00, no interval"
    assert "(n = 0" not in draw(three)[1]


def test_no_minus_stands_before_zero():
    flat = changes_of([-20.0, -10.0, 0.0, 10.0], [0.01, 0.0, 0.0, -0.01])
    assert "-0.00" not in title_of(flat) and "slope 0.00 (" in title_of(flat)
