"""Figure of the rises that a model shows which does not change."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_null(
    quantiles: Path,
    rates: Path,
    loops: Loops,
    amplification_points: float,
    output_prefix: Path,
) -> None:
    """Draw the rises that a model shows which does not change, against the rule's threshold.

    quantiles: table of quantiles of those rises (Parquet).
    rates: table of how often each rule fires (Parquet).
    loops: the study's settings.
    amplification_points: the threshold of the published rule, points.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.null import draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table

    drawn = draw(read_table(quantiles), read_table(rates), amplification_points, loops)
    save_figure(*drawn, stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_null)
