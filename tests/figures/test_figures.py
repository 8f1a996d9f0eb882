"""Figures: the numbers they show, the same bytes each time, nothing cut off."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from make_loops import make_loop, make_loops
from make_published import CHAINS, SERIES
from make_scores import ENDED, ENDED_CYCLE, make_initial, make_scores
from read_figures import KINDS, boxes_of_text, check_texts
from read_pages import check_caption
from run_script import ROOT, run_script

from idempotence.errors import UserError
from idempotence.figures import judge, trajectories
from idempotence.figures.labels import cell_label
from idempotence.figures.style import PALETTE, line_looks, save_figure
from idempotence.io import write_parquet
from idempotence.stats.trajectories import over_seeds
from idempotence.stats.trajectories import trajectories as tabulate

SFT, DPO = make_loop("sft"), make_loop("dpo")


@pytest.fixture(scope="module")
def scores():
    return make_scores(settings=["sft", "dpo"], samples=2)


@pytest.fixture(scope="module")
def table(scores):
    return tabulate(scores, 0.95)


def many_cells(table, cells=25, traits=7):
    """The whole published grid, made of one chain's course."""
    one = table[(table["setting"] == "sft") & (table["trait"] == "bliss")]
    one = one[one["cell"] == "level20_sampled60"]
    return pd.concat(
        one.assign(trait=f"trait{t}", cell=f"level{c}_sampled60", level=float(c))
        for t in range(traits)
        for c in range(cells)
    )


@pytest.mark.parametrize("case", ["default", "one trait", "grid", "models"])
def test_no_text_is_cut_or_lies_on_another(table, case):
    setting = "dpo" if case == "default" else "sft"
    shown = {
        "default": table,
        "one trait": table[(table["trait"] == "lucky") & (table["seed"] == 0)],
        "grid": many_cells(table),
        "models": pd.concat([table, table.assign(model="another-instruct")]),
    }[case]
    figure, _, _ = trajectories.draw(shown, make_initial(), make_loop(setting), 0.95, CHAINS)
    check_texts(figure)


def test_judge_figure_has_no_cut_or_overlapping_text(scores):
    figure, _, _ = judge.draw(scores)
    check_texts(figure)
    assert sum("Spearman" in text for text, _ in boxes_of_text(figure)) == 2


def test_numbers_are_means_over_seeds_and_ends(table):
    drawn = trajectories.numbers(table, make_initial(), "dpo", 0.95)
    means = drawn[(drawn["kind"] == "mean") & (drawn["measure"] == "trait_score")]
    expected = over_seeds(table[table["setting"] == "dpo"], "trait_score", 0.95)
    np.testing.assert_allclose(means["mean"], expected["mean"])
    np.testing.assert_allclose(means["ci_low"], expected["ci_low"])
    ended = drawn[drawn["kind"] == "ended"]
    assert len(ended) == 2  # a row for each measure
    place = tuple(ended.iloc[0][["trait", "seed", "cell", "cycle"]])
    assert place == (*ENDED[1:], ENDED_CYCLE - 1)
    initial = drawn[(drawn["kind"] == "initial") & (drawn["measure"] == "trait_score")]
    assert set(initial["mean"]) == {1.5} and set(initial["model"]) == {"micro-instruct"}


def test_notes_say_n_and_interval(table):
    _, drawn, caption = trajectories.draw(table, make_initial(), DPO, 0.9, CHAINS)
    assert "means over 2-3 seeds. Thin lines are single seeds." in caption
    assert "cross marks a chain's last cycle" in caption and "dashed" in caption
    check_caption(caption)
    more = pd.concat([table, table.assign(seed=table["seed"] + 3)])
    caption = trajectories.draw(more, make_initial(), DPO, 0.9, CHAINS)[2]
    assert "means over 4-6 seeds. Bands are 90 % t intervals over seeds." in caption
    fewer = more[(more["seed"] == 0) | (more["cycle"] < 3)]
    assert (
        "over 1-6 seeds. Bands are 90 % t intervals over seeds (3 or more)."
        in trajectories.draw(fewer, None, SFT, 0.9, CHAINS)[2]
    )
    two = more[(more["seed"] < 2) | (more["cycle"] < 3)]  # an interval needs three
    assert (
        "over 2-6 seeds. Bands are 90 % t intervals over seeds (3 or more)."
        in trajectories.draw(two, None, SFT, 0.9, CHAINS)[2]
    )
    alone = table[table["seed"] == 0]
    figure, drawn, caption = trajectories.draw(alone, None, SFT, 0.9, CHAINS)
    assert "There is one seed, so there is no interval." in caption and "dashed" not in caption
    texts = [text.get_text() for text in figure.texts]
    assert "There is one seed, so there is no interval." in texts
    assert drawn["ci_low"].isna().all()


