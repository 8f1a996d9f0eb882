"""Figure of the judge against exact truth on the study's own responses."""

from pathlib import Path


def plot_judge(scores: Path, output_prefix: Path) -> None:
    """Draw the judge's scores against exact truth on the study's own responses.

    scores: the study's scores.parquet.
    output_prefix: path of the figure's files without .pdf, .svg, .png, .csv and .txt.
    """
    from idempotence.figures.judge import draw
    from idempotence.figures.style import save_figure
    from idempotence.scores.files import read_scores
    from idempotence.stats.judge_truth import NEEDED

    save_figure(*draw(read_scores(scores, NEEDED)), stem=output_prefix)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(plot_judge)
