"""The judge against exact truth on the study's own replies."""

from pathlib import Path


def tabulate_judge(scores: Path, output: Path) -> None:
    """Compare the judge with exact truth on the study's own replies.

    scores: the study's scores.parquet.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import write_table
    from idempotence.scores.files import read_scores
    from idempotence.stats.judge_truth import NEEDED, judge_truth

    write_table(judge_truth(read_scores(scores, NEEDED)), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(tabulate_judge)
