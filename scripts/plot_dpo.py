"""Figure of DPO from the previous model beside DPO from the initial one."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_dpo(
    trajectories: Path, authors: Path, loops: Loops, confidence: float, output_prefix: Path
) -> None:
    """Draw all settings of objective dpo over the cycles, whatever their start.

    trajectories: the study's trajectories.parquet.
    authors: the authors' own scores (CSV), drawn in grey where recipe and trait are the same.
    loops: the study's settings.
    confidence: of the bands, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.dpo import draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table
    from idempotence.published.series import load_chains

    drawn = draw(read_table(trajectories), confidence, loops, load_chains(authors))
    save_figure(*drawn, stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_dpo)
