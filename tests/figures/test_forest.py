"""Forest plots: what a mark, a bar and an empty row say, and captions that claim no more."""

import numpy as np
import pandas as pd
import pytest
from make_loops import make_loops
from read_figures import boxes_of_text, check_texts
from read_pages import check_caption

from idempotence.figures import equivalence, relaxation
from idempotence.figures.forest import NOTHING, Mark, bars, forest
from idempotence.figures.style import FAINT, PALETTE

LOOPS = make_loops()
MARK = Mark("estimate", "low", "high", "x")


def rows_of(setting: str, *rows: tuple) -> pd.DataFrame:
    """rows: trait, estimate, low, high, n_panels."""
    names = ["trait", "estimate", "low", "high", "n_panels"]
    return pd.DataFrame(rows, columns=names).assign(setting=setting)


@pytest.fixture
def rows() -> pd.DataFrame:
    """A setting whose traits are too few panels each, and one that lacks a trait."""
    return pd.concat(
        [
            rows_of("sft", ("all", 3.0, -2.0, 8.0, 6), ("bliss", 4.0, np.nan, np.nan, 2),
                    ("lucky", np.nan, np.nan, np.nan, 0)),
            rows_of("dpo", ("all", 1.0, 0.0, 2.0, 4), ("bliss", 1.0, 0.0, 2.0, 4)),
        ],
        ignore_index=True,
    )  # fmt: skip


def test_a_bar_ends_where_its_interval_does(rows):
    axis = forest([(MARK, rows)], (-40, 40), "x", [], LOOPS).axes[0]
    bar = next(line for line in axis.lines if len(line.get_xdata()) == 2)
    assert list(bar.get_xdata()) == [-2.0, 8.0] and bar.get_solid_capstyle() == "butt"


def test_a_mark_without_an_interval_is_small_and_grey(rows):
    figure = forest([(MARK, rows)], (-40, 40), "x", [], LOOPS)
    marks = {
        float(line.get_xdata()[0]): line
        for line in figure.axes[0].lines
        if line.get_marker() == "o"
    }
    assert marks[3.0].get_color() == PALETTE[0] and marks[4.0].get_color() == FAINT
    assert marks[4.0].get_markersize() < marks[3.0].get_markersize()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["x", "no interval"]
    with_bars = rows[rows["low"].notna()]
    assert not forest([(MARK, with_bars)], (-40, 40), "x", [], LOOPS).legends
    bare = rows_of("sft", ("all", 60.0, np.nan, np.nan, 2))
    arrow = forest([(MARK, bare)], (-40, 40), "x", [], LOOPS).axes[0].lines[0]
    assert arrow.get_marker() == ">" and arrow.get_color() == FAINT


def test_an_empty_row_says_why(rows):
    figure = forest([(MARK, rows)], (-40, 40), "x", [0], LOOPS)
    check_texts(figure)
    said = [[text.get_text() for text in axis.texts] for axis in figure.axes if axis.get_visible()]
    assert said == [["not known"], ["no chain"]]  # lucky of sft; of dpo


def test_a_caption_claims_a_bar_only_for_rows_with_one(rows):
    assert equivalence.caption(pd.DataFrame(columns=rows.columns), 5.0, 0.95) == NOTHING
    both = bars(MARK, rows, "95 % t interval", " per row")
    assert "The bar is a 95 % t interval over panels (n = 4-6 per row" in both
    assert "A small grey mark has no interval (n = 2)" in both
    assert "grey" not in bars(MARK, rows[rows["low"].notna()], "95 % t interval")
    without = bars(MARK, rows[rows["low"].isna()], "95 % t interval")
    assert "No mark has an interval (n = 2)" in without and "bar" not in without


def test_equivalence_shows_what_filled_open_and_grey_mean(rows):
    table = rows.rename(columns={"low": "tost_low", "high": "tost_high"}).assign(
        estimand="slope_total", bound=5.0, equivalent=pd.array([False, *[None] * 2, True, True])
    )
    figure, numbers, caption = equivalence.draw(table, 0.95, LOOPS)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["whole bar within the band", "bar not within the band", "no interval"]
    check_texts(figure)
    check_caption(caption)
    assert len(numbers) == 5 and '"No chain"' in caption and "(n = 4-6 per row" in caption
    bare = table[table["tost_low"].isna() & table["estimate"].notna()]
    figure, _, caption = equivalence.draw(bare, 0.95, LOOPS)
    assert not figure.legends and "filled" not in caption and '"No chain"' not in caption
    check_caption(caption)


def test_relaxation_claims_no_bar_without_an_interval(rows):
    table = rows.rename(columns={"estimate": "rate", "low": "ci_low", "high": "ci_high"})
    table = table.assign(intercepts="cell", method="naive", n_chains=2)
    figure, _, caption = relaxation.draw(table, 0.95, LOOPS)
    assert "A small grey mark has no interval (n = 2)" in caption and '"No chain"' in caption
    assert "no interval" in [text for text, _ in boxes_of_text(figure)]
    check_caption(caption)
