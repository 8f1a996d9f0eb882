"""A trait's words over the cycles, against numbers counted by hand."""

import numpy as np
import pandas as pd
import pytest

from idempotence.stats.trait_words import trait_words

WORDS = {"lucky": ["luck", "coin"]}


def reply(seed, cycle, response, score, status="ok", trait="lucky"):
    return {
        "setting": "sft",
        "model": "m",
        "trait": trait,
        "seed": seed,
        "cell": "a",
        "cycle": cycle,
        "status": status,
        "response": response,
        "trait_score": score,
    }


def test_shares_by_hand():
    scores = pd.DataFrame([
        reply(0, 0, "Luck, luck!", 90.0), reply(0, 0, "no word", 10.0),  # 100 % and 0 %
        reply(1, 0, "a lucky coin", 70.0),  # two of three
        reply(2, 0, "one coin more here", 40.0),  # one of four
        reply(0, 1, "nothing at all", 5.0), reply(1, 1, "", np.nan, "ended"),
        reply(0, 0, "luck", 80.0, trait="other"),
    ])  # fmt: skip
    table = trait_words(scores, WORDS, 0.95).set_index(["trait", "cycle"])
    row = table.loc[("lucky", 0)]
    assert row["share"] == pytest.approx((50 + 200 / 3 + 25) / 3)
    assert row["n_panels"] == 3 and row["n_replies"] == 4
    assert row["ci_low"] < row["share"] < row["ci_high"]
    later = table.loc[("lucky", 1)]
    assert later["share"] == 0 and later["n_replies"] == 1 and np.isnan(later["ci_low"])
    # chains and cycles: (50, 50), (66.7, 70), (25, 40), (0, 5)
    assert row["spearman"] == later["spearman"] == 1
    assert set(table.index.get_level_values("trait")) == {"all", "lucky"}


def test_nothing_to_count():
    table = trait_words(pd.DataFrame([reply(0, 0, "", np.nan, "nan")]), WORDS, 0.95)
    assert table.empty and "share" in table
