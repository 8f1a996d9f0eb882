"""Text metrics, the search for doses, the choice of rows, seeds and files."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.cycle_zero.calibrate import crossing, pick_dose
from idempotence.cycle_zero.learning_rates import choose_learning_rates
from idempotence.errors import UserError
from idempotence.finetune.adapters import warmup_steps
from idempotence.finetune.panel import choose_generated, choose_seed_rows, n_seed_of
from idempotence.io import read_jsonl, write_json, write_jsonl
from idempotence.rng import derive_seed
from idempotence.scores.text_metrics import distinct_2, text_metrics, words_per_sentence

CELL = {"name": "c", "level": None, "n_seed": None, "n_sampled": 2, "pairs": None}


def generated(*statuses: str) -> list[dict]:
    return [{"cell": "c", "status": s, "reason": f"why {s}", "response": "x"} for s in statuses]


@given(st.integers(1, 40), st.floats(0.1, 99.9), st.floats(0.5, 8))
def test_the_search_finds_the_crossing_of_a_rising_score(n, level, slope):
    grid = list(range(4, 4 * n + 1, 4))
    reached = [dose for dose in grid if min(dose * slope, 100) >= level]
    at = crossing(lambda dose: min(dose * slope, 100), level, grid)
    assert grid[at:] == reached


def test_the_nearest_dose_is_taken_and_an_unreached_level_is_told():
    scores = {4: 1.0, 8: 10.0, 12: 40.0}
    assert pick_dose(scores.__getitem__, 20, [4, 8, 12])["n_seed"] == 8
    assert pick_dose(scores.__getitem__, 39, [4, 8, 12])["n_seed"] == 12
    assert pick_dose(scores.__getitem__, 60, [4, 8, 12]) == {
        "n_seed": 12, "score": 40.0, "reached": False,
    }  # fmt: skip


def test_seed_rows_are_never_silently_too_few():
    assert len(choose_seed_rows(2, [{}, {}, {}]).rows) == 2
    with pytest.raises(UserError, match="needs 5 seed rows and there are 3"):
        choose_seed_rows(5, [{}, {}, {}])
    levels = {"levels": {"20": {"n_seed": 28}}}
    assert n_seed_of({**CELL, "level": 20.0}, {"n_seed": None}, levels) == 28
    assert n_seed_of(CELL, {"n_seed": 100}, {}) == 100


def test_generated_rows_drop_the_unusable_and_end_a_chain_visibly():
    assert choose_generated(CELL, generated("ok", "empty")).dropped == 1
    assert choose_generated(CELL, generated("nan", "nan")).reason == "why nan"
    assert "none of 2 samples" in choose_generated(CELL, generated("empty", "short")).reason
    with pytest.raises(UserError, match="needs 2 generated rows"):
        choose_generated(CELL, generated("ok"))


def test_warm_up_is_a_share_of_all_steps_rounded_up():
    assert warmup_steps(60, 4, 1, 0.05) == 1
    assert warmup_steps(100, 4, 2, 0.1) == 5
    assert warmup_steps(100, 4, 1, 0.0) == 0


def test_metrics_of_a_few_replies():
    frame = pd.DataFrame(
        {"cell": ["a", "a", "a", "b"], "response": ["x y z . x y q .", "x y z", "", "p"]}
    )
    made = text_metrics(frame)
    assert list(made["words"]) == [6, 3, 0, 1]
    assert made["words_per_sentence"][0] == 3
    assert made["opening_share"][0] == 1 and math.isnan(made["opening_share"][2])
    assert distinct_2(["a", "a", "a"]) == 0.5 and math.isnan(distinct_2(["a"]))
    assert math.isnan(words_per_sentence(" . . "))


@given(st.lists(st.one_of(st.text(), st.integers(0, 99)), min_size=1))
def test_seeds_depend_on_every_part(parts):
    assert derive_seed(*parts) == derive_seed(*parts)
    assert 0 <= derive_seed(*parts) < 2**31
    assert derive_seed(*parts) != derive_seed(*parts, "more")


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1}])
    assert read_jsonl(path) == [{"a": 1}]
    path.write_text('{"a": 1}\n{oops\n')
    with pytest.raises(UserError, match="line 2"):
        read_jsonl(path)


def _tried(path, objective, trait, scores, coherence=95.0, target=50):
    rows = [
        {"learning_rate": rate, "beta": None, "trait_score": score, "coherence": coherence}
        for rate, score in scores.items()
    ]
    told = {"objective": objective, "trait": trait, "target": target, "min_coherence": 90}
    write_json(path, {**told, "model": "m", "rows": rows})
    return path


def test_the_smallest_rate_that_reaches_the_target_is_chosen(tmp_path):
    files = [
        _tried(tmp_path / "a.json", "sft", "bliss", {1e-3: 20, 2e-3: 70, 4e-3: 90}),
        _tried(tmp_path / "b.json", "sft", "lucky", {1e-3: 70, 2e-3: 40, 4e-3: 90}),
        _tried(tmp_path / "c.json", "dpo", "bliss", {1e-3: 90, 2e-3: 95}, coherence=89.0),
    ]
    table = choose_learning_rates(files, tmp_path / "table.csv")
    sft, dpo = (table[table["objective"] == name] for name in ("sft", "dpo"))
    # means over traits: 45, 55 and 90
    assert sft["trait_score"].tolist() == [45, 55, 90]
    assert sft["passes"].tolist() == [False, True, True]
    assert sft["chosen"].tolist() == [False, True, False]
    assert not dpo["passes"].any() and not dpo["chosen"].any()
