"""The instrument's tables: whether bars are reached, and a judge that gives no scores."""

import pytest

from idempotence.stats.world_tables import judge_table

BARS = {"trait spearman at least": 0.95, "trait error at most": 4.0,
        "coherence spearman at least": 0.9, "coherence error at most": 8.0}  # fmt: skip


def row(texts: str, spearman: float | None, error: float) -> dict:
    return {"texts": texts, "n": 9, "trait_spearman": spearman, "trait_error": error,
            "coherence_spearman": spearman, "coherence_error": error}  # fmt: skip


@pytest.mark.parametrize(
    ("spearman", "error", "reached"),
    [(0.97, 3.0, True), (0.97, 5.0, False), (0.92, 3.0, False), (None, 0.0, False)],
)
def test_bars_hold_for_all_texts_together(spearman, error, reached):
    table = judge_table({"bars": BARS, "judge": [row("all", spearman, error), row("loop", 0.1, 9)]})
    assert table["reached"].tolist()[0] is reached and table["reached"].isna().tolist()[1]
