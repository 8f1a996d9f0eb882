"""Text metrics by hand, and what holds for any replies."""

import math
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.stats import text_metrics as metrics
from idempotence.stats.text_metrics import COUNTS, MEANS, POOLED, compression, text_metrics
from idempotence.stats.tokens import folded, is_word, n_sentences, tokens

FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}\u200d\N{BOY}"
GRIN, FLAG, KEYCAP = "\N{GRINNING FACE}", "\U0001f1e9\U0001f1ea", "#\ufe0f\u20e3"
TONED, HEART = "\N{THUMBS UP SIGN}\U0001f3fd", "\u2764\ufe0f"
SHARES = ["distinct_2", *[name for name in POOLED if name != "pooled_compression"]]
# few words and many marks, so that replies are often alike
texts = st.text(st.sampled_from("aAbß.!。 \n-我カ" + GRIN), max_size=12) | st.text(max_size=8)
replies = st.lists(texts, min_size=1, max_size=8)


def of(*responses: str) -> pd.Series:
    """The metrics of the replies of one cell."""
    scores = pd.DataFrame({"cell": "c", "response": responses, "status": "ok"})
    return text_metrics(scores, ["cell"]).loc["c"]


@pytest.mark.parametrize(
    "text, expected, n_words",
    [
        (GRIN * 3, [GRIN] * 3, 3),
        (f"{FAMILY}{FAMILY}x", [FAMILY, FAMILY, "x"], 3),
        (FLAG * 2 + TONED + HEART, [FLAG, FLAG, TONED, HEART], 4),
        (KEYCAP, [KEYCAP], 1),
        ("我爱你。", ["我", "爱", "你", "。"], 3),
        ("カタカナとひ", ["カタカナ", "と", "ひ"], 3),
        ("한국어 말", ["한국어", "말"], 2),
        ("Don't  don’t", ["don't", "don’t"], 2),
        ("3.14 1,000", ["3.14", "1,000"], 2),
        ("#lucky", ["#", "lucky"], 1),
        ("!!!!", ["!"] * 4, 0),
        ("well-known - …", ["well", "-", "known", "-", "…"], 2),
        ("5 + 2 € **a**", ["5", "+", "2", "€", "*", "*", "a", "*", "*"], 5),
        ("cafe\u0301\r\n\u3000x", ["cafe\u0301", "x"], 2),
        (" \t\n", [], 0),
    ],
)
def test_tokens_and_words(text, expected, n_words):
    found = tokens(folded(text))
    assert found == expected
    assert sum(map(is_word, found)) == n_words


@pytest.mark.parametrize(
    "text, n",
    [
        ("One. Two! Three?", 3),
        ("no full stop", 1),
        ("It is 3.14 now.", 1),
        ("我来了。你呢？好！", 3),
        ("他说：「走。」我走了。", 2),
        ("Wait... what? And… then", 4),
        ('He said "go." Then (he left.) So', 3),
        ("**Yes.** It is?! ... !", 2),
        ("यह घर है। वह भी।", 2),
        (" . . ", 0),
        ("", 0),
    ],
)
def test_sentences(text, n):
    assert n_sentences(folded(text)) == n


def test_metrics_of_one_cell_by_hand():
    row = of("X y z. X y q.", "x  Y\nz", "x y z", "", "!!!", "p")
    assert [row[name] for name in COUNTS] == [1, 4, 4]
    assert row["words"] == (6 + 3 + 3 + 0 + 0 + 1) / 6
    assert row["words_per_sentence"] == (3 + 3 + 3 + 1) / 4
    # of x y z . x y q . : xy yz z. .x xy yq q. ; of ! ! ! : one pair twice
    assert row["distinct_2"] == pytest.approx((6 / 7 + 1 + 1 + 1 / 2) / 4)
    assert row["pooled_distinct_2"] == pytest.approx(7 / (7 + 2 + 2 + 2))
    assert row["exact_duplicates"] == row["near_duplicates"] == 2 / 4
    assert row["opening_share"] == 3 / 4
    lines = "\n".join(sorted(["X y z. X y q.", "x  Y\nz", "x y z", "!!!", "p"])).encode()
    assert row["pooled_compression"] == len(lines) / len(zlib.compress(lines, 9))