def test_three_seeds_are_lines_and_more_are_a_band(table):
    """A line for each seed in place of a band, none of either for one seed or too many cells."""
    figure, drawn, _ = trajectories.draw(table, None, SFT, 0.95, CHAINS)
    seeds = drawn[(drawn["kind"] == "seed") & (drawn["measure"] == "trait_score")]
    mine = table[table["setting"] == "sft"]
    assert sorted(seeds["mean"]) == pytest.approx(sorted(mine["trait_score"]))
    assert not any(axis.collections for axis in figure.axes)
    more = pd.concat([table, table.assign(seed=table["seed"] + 3)])
    figure, drawn, _ = trajectories.draw(more, None, SFT, 0.95, CHAINS)
    assert "seed" not in set(drawn["kind"]) and all(axis.collections for axis in figure.axes)
    alone = table[table["seed"] == 0]
    assert "seed" not in set(trajectories.draw(alone, None, SFT, 0.95, CHAINS)[1]["kind"])
    cells = [table.assign(cell=table["cell"] + name) for name in "abcd"]
    assert "seed" not in set(
        trajectories.draw(pd.concat(cells), None, SFT, 0.95, CHAINS)[1]["kind"]
    )


def dead(scores, wanted):
    """The scores with all wanted rows as training leaves them that broke down at once."""
    scores = scores.copy()
    scores.loc[wanted, ["status", "reason"]] = ["nan", "loss is not a number at step 1"]
    scores.loc[wanted, ["trait_score", "coherence", "truth_trait", "truth_coherence"]] = np.nan
    return scores


def test_chains_without_any_score_are_counted_in_the_note(scores, tmp_path):
    one = (scores["trait"] == "bliss") & (scores["cell"] == "beta0.1_pairs100")
    some = tabulate(dead(scores, one & (scores["seed"] == 2)), 0.95)
    figure, drawn, caption = trajectories.draw(some, None, DPO, 0.95, CHAINS)
    note = " 1 chain ended before any score."
    assert note in caption and any(note in text.get_text() for text in figure.texts)
    assert drawn.loc[drawn["kind"] == "ended", "cycle"].isna().sum() == 2  # of each measure
    save_figure(figure, drawn, caption, tmp_path / "some")
    none = dead(scores, scores["setting"] == "dpo")
    figure, drawn, caption = trajectories.draw(tabulate(none, 0.95), None, DPO, 0.95, CHAINS)
    assert "No chain has a score. 18 chains ended" in caption and "cross" not in caption
    save_figure(figure, drawn, caption, tmp_path / "none")
    save_figure(*judge.draw(none[none["setting"] == "dpo"]), stem=tmp_path / "judge")
    unscored = scores.assign(trait_score=np.nan, coherence=np.nan)
    _, drawn, caption = trajectories.draw(tabulate(unscored, 0.95), None, SFT, 0.95, CHAINS)
    assert set(drawn["kind"]) == {"authors"} and "No chain has a score." in caption


def test_axes_run_from_0_to_100(table):
    figure, _, _ = trajectories.draw(table, None, SFT, 0.95, CHAINS)
    assert len(figure.axes) == 6
    assert {axis.get_ylim() for axis in figure.axes} == {(0, 100)}


def test_same_bytes_each_time(table, scores, tmp_path):
    for name in ("one", "two"):
        drawn = trajectories.draw(table, make_initial(), DPO, 0.95, CHAINS)
        save_figure(*drawn, stem=tmp_path / name / "trajectories")
        save_figure(*judge.draw(scores), stem=tmp_path / name / "judge")
    for kind in KINDS:
        for figure in ("trajectories", "judge"):
            one, two = (tmp_path / n / f"{figure}.{kind}" for n in ("one", "two"))
            assert one.read_bytes() == two.read_bytes(), (figure, kind)
    assert b"CreationDate" not in (tmp_path / "one/judge.pdf").read_bytes()


