"""Replies rated blind: the draw, the files, the agreement."""

import pandas as pd
import pytest

from idempotence.errors import UserError
from idempotence.judge_tuning.gold import (
    WHERE,
    both_ratings,
    draw_gold,
    gold_agreement,
    in_all_settings,
    look_up_gold,
    read_ratings,
)


@pytest.fixture
def scores():
    rows = [
        {"setting": setting, "model": "m", "trait": trait, "seed": 0, "cell": "c", "cycle": cycle,
         "question": question, "sample": sample, "objective": "sdf" if setting == "sdf" else "sft",
         "status": "ok" if sample else "ended", "prompt": f"p{question}",
         "response": f"{setting} {trait} {cycle} {question} {sample}"}
        for setting in ("sft", "sdf") for trait in ("a", "b") for cycle in range(4)
        for question in range(3) for sample in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_draw_is_even_blind_and_of_living_replies(scores):
    replies, key = draw_gold(scores, 32, 5)
    assert list(replies.columns) == ["id", "trait", "kind", "prompt", "response"]
    assert list(key.columns) == ["id", *WHERE]
    assert key.groupby(["setting", "trait", "cycle"]).size().eq(2).all()
    assert (key["sample"] > 0).all()
    assert list(replies["id"]) == list(key["id"])
    assert not key["cycle"].is_monotonic_increasing
    assert set(replies["kind"]) == {"chat", "document"}
    again, _ = draw_gold(scores, 32, 5)
    assert again.equals(replies)


def test_the_draw_takes_no_text_twice_and_all_there_is_at_most(scores):
    scores["response"] = "the same"
    replies, _ = draw_gold(scores, 1000, 1)
    assert len(replies) == 2 * 3  # traits x prompts


@pytest.mark.parametrize(
    ("row", "said"),
    [("x9,1,2", "x9 is not a reply"), ("g1,101,2", "trait_score 101"), ("g1,1,", "coherence nan")],
)
def test_odd_ratings_are_refused(tmp_path, row, said):
    path = tmp_path / "ratings.csv"
    path.write_text(f"id,trait_score,coherence\n{row}\n")
    with pytest.raises(UserError, match=said):
        read_ratings(path, ["g1"])


def test_a_reply_rated_twice_in_one_file_is_refused(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_text("id,trait_score,coherence\ng1,1,2\ng1,1,2\n")
    with pytest.raises(UserError, match="comes twice"):
        read_ratings(path, ["g1"])


def test_agreement_by_hand():
    gold = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "setting": ["sft", "sft", "sft", "dpo"],
            "trait": "luck",
            "response": ["coin coin", "coin two", "no word here", "none"],
            "trait_score": [90, 50, 10, 0],
            "coherence": [100, 80, 60, 40],
        }
    )
    judged = pd.DataFrame(
        {"id": ["a", "b", "c", "d"], "trait_score": [80.0, 60, 0, None], "coherence": [90.0] * 4}
    )
    again = pd.DataFrame({"id": ["a", "b", "c"], "trait_score": [100, 40, 10],
                          "coherence": [100, 80, 60]})  # fmt: skip
    table = gold_agreement(gold, judged, again, {"luck": ["coin"]})
    table = table.set_index(["setting", "criterion"])
    of_all = table.loc["all", "trait"]
    assert (of_all["n"], of_all["missing"], of_all["n_again"]) == (3, 1, 3)
    assert of_all["spearman"] == pytest.approx(1)
    assert of_all["bias"] == pytest.approx((-10 + 10 - 10) / 3)
    assert of_all["mae"] == pytest.approx(10)
    assert of_all["mae_again"] == pytest.approx(20 / 3)
    assert of_all["spearman_words"] == pytest.approx(
        0.948683, abs=1e-5
    )  # ranks 4 3 2 1, 4 3 1.5 1.5
    coherence = table.loc["all", "coherence"]
    assert pd.isna(coherence["spearman"])  # the judge never varies
    assert coherence["bias"] == pytest.approx(20)
    assert table.loc[("dpo", "trait"), "n"] == 0


def test_scores_are_looked_up_by_where_a_reply_is_from(scores):
    scores["trait_score"] = range(len(scores))
    scores["coherence"] = 50.0
    replies, key = draw_gold(scores, 9, 5)
    judged = look_up_gold(key, scores[scores["setting"] == "sft"])
    assert sorted(judged["id"]) == sorted(replies["id"])
    of = judged.merge(replies, on="id").merge(key, on="id")
    for row in of.itertuples():
        if row.setting == "sft":
            assert scores["response"][int(row.trait_score)] == row.response
        else:
            assert pd.isna(row.trait_score)


def test_a_rated_reply_counts_in_every_setting_that_has_it(scores):
    """Two settings share cycle 0; the first answer of both cycles 1 has the same place alone."""
    twin = scores[scores["setting"] == "sft"].assign(setting="sft-continual")
    twin.loc[twin["cycle"] > 0, "response"] += " other"
    both = pd.concat([scores, twin], ignore_index=True)
    own = scores[(scores["setting"] == "sft") & (scores["sample"] == 1)]
    gold = own[own["cycle"] < 2].assign(id=lambda rows: rows["response"], coherence=50)
    counted = in_all_settings(gold, both)
    n = counted.groupby(["setting", "cycle"]).size().to_dict()
    assert n == {("sft", 0): 6, ("sft", 1): 6, ("sft-continual", 0): 6}
    assert in_all_settings(gold.assign(model="initial"), both).empty


def test_both_ratings_of_a_reply_stand_side_by_side():
    gold = pd.DataFrame(
        {"id": ["a", "b"], "setting": "sft", "cycle": [0, 4], "trait_score": [1, 2],
         "coherence": [3, 4]}
    )  # fmt: skip
    judged = pd.DataFrame({"id": ["b", "a"], "trait_score": [20.0, 10.0], "coherence": [40.0, 30]})
    rows = both_ratings(gold, judged).set_index(["criterion", "cycle"])
    assert rows["rating"].to_dict() == {
        ("trait", 0): 1, ("trait", 4): 2, ("coherence", 0): 3, ("coherence", 4): 4
    }  # fmt: skip
    assert (rows["judge"] == 10 * rows["rating"]).all()
