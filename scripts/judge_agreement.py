"""How far two judges agree on the same replies, and on which chains amplify."""

from pathlib import Path


def judge_agreement(
    scores: Path,
    second: Path,
    amplification_points: float,
    from_cycle: int,
    confidence: float,
    output_agreement: Path,
    output_verdicts: Path,
) -> None:
    """Compare two judges on the same replies.

    scores: the study's scores.parquet.
    second: the same replies' scores by the second judge (Parquet).
    amplification_points: rise (points) that counts as amplification, > 0.
    from_cycle: first cycle that the rule looks at.
    confidence: of intervals, as 0.95.
    output_agreement: table to write, agreement of scores (CSV; Parquet beside it).
    output_verdicts: table to write, agreement on chains (CSV; Parquet beside it).
    """
    from idempotence.io import write_table
    from idempotence.scores.files import read_scores
    from idempotence.stats import judge_agreement as stats

    one, other = (read_scores(path, stats.NEEDED) for path in (scores, second))
    write_table(stats.judge_agreement(stats.paired(one, other), confidence), output_agreement)
    rule = (amplification_points, from_cycle)
    write_table(stats.verdict_confusion(one, other, *rule, confidence), output_verdicts)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge_agreement)
