"""The share of trait words in each setting's replies, cycle by cycle."""

from pathlib import Path


def count_trait_words(scores: Path, words: Path, confidence: float, output: Path) -> None:
    """Count trait words in each setting's replies, cycle by cycle.

    scores: the study's scores.parquet.
    words: words of each trait (YAML).
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import write_table
    from idempotence.scores.files import read_scores
    from idempotence.stats.trait_words import NEEDED, trait_words
    from idempotence.texts.trait_words import read_words

    table = trait_words(read_scores(scores, NEEDED), read_words(words), confidence)
    write_table(table, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(count_trait_words)
