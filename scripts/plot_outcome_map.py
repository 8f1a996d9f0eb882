"""Figure of what becomes of a trait over hyper-parameters."""

from pathlib import Path


def plot_outcome_map(table: Path, peak_coherence: float, output_prefix: Path) -> None:
    """Draw rises and outcomes over learning rates, temperatures and doses.

    table: table of outcomes by setting and dose (Parquet).
    peak_coherence: least coherence (points) at which a rise counts in that table.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.outcome_map import draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table

    save_figure(*draw(read_table(table), peak_coherence), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_outcome_map)
