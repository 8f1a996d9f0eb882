"""Figure of continual chains beside their re-initialised twins."""

from pathlib import Path


def plot_continual_vs_reinit(
    pairs: Path, means: Path, confidence: float, output_prefix: Path
) -> None:
    """Draw the slopes of continual chains beside those of their re-initialised twins.

    pairs: table of the pairs of chains (Parquet).
    means: table of their mean differences (Parquet).
    confidence: of the intervals in that table, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.continual_vs_reinit import draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table

    save_figure(*draw(read_table(pairs), read_table(means), confidence), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_continual_vs_reinit)
