"""Reasons why rows are bad, put together by kind and counted."""

import re
from collections import Counter
from collections.abc import Iterable

_OWN = re.compile(r"'[^']*'|\"[^\"]*\"|\d[\d.,]*|0x\w\w")  # what differs within a kind
SHOWN = 3  # kinds in a text


def kind_of_reason(why: str) -> str:
    """A reason without the names and numbers of its row."""
    return _OWN.sub("…", why)


def counted(whys: Iterable[str]) -> str:
    """The commonest kinds of reasons with their counts: "no prompt (12 rows); ..."."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for why in whys:
        kind = kind_of_reason(why)
        counts[kind] += 1
        first.setdefault(kind, why)
    texts = [f"{first[kind]} ({rows(n)})" for kind, n in counts.most_common(SHOWN)]
    more = sum(counts.values()) - sum(n for _, n in counts.most_common(SHOWN))
    return "; ".join(texts + [f"other reasons ({rows(more)})"] * bool(more))


def rows(n: int) -> str:
    """ "1 row", "12 rows"."""
    return f"{n:,} row" + "s" * (n != 1)
