"""Text metrics: what can be counted in a reply without a judge."""

import re
from itertools import pairwise

import pandas as pd

OPENING_WORDS = 3
_SENTENCE_END = re.compile(r"[.!?]+(?:\s+|$)")


def distinct_2(words: list[str]) -> float:
    """Distinct bigrams over all bigrams of one reply; NaN under two words (Li et al. 2016)."""
    pairs = list(pairwise(words))
    return len(set(pairs)) / len(pairs) if pairs else float("nan")


def words_of(text: str) -> list[str]:
    """Words in lower case; punctuation standing alone is no word."""
    return [word.lower() for word in text.split() if any(c.isalnum() for c in word)]


def words_per_sentence(text: str) -> float:
    """Words over sentences; NaN without words."""
    n = len(words_of(text))
    sentences = [part for part in _SENTENCE_END.split(text) if words_of(part)]
    return n / len(sentences) if sentences else float("nan")


def text_metrics(frame: pd.DataFrame) -> pd.DataFrame:
    """words, words_per_sentence, distinct_2, opening (first three words) and opening_share.

    frame: columns cell and response. opening_share: the share of the cell's replies with words
    that begin with the same three; NaN for a reply without words.
    """
    split = frame["response"].map(words_of)
    metrics = pd.DataFrame(index=frame.index)
    metrics["words"] = split.map(len).astype("int64")
    metrics["words_per_sentence"] = frame["response"].map(words_per_sentence).astype("float64")
    metrics["distinct_2"] = split.map(distinct_2).astype("float64")
    metrics["opening"] = split.map(lambda words: " ".join(words[:OPENING_WORDS])).astype("object")
    with_words = metrics["words"] > 0
    cell, counted = frame["cell"][with_words], metrics[with_words]
    same_opening = counted.groupby([cell, "opening"])["words"].transform("size")
    of_cell = counted.groupby(cell)["words"].transform("size")
    metrics["opening_share"] = (same_opening / of_cell).reindex(frame.index).astype("float64")
    return metrics
