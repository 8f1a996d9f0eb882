"""Figure of one setting: text metrics over the cycles, a line for each cell."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_metrics(setting: str, trajectories: Path, loops: Loops, output_prefix: Path) -> None:
    """Draw a setting's text metrics over the cycles, a line for each cell.

    setting: name of the setting.
    trajectories: the study's trajectories.parquet.
    loops: the study's settings.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.labels import loop_of
    from idempotence.figures.metrics import draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table

    drawn = draw(read_table(trajectories), loop_of(loops, setting))
    save_figure(*drawn, stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_metrics)
