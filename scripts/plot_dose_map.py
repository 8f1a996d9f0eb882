"""Figure of one setting: how far the trait rose, over the doses."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_dose_map(setting: str, chains: Path, loops: Loops, output_prefix: Path) -> None:
    """Draw how far the trait of a setting rose, over the doses.

    setting: name of the setting.
    chains: table of the chains (Parquet).
    loops: the study's settings.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.dose_map import draw
    from idempotence.figures.labels import loop_of
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table

    drawn = draw(read_table(chains), loop_of(loops, setting))
    save_figure(*drawn, stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_dose_map)