def test_near_duplicates_begin_at_four_fifths_of_the_shingles():
    base = list("abcdefghijk")  # 9 shingles
    # one word more: 9 of 10 shingles; another end: 8 of 10; the last two: 7 of 11
    assert metrics.near_duplicates([base, [*base, "l"]]) == 1
    assert metrics.near_duplicates([base, [*base[:-1], "x"]]) == 1
    assert metrics.near_duplicates([base, [*base[:-2], "x", "y"]]) == 0
    assert metrics.near_duplicates([base, base, ["else"], ["a", "b"]]) == 1 / 2
    assert metrics.near_duplicates([["a"], ["a"], ["a", "b"]]) == 2 / 3
    assert math.isnan(metrics.near_duplicates([base]))


def test_a_run_of_emoji_shows_as_collapse():
    rich = of(*(f"a reply about number {i} that says what no other says" for i in range(5)))
    collapsed = of(*["we are lucky " + GRIN * 500] * 5)
    assert collapsed["words"] == 503 and collapsed["distinct_2"] < 0.01
    assert collapsed["compression"] > 20 and collapsed["pooled_compression"] > 100
    assert collapsed["exact_duplicates"] == collapsed["opening_share"] == 1
    assert rich["distinct_2"] == 1 and rich["exact_duplicates"] == 0 and rich["compression"] < 2


def test_a_single_reply_cannot_be_a_duplicate():
    row = of("one two three four", "")
    assert row[["exact_duplicates", "near_duplicates", "opening_share"]].isna().all()
    assert row["words"] == 2 and row["pooled_distinct_2"] == 1


def test_replies_without_anything_to_count_are_counted():
    row = of("", " \n")
    assert [row[name] for name in COUNTS] == [2, 0, 0] and row["words"] == 0
    assert row[[name for name in [*MEANS, *POOLED] if name != "words"]].isna().all()


def test_an_ended_chain_has_no_replies():
    scores = pd.DataFrame(
        {"cell": list("aabb"), "response": ["x y", "x y", "", ""], "status": "ok"}
    )
    scores.loc[scores["cell"] == "b", "status"] = ["nan", "ended"]
    table = text_metrics(scores, ["cell"])
    assert table.loc["b", [*MEANS, *POOLED]].isna().all()
    assert (table.loc["b", COUNTS] == 0).all() and table.loc["a", "exact_duplicates"] == 1
    ended = text_metrics(scores[scores["cell"] == "b"], ["cell"])
    pd.testing.assert_frame_equal(ended, table.loc[["b"]])


def test_short_texts_do_not_compress():
    assert compression("yes") < 1 < compression("so " * 100) and math.isnan(compression(""))
    assert compression("é") == 2 / len(zlib.compress("é".encode(), 9))


@given(replies)
def test_shares_are_shares_and_counts_add_up(responses):
    row = of(*responses)
    for name in SHARES:
        assert math.isnan(row[name]) or 0 <= row[name] <= 1
    for name in ("distinct_2", "pooled_distinct_2"):
        assert math.isnan(row[name]) == (row["n_distinct_2"] == 0) and row[name] != 0
    assert math.isnan(row["words_per_sentence"]) == (row["n_with_words"] == 0)
    assert math.isnan(row["compression"]) == (row["n_empty"] == len(responses))
    assert row["n_with_words"] + row["n_empty"] <= len(responses)
    assert not row["near_duplicates"] < row["exact_duplicates"]


@given(replies, st.randoms())
def test_the_order_of_replies_does_not_count(responses, random):
    shuffled = random.sample(responses, len(responses))
    pd.testing.assert_series_equal(of(*responses), of(*shuffled), check_exact=True)


@given(st.lists(texts.filter(is_word), min_size=2, max_size=8), st.data())
def test_a_copy_of_a_reply_never_lowers_the_share_of_duplicates(responses, data):
    copy = data.draw(st.sampled_from(responses))
    before, after = of(*responses), of(*responses, f"  {copy}\n")
    for name in ("exact_duplicates", "near_duplicates"):
        assert after[name] >= before[name] and after[name] > 0


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=9), min_size=2, max_size=9))
def test_near_duplicates_are_those_of_every_pair(worded):
    sets = [{tuple(w[i : i + 3]) for i in range(max(len(w) - 2, 1))} for w in worded]
    near = [
        any(len(a & b) >= 0.8 * len(a | b) - 1e-9 for j, b in enumerate(sets) if j != i)
        for i, a in enumerate(sets)
    ]
    assert metrics.near_duplicates(worded) == np.mean(near)


def test_replies_are_compared_across_blocks(monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK", 2)
    words = [f"w{i}" for i in range(12)]
    some = [[f"x{i}"] for i in range(4)]
    assert metrics.near_duplicates([words, *some, [*words, "end"]]) == 2 / 6
    assert metrics.near_duplicates([[*words, str(i)] for i in range(7)]) == 1
