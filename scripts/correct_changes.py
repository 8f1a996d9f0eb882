"""How far scores move over the cycles, corrected for the judge's error by blind ratings."""

from pathlib import Path


def correct_changes(
    scores: Path, judged: Path, gold: Path, from_cycle: int, confidence: float, output: Path
) -> None:
    """How far scores move over the cycles, corrected for the judge's error by blind ratings.

    scores: the study's scores.parquet.
    judged: the judge's scores of the replies that were rated blind (CSV).
    gold: folder of those replies and their ratings.
    from_cycle: the first of the late cycles.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    import pandas as pd

    from idempotence.io import write_table
    from idempotence.judge_tuning.gold import SAME, both_ratings, in_all_settings, read_gold
    from idempotence.scores.files import read_scores
    from idempotence.stats.corrected_changes import NEEDED, corrected_changes

    replies = read_scores(scores, [*dict.fromkeys([*NEEDED, *SAME])])
    rated = both_ratings(in_all_settings(read_gold(gold)[0], replies), pd.read_csv(judged))
    table = corrected_changes(replies, rated, from_cycle, confidence)
    write_table(table, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(correct_changes)
