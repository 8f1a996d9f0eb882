"""The figure of defences: what is drawn for each change, and what it says without any."""

import numpy as np
import pandas as pd
import pytest
from read_figures import check_texts
from read_pages import check_caption
from run_script import run_script

from idempotence.figures.defences import draw
from idempotence.figures.style import FAINT, save_figure
from idempotence.io import write_parquet
from idempotence.jobs.parts import Loop, Loops
from idempotence.stats.defences import COLUMNS, NOTHING

CHANGES = {
    "dpo-restart": "restart_at [2, 4, 6]",
    "dpo-anchored": "initial_share 0.1",
    "sft-slow": "training.learning_rate 0.0001; training.lora.rank 64; generation.temperature 0.6",
}
LOOPS = Loops(
    (
        Loop("dpo", "dpo", "previous", "", 6),
        Loop("sft", "sft", "initial", "", 6),
        *(Loop(name, "dpo" if "dpo" in name else "sft", "initial", changes, 6)
          for name, changes in CHANGES.items()),
    ),
    (),
)  # fmt: skip


def row(setting, measure, estimate, half, trait="all", samples=0.0):
    limits = {"ci_low": estimate - half, "ci_high": estimate + half}
    more = {"rows_trained_more": np.nan, "samples_more": samples, "judge_calls_more": 0.9}
    return {
        **dict.fromkeys(COLUMNS, np.nan), "setting": setting, "twin": setting.partition("-")[0],
        "changes": CHANGES[setting], "trait": trait, "measure": measure, "estimate": estimate,
        **limits, **more, "n_panels": 4, "n_chains": 4, "warnings": "",
    }  # fmt: skip


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        row(setting, measure, estimate, half, samples=5.0 * ("anchored" in setting))
        for setting, numbers in {
            "dpo-restart": [(-42, 8), (10, 3), (np.nan, 0)],
            "dpo-anchored": [(-20, 300), (4, np.nan), (35, 2)],
            "sft-slow": [(3, 1), (-1, 1), (-8, 4)],
        }.items()
        for measure, (estimate, half) in zip(
            ["peak_delta", "coherence_at_peak", "coherence_last"], numbers, strict=True
        )
    ]
    return pd.DataFrame([*rows, row("sft-slow", "peak_delta", 99, 1, trait="bliss")])


def test_each_change_has_its_row_beside_its_twin(table, tmp_path):
    figure, numbers, caption = draw(table, 0.95, LOOPS)
    save_figure(figure, numbers, caption, tmp_path / "defences")
    check_texts(figure)
    check_caption(caption)
    assert len(numbers) == 9 and "95 % t interval over panels (n = 4" in caption
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert titles == ["changes of sft", "", "changes of dpo", ""]
    labels = [[text.get_text() for text in axis.get_yticklabels()] for axis in figure.axes]
    assert labels[2] == ["restart_at [2, 4, 6]", "initial_share 0.1\n(samples +5 %)"]
    assert "".join(labels[0]).count("\n") == 2
    # all axes of a column have one scale, which holds what it can of the largest interval
    assert [axis.get_xlim() for axis in figure.axes] == [(-100, 100), (-40, 40)] * 2
    marks = [
        (line.get_marker(), float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in figure.axes[2].lines
        if len(line.get_xdata()) == 1
    ]
    assert {("o", -42.0, 0.0), ("o", -20.0, 1.0), ("<", -100.0, 1.0), (">", 100.0, 1.0)} == {*marks}
    grey = [line.get_marker() for line in figure.axes[3].lines if line.get_color() == FAINT]
    assert "D" in grey and "A small grey mark has no interval (n = 4)" in caption
    assert figure.legends[0].get_texts()[-1].get_text() == "no interval"
    # of coherence at the last cycle, one of two is known
    shapes = [line.get_marker() for line in figure.axes[3].lines if len(line.get_xdata()) == 1]
    assert sorted(shapes) == ["D", "D", "s"]


def test_a_study_without_defences_has_a_figure_that_says_so(tmp_path):
    nothing = dict.fromkeys(COLUMNS, np.nan)
    words = {"setting": "", "twin": "", "changes": "", "measure": "", "warnings": NOTHING}
    table = pd.DataFrame([{**nothing, **words, "trait": "all"}])
    figure, numbers, caption = draw(table, 0.95, LOOPS)
    assert "This study has no two chains to compare" in figure.texts[0].get_text() and numbers.empty
    assert caption == figure.texts[0].get_text()
    write_parquet(table, tmp_path / "table.parquet")
    arguments = ["--loops", LOOPS.to_json(), "--confidence", 0.95]
    arguments += ["--output-prefix", tmp_path / "defences"]
    assert run_script("plot_defences", "--table", tmp_path / "table.parquet", *arguments) == 0
    assert all(path.stat().st_size for path in tmp_path.glob("defences.*"))


def test_estimates_that_are_not_known_leave_their_rows_empty(table):
    unknown = table.assign(estimate=np.nan, ci_low=np.nan, ci_high=np.nan)
    figure, _, _ = draw(unknown, 0.95, LOOPS)
    assert [axis.get_xlim() for axis in figure.axes] == [(-10, 10)] * 4
