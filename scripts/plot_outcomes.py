"""Figure of three chains, one for each outcome, with replies."""

from pathlib import Path


def plot_outcomes(
    trajectories: Path,
    scores: Path,
    amplification_points: float,
    from_cycle: int,
    confidence: float,
    output_prefix: Path,
) -> None:
    """Draw three chains, one for each outcome, and quote two replies of each.

    trajectories: the study's trajectories.parquet.
    scores: the study's scores.parquet, which replies are quoted from.
    amplification_points: rise over cycle 0 that counts as amplification, points.
    from_cycle: first cycle that is looked at.
    confidence: of the bands, as 0.95.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.outcomes import choose, draw
    from idempotence.figures.style import save_figure
    from idempotence.io import read_table
    from idempotence.scores.files import read_scores
    from idempotence.scores.schema import CHAIN
    from idempotence.stats.amplification import chains

    table = read_table(trajectories)
    verdicts = chains(table, amplification_points, from_cycle)
    columns = [*CHAIN, "cycle", "question", "sample", "response"]
    responses = read_scores(scores, columns, choose(verdicts))
    save_figure(*draw(table, verdicts, responses, confidence), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_outcomes)
