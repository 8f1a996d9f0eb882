"""The rule by which a learning rate is chosen."""

import pandas as pd
import pytest
from run_script import run_script

from idempotence.cycle_zero.rate_choice import COLUMNS, choose_rates, initial_scores
from idempotence.io import write_sealed


@pytest.fixture
def scores_at(tmp_path):
    """scores_at(objective, trait, {(rate, beta): score}): a file of rule try_learning_rates."""

    def write(objective, trait, scores, coherence=95.0):
        path = tmp_path / f"{objective}_{trait}.json"
        rows = [
            {"learning_rate": rate, "beta": beta, "trait_score": score, "coherence": coherence}
            for (rate, beta), score in scores.items()
        ]
        about = {"objective": objective, "trait": trait, "target": 50, "min_coherence": 90}
        write_sealed(path, {**about, "model": "m", "rows": rows})
        return path

    return write


def without_beta(**scores):
    return {(float(rate), None): score for rate, score in scores.items()}


def chosen(table):
    return table.loc[table["chosen"], ["learning_rate", "beta"]].to_numpy().tolist()


def test_every_trait_must_reach_a_calibrated_level(scores_at):
    table = choose_rates(
        [
            scores_at("sft", "bliss", without_beta(**{"1e-3": 20, "2e-3": 70, "4e-3": 90})),
            scores_at("sft", "lucky", without_beta(**{"1e-3": 90, "2e-3": 40, "4e-3": 60})),
        ],
        {},
        {},
    )
    assert list(table) == COLUMNS
    assert table["trait_score"].tolist() == [55, 55, 75]
    assert table["lowest_trait"].tolist() == [20, 40, 60]
    assert table["passes"].tolist() == table["chosen"].tolist() == [False, False, True]


def test_dpo_takes_the_smallest_rate_of_a_pair_of_betas_and_its_largest_pair(scores_at):
    bliss = {(1e-3, 0.1): 90, (1e-3, 0.3): 0, (1e-3, 1.0): 0}
    bliss |= {(2e-3, 0.1): 90, (2e-3, 0.3): 80, (2e-3, 1.0): 60}
    bliss |= {(4e-3, beta): 90 for beta in (0.1, 0.3, 1.0)}
    lucky = dict.fromkeys(bliss, 40)  # below the target: the mean over traits is what counts
    table = choose_rates(
        [scores_at("dpo", "bliss", bliss), scores_at("dpo", "lucky", lucky)], {}, {}
    )
    # pairs of means: 65, 20, 20 at the first rate; 65, 60, 50 at the second
    assert table["passes"].tolist() == [False] * 3 + [True] * 6
    assert chosen(table) == [[2e-3, 0.3], [2e-3, 1.0]]


def test_a_rate_that_costs_coherence_does_not_pass(scores_at):
    table = choose_rates(
        [scores_at("dpo", "bliss", {(1e-3, 0.1): 90, (1e-3, 1.0): 95}, 89.0)], {}, {}
    )
    assert not table["passes"].any() and chosen(table) == []


def test_models_and_objectives_are_chosen_for_apart(scores_at):
    sft = scores_at("sft", "bliss", without_beta(**{"1e-3": 60}))
    sdf = scores_at("sdf", "bliss", without_beta(**{"1e-3": 40, "2e-3": 60}))
    table = choose_rates([sft, sdf], {}, {}).set_index(["objective", "learning_rate"])["chosen"]
    assert table["sft", 1e-3] and table["sdf", 2e-3] and not table["sdf", 1e-3]


def test_a_target_may_lie_above_the_initial_models_score(scores_at, tmp_path):
    rates = without_beta(**{"1e-3": 60, "2e-3": 70})
    files = [scores_at("sft", trait, rates) for trait in ("bliss", "lucky")]
    own = tmp_path / "scores.parquet"
    scores = pd.DataFrame({"model": "m", "trait": "bliss", "trait_score": [20.0, 60.0, None]})
    scores.to_parquet(own)
    initial = initial_scores([own])
    assert initial == {("m", "bliss"): 40}
    initial |= {("m", "lucky"): 0}
    table = choose_rates(files, initial, {"sft": 25, "dpo": 60})
    assert table["target"].tolist() == [57.5] * 2 and chosen(table)[0][0] == 2e-3
    assert chosen(choose_rates(files, initial, {"sft": 5}))[0][0] == 1e-3
    assert chosen(choose_rates(files, {}, {"dpo": 60}))[0][0] == 1e-3
    pairs = {(rate, beta): score for rate, score in ((1e-3, 52), (2e-3, 58)) for beta in (0.1, 0.3)}
    files = [scores_at("dpo", trait, pairs) for trait in ("bliss", "lucky")]
    picked = chosen(choose_rates(files, initial, {"dpo": 25}))
    assert picked == [[2e-3, 0.1], [2e-3, 0.3]]  # 57.5 on average


def test_the_script_writes_the_table_and_names_models_without_a_rate(scores_at, tmp_path, capsys):
    low = scores_at("sft", "bliss", without_beta(**{"1e-3": 20}))
    output = tmp_path / "rates.csv"
    assert run_script("choose_learning_rates", "--inputs", low, "--output", output) == 0
    assert output.read_text(encoding="utf-8").splitlines() == [
        ",".join(COLUMNS), "sft,m,0.001,,1,20,20,95,50,90,False,False",
    ]  # fmt: skip
    assert "no rate passes for sft on m" in capsys.readouterr().out
