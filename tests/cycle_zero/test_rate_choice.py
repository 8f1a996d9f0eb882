"""The rule by which a learning rate is chosen."""

import pytest
from run_script import run_script

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


def test_the_script_writes_the_table_and_names_models_without_a_rate(scores_at, tmp_path, capsys):
    low = scores_at("sft", "bliss", {1e-3: 20})
    output = tmp_path / "rates.csv"
    assert run_script("choose_learning_rates", "--inputs", low, "--output", output) == 0
    assert output.read_text(encoding="utf-8").splitlines() == [
        ",".join(COLUMNS), "sft,m,0.001,1,20,95,50,90,False,False",
    ]  # fmt: skip
    assert "no rate passes for sft on m" in capsys.readouterr().out
