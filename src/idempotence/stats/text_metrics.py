"""Text metrics: what can be counted without a judge, in replies and across those of a cell."""

import zlib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from statistics import fmean

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from idempotence.scores.schema import DEAD
from idempotence.stats.tokens import folded, is_word, n_sentences, tokens

OPENING, SHINGLE = 3, 3  # words
NEAR = 0.8  # share of shingles in common from which two replies count as near duplicates
BLOCK = 200  # replies that are compared with all others at a time
MEANS = ["words", "words_per_sentence", "distinct_2", "compression"]  # over replies
POOLED = [
    "pooled_distinct_2",
    "exact_duplicates",
    "near_duplicates",
    "opening_share",
    "pooled_compression",
]
COUNTS = ["n_empty", "n_with_words", "n_distinct_2"]
NONE = float("nan")
_WHOLE = dict.fromkeys(COUNTS, "int64")


def text_metrics(scores: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The text metrics of each cell at each cycle, indexed by `by`.

    scores: a row for each reply, with the columns `by`, response and status. Replies of a chain
    that had ended are none: its metrics are missing and its counts 0. Returns, of the replies:

    - n_empty: those with white space at most; n_with_words: those with a word (see
      `tokens.is_word`); n_distinct_2: those of two tokens or more;
    - words: mean over all, 0 for a reply without; words_per_sentence: mean over n_with_words;
      distinct_2: mean over n_distinct_2 of distinct bigrams over all bigrams of tokens (Li et al.
      2016); compression: mean over those that are not empty of bytes (UTF-8) over bytes after
      zlib, level 9;
    - pooled_distinct_2: distinct bigrams over all bigrams, both of all replies together; no bigram
      goes over the end of a reply;
    - exact_duplicates, near_duplicates: see `exact_duplicates`, `near_duplicates`; opening_share:
      share of the commonest first three words. All three of those with words; missing under two;
    - pooled_compression: as compression, of all replies that are not empty as one text, sorted,
      a line each.

    Shares are from 0 to 1. All but the counts are missing where there is nothing to count.
    """
    living = scores[~scores["status"].isin(DEAD)]
    rows = [
        {**dict(zip(by, key, strict=True)), **_of_cell(list(texts))}
        for key, texts in living.groupby(by)["response"]
    ]
    table = pd.DataFrame(rows, columns=[*by, *COUNTS, *MEANS, *POOLED]).set_index(by)
    table = table.reindex(scores.groupby(by).size().index)
    return table.astype("float64").fillna(dict.fromkeys(COUNTS, 0)).astype(_WHOLE)


def _of_cell(texts: Sequence[str]) -> dict[str, float]:
    """The columns of `text_metrics` of the replies of one cell at one cycle."""
    normal = [folded(text) for text in texts]
    split = [tokens(text) for text in normal]
    worded = [[token for token in parts if is_word(token)] for parts in split]
    spoken = [words for words in worded if words]
    per_sentence = [
        len(words) / n_sentences(text) for words, text in zip(worded, normal, strict=True) if words
    ]
    filled = sorted(text for text, same in zip(texts, normal, strict=True) if same)
    bigrams = [list(pairwise(parts)) for parts in split if len(parts) > 1]
    return {
        "n_empty": len(texts) - len(filled),
        "n_with_words": len(spoken),
        "n_distinct_2": len(bigrams),
        "words": _mean(map(len, worded)),
        "words_per_sentence": _mean(per_sentence),
        "distinct_2": _mean(map(distinct, bigrams)),
        "compression": _mean(map(compression, filled)),
        "pooled_distinct_2": distinct([pair for pairs in bigrams for pair in pairs]),
        "exact_duplicates": exact_duplicates(
            [text for text, words in zip(normal, worded, strict=True) if words]
        ),
        "near_duplicates": near_duplicates(spoken),
        "opening_share": _commonest([tuple(words[:OPENING]) for words in spoken]),
        "pooled_compression": compression("\n".join(filled)),
    }


def _mean(values: Iterable[float]) -> float:
    """NaN of nothing."""
    listed = list(values)
    return fmean(listed) if listed else NONE


def distinct(parts: Sequence[Hashable]) -> float:
    """Distinct ones over all; NaN of nothing."""
    return len(set(parts)) / len(parts) if parts else NONE


def compression(text: str) -> float:
    """Bytes (UTF-8) over bytes after zlib, level 9; NaN of an empty text.

    Under 1 for a text of a few words (zlib adds 8 bytes or more), large for one that loops. Zlib
    looks back 32 KB: what repeats farther apart is not seen.
    """
    plain = text.encode()
    return len(plain) / len(zlib.compress(plain, 9)) if plain else NONE


def exact_duplicates(texts: Sequence[Hashable]) -> float:
    """Share of the texts that another one equals; NaN under two texts."""
    times = Counter(texts)
    return sum(n for n in times.values() if n > 1) / len(texts) if len(texts) > 1 else NONE


def near_duplicates(replies: Sequence[Sequence[str]]) -> float:
    """Share of the replies for which another has `NEAR` or more of both their shingles in common.

    replies: the words of each; none is without. Shingles are the runs of three words, a reply of
    fewer is one; the share in common is that of the union (Jaccard), the resemblance of Broder
    (1997), "On the resemblance and containment of documents". NaN under two replies.
    """
    if len(replies) < 2:
        return NONE
    times = Counter(map(_shingles, replies))
    alike = _has_like(list(times))
    duplicated = sum(n for n, like in zip(times.values(), alike, strict=True) if like or n > 1)
    return duplicated / len(replies)


def _shingles(words: Sequence[str]) -> frozenset[tuple[str, ...]]:
    last = max(len(words) - SHINGLE, 0)
    return frozenset(tuple(words[i : i + SHINGLE]) for i in range(last + 1))


def _has_like(sets: Sequence[frozenset[tuple[str, ...]]]) -> list[bool]:
    """For each set whether another shares `NEAR` of their union; no two are equal, none empty."""
    number: dict[tuple[str, ...], int] = {}
    columns = [number.setdefault(part, len(number)) for each in sets for part in each]
    sizes = np.array([len(each) for each in sets])
    ends = np.concatenate([[0], np.cumsum(sizes)])
    holds = csr_array((np.ones(len(columns), "int32"), columns, ends), (len(sets), len(number)))
    held = holds.T.tocsr()
    alike = np.zeros(len(sets), bool)
    for start in range(0, len(sets), BLOCK):
        rows = start + np.flatnonzero(~alike[start : start + BLOCK])
        shared = (holds[rows] @ held).tocoo()
        row, other = rows[shared.row], shared.col
        jaccard = shared.data / (sizes[row] + sizes[other] - shared.data)
        near = (jaccard >= NEAR) & (row != other)
        alike[row[near]] = alike[other[near]] = True
    return [bool(like) for like in alike]


def _commonest(openings: Sequence[Hashable]) -> float:
    """Share of the commonest; NaN under two."""
    if len(openings) < 2:
        return NONE
    return Counter(openings).most_common(1)[0][1] / len(openings)
