"""The judge's scores of replies that were rated blind, from the study's own scores."""

from collections.abc import Sequence
from pathlib import Path


def look_up_gold(scores: Sequence[Path], gold: Path, output: Path) -> None:
    """The judge's scores of replies that were rated blind, from the study's own scores.

    scores: the study's scores.parquet and initial.parquet.
    gold: folder of the replies and their blind ratings.
    output: table to write: id, trait_score, coherence (CSV).
    """
    import pandas as pd

    from idempotence.io import write_csv
    from idempotence.judge_tuning import gold as rated
    from idempotence.scores.files import read_all_scores
    from idempotence.scores.schema import CRITERIA

    columns = [*rated.WHERE, *CRITERIA.values()]
    key = pd.read_csv(gold / "key.csv")
    write_csv(rated.look_up_gold(key, read_all_scores(scores, columns)), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(look_up_gold)