def test_same_bytes_whatever_the_process(scores, tmp_path):
    write_parquet(tabulate(scores, 0.95), tmp_path / "trajectories.parquet")
    write_parquet(make_initial(), tmp_path / "initial.parquet")
    script = ROOT / "scripts/plot_trajectories.py"
    for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo")):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": seed}
        command = [
            sys.executable, script, "--trajectories", tmp_path / "trajectories.parquet",
            "--initial", tmp_path / "initial.parquet", "--setting", "dpo", "--authors", SERIES,
            "--loops", make_loops().to_json(), "--confidence", "0.95",
            "--output-prefix", tmp_path / seed,
        ]  # fmt: skip
        subprocess.run(command, env={**environment, "TZ": zone}, check=True)
    for kind in KINDS:
        one, two = (tmp_path / f"{seed}.{kind}" for seed in ("1", "2"))
        assert one.read_bytes() == two.read_bytes(), kind


def test_judge_counts_every_reply_once(scores):
    drawn = judge.numbers(scores)
    for criterion, columns in {
        "trait": ["trait_score", "truth_trait"],
        "coherence": ["coherence", "truth_coherence"],
    }.items():
        counted = drawn.loc[drawn["criterion"] == criterion, "n"].sum()
        assert counted == len(scores[columns].dropna())
    assert drawn["judge"].between(0, 100 - judge.BIN).all()


def test_judge_figure_without_truth(scores, tmp_path):
    blind = scores.assign(truth_trait=np.nan, truth_coherence=np.nan)
    figure, drawn, caption = judge.draw(blind)
    save_figure(figure, drawn, caption, tmp_path / "judge")
    assert drawn.empty and not figure.axes
    assert figure.texts[0].get_text() == caption == judge.WITHOUT
    check_caption(caption)


def test_judge_figure_shows_a_criterion_only_with_its_truth(scores):
    figure, drawn, caption = judge.draw(scores.assign(truth_coherence=np.nan))
    check_texts(figure)
    titles = [axis.get_title().split("\n")[0] for axis in figure.axes if axis.get_title()]
    assert titles == ["trait"] and set(drawn["criterion"]) == {"trait"}
    assert "For coherence no truth is known." in caption
    check_caption(caption)


def test_lines_differ():
    for n in (1, len(PALETTE), 25):
        looks = line_looks([f"cell{i}" for i in range(n)])
        assert len({look["color"] for look in looks.values()}) == n


def test_cell_labels():
    none = dict.fromkeys(["level", "n_seed", "n_sampled", "beta", "pairs"], float("nan"))
    sft = {**none, "level": 20, "n_seed": 44, "n_sampled": 60}
    assert cell_label("x", sft) == "seeded to 20, 60 samples per cycle"
    given = {**none, "n_seed": 24, "n_sampled": 60}
    assert cell_label("x", given) == "24 seed rows, 60 samples per cycle"
    dpo = {**none, "n_seed": 100, "beta": 0.03, "pairs": 100}
    assert cell_label("x", dpo) == "β 0.03, 100 pairs per cycle"
    assert cell_label("x", none) == "x"


def test_unknown_setting(table):
    with pytest.raises(UserError, match="no setting 'sdf'"):
        trajectories.draw(table, None, make_loop("sdf"), 0.95, CHAINS)


def test_scripts_write_every_file(scores, tmp_path):
    write_parquet(make_initial(), tmp_path / "initial.parquet")
    write_parquet(scores, tmp_path / "scores.parquet")
    write_parquet(tabulate(scores, 0.95), tmp_path / "trajectories.parquet")
    run_script(
        "plot_trajectories", "--trajectories", tmp_path / "trajectories.parquet",
        "--initial", tmp_path / "initial.parquet", "--setting", "dpo", "--confidence", 0.95,
        "--authors", SERIES,
        "--loops", make_loops().to_json(),
        "--output-prefix", tmp_path / "figures/trajectories_dpo",
    )  # fmt: skip
    run_script(
        "plot_judge", "--scores", tmp_path / "scores.parquet",
        "--output-prefix", tmp_path / "figures/judge",
    )  # fmt: skip
    written = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert written == sorted(f"{n}.{k}" for n in ("trajectories_dpo", "judge") for k in KINDS)
    numbers = pd.read_csv(tmp_path / "figures/trajectories_dpo.csv")
    assert set(numbers["kind"]) == {"mean", "seed", "ended", "initial", "authors"}


def test_statistics_and_figures_do_not_import_torch():
    code = (
        "import sys, idempotence.figures.judge, idempotence.figures.trajectories, "
        "idempotence.report.pages, idempotence.report.replies, idempotence.report.tables, "
        "idempotence.stats.slopes; sys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )
