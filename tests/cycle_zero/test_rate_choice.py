"""The rule by which a learning rate is chosen."""

import pytest

from idempotence.cycle_zero.rate_choice import COLUMNS, choose_rates
from idempotence.io import write_json


@pytest.fixture
def scores_at(tmp_path):
    """scores_at(objective, trait, {rate: score}): a file as rule try_learning_rates writes it."""

    def write(objective, trait, scores, coherence=95.0):
        path = tmp_path / f"{objective}_{trait}.json"
        rows = [
            {"learning_rate": rate, "beta": None, "trait_score": score, "coherence": coherence}
            for rate, score in scores.items()
        ]
        about = {"objective": objective, "trait": trait, "target": 50, "min_coherence": 90}
        write_json(path, {**about, "model": "m", "rows": rows})
        return path

    return write


def test_the_smallest_rate_that_reaches_the_target_is_chosen(scores_at):
    table = choose_rates(
        [
            scores_at("sft", "bliss", {1e-3: 20, 2e-3: 70, 4e-3: 90}),
            scores_at("sft", "lucky", {1e-3: 70, 2e-3: 40, 4e-3: 90}),
            scores_at("dpo", "bliss", {1e-3: 90, 2e-3: 95}, coherence=89.0),
        ]
    )
    assert list(table) == COLUMNS
    sft, dpo = (table[table["objective"] == name] for name in ("sft", "dpo"))
    # means over traits: 45, 55 and 90
    assert sft["trait_score"].tolist() == [45, 55, 90]
    assert sft["passes"].tolist() == [False, True, True]
    assert sft["chosen"].tolist() == [False, True, False]
    assert not dpo["passes"].any() and not dpo["chosen"].any()
