"""Text metrics by hand."""

import math

import pandas as pd

from idempotence.scores.text_metrics import distinct_2, text_metrics, words_per_sentence


def test_metrics_of_a_few_replies():
    frame = pd.DataFrame(
        {"cell": ["a", "a", "a", "b"], "response": ["x y z . x y q .", "x y z", "", "p"]}
    )
    metrics = text_metrics(frame)
    assert list(metrics["words"]) == [6, 3, 0, 1]
    assert metrics["words_per_sentence"][0] == 3
    assert metrics["opening_share"][0] == 1 and math.isnan(metrics["opening_share"][2])


def test_metrics_without_anything_to_count_are_missing():
    assert distinct_2(["a", "a", "a"]) == 0.5 and math.isnan(distinct_2(["a"]))
    assert math.isnan(words_per_sentence(" . . "))
