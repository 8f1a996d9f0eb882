"""The figure of a model that does not change: lines that can be told apart, near their data."""

import numpy as np
import pandas as pd
import pytest
from make_loops import make_loops
from read_figures import check_texts
from read_pages import check_caption

from idempotence.figures import null
from idempotence.jobs.parts import Loop

MORE = [Loop(f"sft-{i}", "sft", "initial", f"x {i}", 6) for i in range(5)]
LOOPS = make_loops(*MORE)


def tables(settings: list[str], reach: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Quantiles and rates of the settings, the largest rise `reach`."""
    shares = np.linspace(0.01, 0.99, 99)
    quantiles = [
        pd.DataFrame({"null": kind, "setting": setting, "quantile": shares,
                      "max_delta": np.linspace(-2, reach, 99)})
        for kind in null.NULLS for setting in settings
    ]  # fmt: skip
    rates = pd.DataFrame(
        {"null": kind, "setting": setting, "rule": "published", "gate": False, "n_chains": 4,
         "draws": 10, "null_share": 0.5 if kind == "rescored" else 0.0}
        for kind in null.NULLS for setting in settings
    )  # fmt: skip
    return pd.concat(quantiles), rates


@pytest.mark.parametrize("n", [3, 8])
def test_settings_differ_by_style_and_marker_too(n):
    settings = [loop.name for loop in LOOPS.loops[:n]]
    figure, _, caption = null.draw(*tables(settings, 6.0), 15, LOOPS)
    check_texts(figure)
    check_caption(caption)
    for axis in figure.axes:
        curves = [line for line in axis.lines if len(line.get_xdata()) > 2]
        assert len({(line.get_linestyle(), line._dash_pattern[1] and tuple(line._dash_pattern[1]),
                     line.get_marker()) for line in curves}) == n  # fmt: skip
        assert len({line.get_marker() for line in curves}) == n
        # marks of curves that lie on each other do not
        assert len({line.get_markevery()[0] for line in curves}) == n


def test_one_legend_has_the_shares_of_both_axes():
    figure, _, _ = null.draw(*tables(["sft", "dpo"], 6.0), 15, LOOPS)
    assert not any(axis.get_legend() for axis in figure.axes)
    labels = [text.get_text().replace("\u00a0", " ") for text in figure.legends[0].get_texts()]
    assert labels == ["sft: 50 %, 0 %", "dpo: 50 %, 0 %"]


@pytest.mark.parametrize(("reach", "right"), [(6.0, 15.0), (40.0, 40.0)])
def test_axes_end_near_the_data_and_hold_the_threshold(reach, right):
    figure, _, _ = null.draw(*tables(["sft"], reach), 15, LOOPS)
    low, high = figure.axes[0].get_xlim()
    assert -6 < low < -2 and right < high < right + 4
