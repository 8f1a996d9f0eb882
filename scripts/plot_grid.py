"""Figure of a setting's whole grid: a row for each trait, a column for each number of samples."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_grid(
    setting: str, trajectories: Path, initial: Path, loops: Loops, output_prefix: Path
) -> None:
    """Draw all doses of a setting: a row for each trait, a column for each number of samples.

    setting: name of the setting.
    trajectories: the study's trajectories.parquet.
    initial: scores of the initial models, drawn dashed.
    loops: the study's settings.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.grid import draw
    from idempotence.figures.labels import loop_of
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table
    from idempotence.scores.files import read_scores
    from idempotence.stats.trajectories import MEASURES

    before = read_scores(initial, ["model", "trait", *MEASURES])
    drawn = draw(read_table(trajectories), before, loop_of(loops, setting))
    save_figure(*drawn, stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_grid)
