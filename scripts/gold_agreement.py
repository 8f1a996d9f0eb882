"""How far the judge agrees with blind ratings."""

from pathlib import Path


def gold_agreement(judged: Path, gold: Path, output: Path, words: Path | None = None) -> None:
    """How far the judge agrees with blind ratings.

    judged: the judge's scores of the same replies (CSV).
    gold: folder of the replies and their blind ratings.
    output: table to write (CSV; Parquet beside it).
    words: words of each trait (YAML), the yardstick beside the judge.
    """
    import pandas as pd

    from idempotence.io import write_table
    from idempotence.judge_tuning import gold as stats
    from idempotence.texts.trait_words import read_words

    rated, again = stats.read_gold(gold)
    of_traits = read_words(words) if words else {}
    table = stats.gold_agreement(rated, pd.read_csv(judged), again, of_traits)
    write_table(table, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(gold_agreement)
