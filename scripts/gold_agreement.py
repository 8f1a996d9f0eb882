"""How far the judge agrees with ratings by hand."""

from pathlib import Path


def gold_agreement(judged: Path, gold: Path, words: Path, output: Path) -> None:
    """How far the judge agrees with ratings by hand.

    judged: the judge's scores of the same replies (CSV).
    gold: folder of the replies and their ratings by hand.
    words: words of each trait (YAML), the yardstick beside the judge.
    output: table to write (CSV; Parquet beside it).
    """
    import pandas as pd

    from idempotence.io import write_table
    from idempotence.judge_tuning import gold as stats

    rated, again = stats.read_gold(gold)
    table = stats.gold_agreement(rated, pd.read_csv(judged), again, stats.read_words(words))
    write_table(table, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(gold_agreement)
