"""Figures of return maps and outcome maps: marks, squares, signs and frames."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from read_figures import boxes_of_text, check_texts

from idempotence.doses import DOSES
from idempotence.figures import outcome_map, return_map
from idempotence.figures.squares import signed
from idempotence.jobs.parts import Loop, Loops
from idempotence.stats.outcome_map import OUTCOMES

LOOPS = Loops((Loop("sft", "sft", "initial", "", 6), Loop("dpo", "dpo", "previous", "", 6)), ())
ORANGE = return_map.POINT


def bin_row(score, drift, n_steps=9, setting="sft"):
    return {
        "setting": setting, "trait": "all", "steps": "all", "low": 0, "high": 10, "score": score,
        "drift": drift, "ci_low": drift - 1, "ci_high": drift + 1, "n_steps": n_steps,
        "n_panels": 3,
    }  # fmt: skip


def point_row(point, stability, supported, method="piecewise", trait="all"):
    return {
        "setting": "sft", "trait": trait, "steps": "all", "method": method, "number": 1,
        "point": point, "stability": stability, "supported": supported,
    }  # fmt: skip


def test_a_return_map_marks_steps_means_and_fixed_points():
    steps = pd.DataFrame(
        {
            "setting": "sft",
            "x": [10.0, 50, 70],
            "y": [12.0, 40, 90],
            "coherent": [True, False, True],
        }
    )
    bins = pd.DataFrame([bin_row(5, 8), bin_row(55, -3), bin_row(95, 2, n_steps=2)])
    points = pd.DataFrame(
        [
            point_row(41, "stable", True),
            point_row(77, "unstable", False),
            point_row(30, "stable", True, method="line"),
            point_row(35, "stable", True, trait="bliss"),
        ]
    ).astype({"supported": "boolean"})
    figure, numbers, caption = return_map.draw(steps, bins, points, 0.95, 70, LOOPS)
    check_texts(figure)
    axis = figure.axes[0]
    assert axis.get_title(loc="left") == "sft\nn = 20 steps" and len(numbers) == 3
    marks = {line.get_marker(): line for line in axis.lines if line.get_marker() in "oxs"}
    assert list(marks["o"].get_ydata()) == [12, 90] and list(marks["x"].get_xdata()) == [50]
    assert list(marks["s"].get_ydata()) == [13, 52, 97]
    through = [
        line for line in axis.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"
    ]
    assert not through  # between 5 and 55 the line skips bins
    skipping = [line for line in axis.lines if list(line.get_xdata()) == [5, 55]]
    assert [line.get_linestyle() for line in skipping] == ["--"]  # and none to the bin of two steps
    found = [line for line in axis.lines if line.get_marker() == "D"]
    assert [line.get_xdata()[0] for line in found] == [41, 77]
    assert [line.get_markerfacecolor() for line in found] == [ORANGE, "white"]
    assert found[0].get_markersize() > found[1].get_markersize()
    assert (
        "panels (n = 3, each" in caption
        and "95 % t interval" in caption
        and "at least 70" in caption
    )


NO_POINT = pd.DataFrame([point_row(41, "stable", True)]).iloc[:0]


def steps_of(*pairs):
    x, y = zip(*pairs, strict=True)
    return pd.DataFrame({"setting": "sft", "x": x, "y": y, "coherent": True})


def test_a_bar_that_is_cut_ends_in_an_arrowhead_and_neighbours_are_joined():
    wide = {**bin_row(15, 2), "low": 10, "high": 20, "ci_low": -30.0, "ci_high": 90.0}
    steps = steps_of((4.0, 80.0), (16.0, 17.0))
    bins = pd.DataFrame([bin_row(5, 8), wide])
    figure = return_map.draw(steps, bins, NO_POINT, 0.95, 70, LOOPS)[0]
    check_texts(figure)
    axis = figure.axes[0]
    heads = {line.get_marker(): line for line in axis.lines if line.get_marker() in ("v", "^")}
    assert {mark: line.get_ydata()[0] for mark, line in heads.items()} == {"v": -3, "^": 103}
    joined = [line for line in axis.lines if list(line.get_xdata()) == [5, 15]]
    assert [line.get_linestyle() for line in joined] == ["-", "None"]  # the line, the squares


def test_axes_end_at_the_data_where_all_scores_are_small():
    steps, bins = steps_of((5.0, 31.0)), pd.DataFrame([bin_row(5, 20)])
    axis = return_map.draw(steps, bins, NO_POINT, 0.95, 70, LOOPS)[0].axes[0]
    assert axis.get_xlim() == axis.get_ylim() == pytest.approx((-1.2, 41.2))
    assert list(axis.lines[0].get_xdata()) == [0, 40]
    axis = return_map.draw(steps_of((5.0, 51.0)), bins, NO_POINT, 0.95, 70, LOOPS)[0].axes[0]
    assert axis.get_xlim() == axis.get_ylim() == pytest.approx((-3, 103))


def test_the_legend_has_each_fixed_point_at_its_true_size():
    kinds = [(kind, confirmed) for kind in ("stable", "unstable") for confirmed in (True, False)]
    points = [point_row(20 + 9 * i, *kind) for i, kind in enumerate(kinds)]
    points = pd.DataFrame(points).astype({"supported": "boolean"})
    bins = pd.DataFrame([bin_row(55, 3)])
    figure = return_map.draw(steps_of((5.0, 80.0)), bins, points, 0.95, 70, LOOPS)[0]
    drawn = [line.get_markersize() for line in figure.axes[0].lines if line.get_marker() == "D"]
    keys = {line.get_label(): line.get_markersize() for line in figure.legends[0].get_lines()}
    names = ["stable, confirmed", "stable point", "unstable, confirmed", "unstable point"]
    assert [keys[name] for name in names] == drawn and drawn[0] > drawn[1]
    check_texts(figure)


def row_of(setting="sft", outcome="decay", **values):
    shares = {f"share_{name}": float(name == outcome) for name in OUTCOMES}
    return {
        "setting": setting, "cell": "c", "trait": "all", "objective": "sft", "start": "initial",
        "changes": "", "learning_rate": 0.001, "temperature": 0.8, **dict.fromkeys(DOSES, np.nan),
        "n_sampled": 30.0, "level": 20.0, "n_seed": 44.0, "n_chains": 3, "n_undecided": 0, **shares,
        "peak_delta": 10.0, "ci_low": 1.0, "ci_high": 19.0, "n_panels": 3, **values,
    }  # fmt: skip


CHANGED = "training.learning_rate 0.002; generation.temperature 1"
GRID = [
    row_of(),
    row_of("b", "collapse", n_sampled=60.0, peak_delta=np.nan),
    row_of("c", "amplification", learning_rate=0.002, temperature=1.0, changes=CHANGED),
    row_of(
        "d", "constancy", learning_rate=0.002, n_sampled=60.0, changes=CHANGED, peak_delta=-20.0
    ),
]


def squares_of(axis):
    """Colour of each square by its lower left corner, and the corners of frames."""
    patches = [patch for patch in axis.patches if isinstance(patch, Rectangle)]
    filled = {
        patch.get_xy(): to_hex(patch.get_facecolor()) for patch in patches if patch.get_fill()
    }
    return filled, [tuple(map(int, patch.get_xy())) for patch in patches if not patch.get_fill()]


def test_a_map_has_rates_down_and_doses_and_temperatures_across():
    figure, numbers, caption = outcome_map.draw(pd.DataFrame(GRID), 70)
    check_texts(figure)
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["0.001", "0.002"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["30\n0.8", "30\n1", "60\n0.8"]
    filled, frames = squares_of(axis)
    assert set(filled) == {(0, 0), (2, 0), (1, 1), (2, 1)}
    assert filled[2, 0] == outcome_map.NOTHING.lower()
    assert frames == [(0, 0), (2, 0)]  # plain loops
    texts = {text.get_position(): text.get_text() for text in axis.texts}
    assert texts == {(0.5, 0.5): "↓\n+10", (2.5, 0.5): "×", (1.5, 1.5): "↑\n+10",
                     (2.5, 1.5): "=\n\N{MINUS SIGN}20"}  # fmt: skip
    assert "seeded to 20" in axis.get_title(loc="left") and len(numbers) == 4
    assert "n = 3" in caption and "t intervals" in caption


def test_signs_of_colours_are_those_of_rises():
    rows = [row_of(n_sampled=float(n), peak_delta=rise) for n, rise in enumerate([-30, 0, 30])]
    filled, _ = squares_of(outcome_map.draw(pd.DataFrame(rows), 70)[0].axes[0])
    red_less_blue = [int(c[1:3], 16) - int(c[5:7], 16) for c in filled.values()]
    assert red_less_blue[0] < -20 and abs(red_less_blue[1]) < 5 and red_less_blue[2] > 20


OTHERS = [
    row_of(),
    row_of("b", start="previous"),
    row_of("c", changes="accumulate True; generation.temperature 1", temperature=1.0),
    row_of("d", objective="dpo", start="previous", beta=0.1, pairs=50.0),
]


def test_other_starts_and_changes_have_maps_of_their_own():
    rows = [
        {**row, name: value}
        for row in OTHERS
        for name in [["n_sampled", "pairs"][row["objective"] == "dpo"]]
        for value in (30.0, 60.0, 90.0)
    ]
    figure, _, _ = outcome_map.draw(pd.DataFrame(rows), 70)
    check_texts(figure)
    titles = [axis.get_title(loc="left").replace("\n", " ") for axis in figure.axes[:4]]
    assert [title.split(",")[0] for title in titles] == ["SFT"] * 3 + ["DPO"]
    assert "accumulate True" in titles[1] and "generation.temperature" not in titles[1]
    assert [bool(squares_of(axis)[1]) for axis in figure.axes[:4]] == [True, False, False, True]


def test_maps_of_one_square_are_joined_to_a_list_that_names_them():
    figure, _, _ = outcome_map.draw(pd.DataFrame(OTHERS), 70)
    check_texts(figure)
    listed, scale = figure.axes
    assert list(squares_of(listed)[0]) == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert squares_of(listed)[1] == [(0, 0), (0, 3)]
    words = [text.get_text().replace("\n", " ") for text in listed.texts[1::2]]
    assert words[1] == (
        "SFT, every cycle from the initial model, accumulate True, learning rate 0.001, "
        "temperature 1, seeded to 20, samples per cycle 30"
    )
    assert "previous" in words[2] and words[3].startswith("DPO") and "β 0.1" in words[3]
    assert scale.get_xlim() == (-15, 15)


def key_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_key_names_the_signs_and_what_else_is_drawn():
    signs = ["decay", "constancy", "amplification", "collapse"]
    figure, _, caption = outcome_map.draw(pd.DataFrame(GRID), 70)
    assert key_of(figure) == [*signs, "the paper's loop", "never coherent later"]
    assert "Framed" in caption and "from -20 to 20 points" in caption
    rows = [row_of(start="previous", n_sampled=float(n), n_panels=n) for n in (2, 3, 3)]
    figure, _, caption = outcome_map.draw(pd.DataFrame(rows), 70)
    assert key_of(figure) == [*signs, "fewer panels"] and "Framed" not in caption
    assert [text.get_text() for text in figure.axes[0].texts[::2]] == ["↓\n+10*", "↓\n+10"]
    undecided = pd.DataFrame([row_of(n_undecided=3)])
    assert "unknown" in key_of(outcome_map.draw(undecided, 70)[0])


@pytest.mark.parametrize(
    ("rise", "text"),
    [(-0.2, "−0.2"), (0.97, "+1"), (-0.04, "0"), (0.0, "0"), (12.6, "+13"),
     (-0.96, "−1"), (0.94, "+0.9")],
)  # fmt: skip
def test_small_rises_keep_their_sign(rise, text):
    assert signed(rise) == text


def test_all_maps_lie_the_same_way_round():
    tall = [row_of(level=float(level)) for level in range(9)]
    wide = [row_of("b", start="previous", n_sampled=float(n)) for n in (30, 60, 90)]
    figure = outcome_map.draw(pd.DataFrame(tall + wide), 70)[0]
    check_texts(figure)
    labels = [axis.get_xlabel() + " / " + axis.get_ylabel() for axis in figure.axes[:2]]
    assert labels == ["seeded to / temperature", "learning rate / samples per cycle"]


def test_an_audit_without_rates_and_doses_shows_its_cells():
    unknown = dict.fromkeys([*DOSES, "learning_rate", "temperature"], np.nan)
    rows = [row_of(cell=f"a-long-name-of-a-cell-{i}", **unknown) for i in range(3)]
    figure, _, _ = outcome_map.draw(pd.DataFrame(rows), 70)
    check_texts(figure)
    assert "a-long-name-of-a-cell-2" in [text for text, _ in boxes_of_text(figure)]


@pytest.mark.parametrize(
    ("shares", "sign"),
    [
        ([(3, 0, {"decay": 1 / 3, "collapse": 2 / 3})], "×"),
        ([(4, 0, {"constancy": 0.5, "amplification": 0.5})], "=↑"),
        ([(3, 3, {})], "?"),
        ([(2, 0, {"decay": 1.0}), (5, 2, {"collapse": 1.0})], "×"),
    ],
)
def test_majority_counts_chains(shares, sign):
    rows = [
        {"n_chains": n, "n_undecided": unknown,
         **{f"share_{name}": given.get(name, 0.0) for name in OUTCOMES}}
        for n, unknown, given in shares
    ]  # fmt: skip
    assert outcome_map.majority(pd.DataFrame(rows)) == sign


def test_wide_maps_and_many_settings_keep_their_texts_apart():
    doses = [(b, n) for b in (0.01, 0.03, 0.05, 0.1) for n in (50.0, 100.0, 200.0, 400.0)]
    rows = [
        row_of(f"dpo{rate}", objective="dpo", start=start, beta=b, pairs=n, learning_rate=rate)
        for start in ("initial", "previous")
        for rate in (0.00047, 0.001, 0.0022)
        for b, n in doses
    ]
    figure, _, _ = outcome_map.draw(pd.DataFrame([*rows, *GRID]), 70)
    check_texts(figure)
    bins = [bin_row(50, 2, setting=f"sft-lr1.2e-3-t0.8-number-{i}") for i in range(27)]
    many = Loops(tuple(Loop(row["setting"], "sft", "initial", "x 1", 6) for row in bins), ())
    empty = pd.DataFrame(columns=["setting", "x", "y", "coherent"]).astype({"coherent": bool})
    points = pd.DataFrame([point_row(41, "stable", True)])
    check_texts(return_map.draw(empty, pd.DataFrame(bins), points, 0.95, 70, many)[0])


def test_settings_too_short_for_an_outcome_are_left_out_unless_all_are():
    long = {"n_sampled": 30.0, "setting": "long", "n_chains": 4, "n_undecided": 1}
    short = {"n_sampled": 60.0, "setting": "short", "n_chains": 4, "n_undecided": 4}
    numbers = outcome_map.draw(pd.DataFrame([row_of(**long), row_of(**short)]), 70)[1]
    assert set(numbers["setting"]) == {"long"}
    assert len(outcome_map.draw(pd.DataFrame([row_of(**short)]), 70)[1]) == 1


def test_a_long_map_lies_on_its_side_and_narrow_ones_beside_each_other():
    tall = [row_of(level=float(level), n_sampled=30.0) for level in range(5)]
    twin = [row_of(level=float(level), n_sampled=30.0, start="previous") for level in range(5)]
    axes = outcome_map.draw(pd.DataFrame(tall + twin), 70)[0].axes[:2]
    assert [len(axis.get_xticks()) for axis in axes] == [5, 5]
    assert axes[0].get_position().y0 == pytest.approx(axes[1].get_position().y0, abs=0.02)
