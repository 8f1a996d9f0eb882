"""Texts that are no copies of each other: by normalised words and by 5-grams in common."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

NEAR = 0.5  # share of 5-grams in common from which two texts count as near duplicates
_WORD = re.compile(r"[^\W_]+")


def five_grams(text: str) -> set[str]:
    """The runs of five words, in lower case, without punctuation; a shorter text is one run."""
    words = _WORD.findall(text.lower())
    return {" ".join(words[i : i + 5]) for i in range(max(len(words) - 4, 1))}


class Distinct:
    """Texts to which others are compared.

    contained: whether the share is of the known text's 5-grams (is it inside the other?), instead
    of both texts' (Jaccard).
    """

    def __init__(self, texts: Iterable[str] = (), contained: bool = False):
        self.contained = contained
        self._sizes: list[int] = []
        self._having: dict[str, list[int]] = defaultdict(list)
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Remember a text."""
        grams = five_grams(text)
        for gram in grams:
            self._having[gram].append(len(self._sizes))
        self._sizes.append(len(grams))

    def like(self, text: str) -> list[int]:
        """Which of the texts, in the order of `add`, share `NEAR` or more with a text."""
        grams = five_grams(text)
        shared = Counter(i for gram in grams for i in self._having.get(gram, ()))
        return sorted(i for i, n in shared.items() if n >= NEAR * self._all(i, len(grams), n))

    def _all(self, known: int, others: int, shared: int) -> int:
        """The 5-grams of which the shared ones are a share."""
        return self._sizes[known] + (0 if self.contained else others - shared)


def near_duplicates(texts: list[str]) -> list[tuple[str, str]]:
    """Pairs of texts that are near duplicates or equal when normalised."""
    seen, pairs = Distinct(), []
    for text in texts:
        pairs += [(texts[i], text) for i in seen.like(text)]
        seen.add(text)
    return pairs
