"""Figure of what changes of a loop do to its peak and its coherence."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_defences(table: Path, loops: Loops, confidence: float, output_prefix: Path) -> None:
    """Draw what changes of a loop do to its peak and its coherence.

    table: table of defences (Parquet).
    loops: the study's settings.
    confidence: of the intervals in that table, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.defences import draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table

    save_figure(*draw(read_table(table), confidence, loops), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_defences)
