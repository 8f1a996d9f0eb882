"""Figure of each cycle's score on the one before."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def plot_return_map(
    trajectories: Path,
    bins: Path,
    points: Path,
    loops: Loops,
    peak_coherence: float,
    confidence: float,
    output_prefix: Path,
) -> None:
    """Draw each setting's map from one cycle's score to the next, with its fixed points.

    trajectories: the study's trajectories.parquet.
    bins: table of mean drifts in bins of the score (Parquet).
    points: table of fixed points (Parquet).
    loops: the study's settings.
    peak_coherence: least coherence (points) at both ends of a coherent step.
    confidence: of the intervals in those tables, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.return_map import draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table
    from idempotence.stats.return_map import map_steps

    steps = map_steps(read_table(trajectories), peak_coherence)
    tables = read_table(bins), read_table(points)
    save_figure(*draw(steps, *tables, confidence, peak_coherence, loops), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_return_map)
