"""Figure of the change of coherence that goes with a change of the trait."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_tradeoff(
    changes: Path, slopes: Path, loops: Loops, confidence: float, output_prefix: Path
) -> None:
    """Draw the change of coherence on the change of the trait score, a mark for each chain.

    changes: table of each chain's changes (Parquet).
    slopes: table of slopes of coherence and other costs on the trait (Parquet).
    loops: the study's settings.
    confidence: of the slopes' intervals, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.style import save_figure
    from idempotence.figures.tradeoff import draw
    from idempotence.io import read_table

    drawn = draw(read_table(changes), read_table(slopes), confidence, loops)
    save_figure(*drawn, stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_tradeoff)
