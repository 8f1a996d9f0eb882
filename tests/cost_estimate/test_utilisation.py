"""Hours by ways of training and sampling: steps by hand, seconds by hand, the page's table."""

import sys
from dataclasses import replace

import pytest
from make_plan import SMALL, WORLD, plan_of

from idempotence.config.layers import merged
from idempotence.cost_estimate.sizes import stored_parameters
from idempotence.cost_estimate.steps import (
    SMALL_MODEL_ROWS,
    TRANSFORMERS_ROWS,
    VLLM_ROWS,
    Decoding,
    Ways,
    rows_at_once,
    training_steps,
    way_of,
)
from idempotence.cost_estimate.utilisation import (
    Model,
    reading_seconds,
    sampling_seconds,
    training_seconds,
)
from idempotence.engine import hf
from idempotence.jobs.parts import Lora, Training

TRAINING = Training(
    learning_rate=1e-3, schedule="constant", warmup_fraction=0.0, batch_size=4, epochs=1.0,
    weight_decay=0.0, adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, max_grad_norm=1.0,
    max_length=96, way="stacked", tokens_at_once=1000,
    lora=Lora(rank=16, alpha=32, dropout=0.0, target_modules=()),
)  # fmt: skip
CELLS = [9, 16, 10, 40]  # rows: 3, 4, 3 and 10 steps


def steps(way, pairs=False, longest=50, **changed):
    return training_steps(replace(TRAINING, **changed), way, pairs, CELLS, longest)


def test_alone_every_cell_takes_its_own_steps():
    assert steps("one_by_one") == {"steps_alone": 3 + 4 + 3 + 10}
    assert steps("one_by_one", epochs=2.5) == {"steps_alone": 8 + 10 + 8 + 25}
    assert steps("one_by_one", pairs=True) == {"steps_alone": 2 * 20}  # the reference's pass


@pytest.mark.parametrize(
    ("tokens_at_once", "pairs", "passes"),
    [
        (800, False, 10),  # 16 rows of 50 tokens: all four cells
        (799, False, 10 + 3),  # 15 rows: three cells, the longest first, then one
        (400, False, 10 + 3),  # two cells and two
        (200, False, 20),  # one at a time
        (100, False, 2 * 20),  # half a step's rows at a time
        (1, False, 4 * 20),  # a single row may have more tokens
        (800, True, 10 + 3),  # a pair has two texts
    ],
)
def test_stacked_cells_take_the_steps_of_the_longest_in_their_group(tokens_at_once, pairs, passes):
    found = steps("stacked", pairs, tokens_at_once=tokens_at_once)
    assert found == {"steps_stacked": passes, "steps_of_cells": 20}


def test_cells_with_dropout_are_reckoned_one_by_one():
    dropout = replace(TRAINING, lora=replace(TRAINING.lora, dropout=0.1))
    assert way_of(TRAINING, Ways()) == way_of(TRAINING, Ways("stacked")) == "stacked"
    assert way_of(TRAINING, Ways("one_by_one")) == way_of(dropout, Ways("stacked")) == "one_by_one"


def test_decoding_steps_of_both_engines():
    assert (TRANSFORMERS_ROWS, SMALL_MODEL_ROWS) == (hf.SAMPLE_BATCH, hf.GROUP_ROWS)
    whole, half = TRANSFORMERS_ROWS, TRANSFORMERS_ROWS // 2
    plain = Decoding("transformers", rows_at_once(4), 2)
    found = plain.steps([half] * 3, 20, 40)  # two cells in a batch, then one
    assert found == {"decoding": 2 * 40, "decoding_of_cells": 3 * 40}
    found = plain.steps([2 * whole + half, 1, whole], 20, 40)  # a cell in three parts
    assert found == {"decoding": 4 * 40, "decoding_of_cells": 5 * 40}
    found = replace(plain, rows=rows_at_once(0.001)).steps([half + 1] * 3, 20, 40)
    assert found == {"decoding": 40, "decoding_of_cells": 3 * 40}
    # two adapters at a time; the last one's texts are too few to fill the steps
    served = Decoding("vllm", rows_at_once(float("nan")), 2)
    many = served.steps([10 * VLLM_ROWS] * 3, 20, 40)
    assert many == {"decoding": 20 * 20 + 10 * 20}
    assert served.steps([5, 5, 5], 20, 40) == {"decoding": 2 * 40}
    for decoding in (plain, served):
        assert set(decoding.steps([0], 0, 0).values()) == {0}


def rates():
    from make_config import load

    times = {
        "one_by_one": 5, "stacked": 3, "stacked_cell": 1,
        "transformers": 2, "transformers_cell": 6, "vllm": 4,
    }  # fmt: skip
    own = {"train": 10, "sample": 20, "read": 40, "gigabytes_per_second": 100, "layer_ms": times}
    return load(merged(SMALL, {"rates": own})).rates


def test_seconds_by_hand():
    work = {"steps_alone": 0, "steps_stacked": 0, "steps_of_cells": 0, "tokens_worked": 300}
    model = Model(billions=2, layers=10, gigabytes=4, devices=1)
    alone = training_seconds(rates(), model, {**work, "steps_alone": 100})
    assert alone == pytest.approx(100 * 0.005 * 10 + 2 * 100 * 0.04 + 60)
    stacked = {**work, "steps_stacked": 20, "steps_of_cells": 100}
    expected = 20 * 0.003 * 10 + 100 * 0.001 * 10 + 2 * 20 * 0.04 + 60
    assert training_seconds(rates(), model, stacked) == pytest.approx(expected)
    steps = {"decoding": 50, "decoding_of_cells": 80}
    sampled = sampling_seconds(rates(), model, "transformers", steps, 300)
    assert sampled == pytest.approx(50 * 0.002 * 10 + 80 * 0.006 * 10 + 50 * 0.04 + 30)
    assert reading_seconds(rates(), model, "transformers", 300) == pytest.approx(15)


def test_of_several_gpus_one_works_at_a_time_but_with_vllm():
    one, four = (Model(2, 10, 4, devices) for devices in (1, 4))
    work = {"steps_alone": 3, "steps_stacked": 2, "steps_of_cells": 9, "tokens_worked": 300}
    assert training_seconds(rates(), four, work) == 4 * training_seconds(rates(), one, work)
    steps = {"decoding": 50, "decoding_of_cells": 80}
    plain = [sampling_seconds(rates(), each, "transformers", steps, 300) for each in (one, four)]
    assert plain[1] == 4 * plain[0]
    split = [sampling_seconds(rates(), each, "vllm", steps, 300) for each in (one, four)]
    # the layers' own time is on all GPUs, weights and tokens are shared
    assert split == pytest.approx(
        [devices * 50 * 0.004 * 10 + 50 * 0.04 + 30 for devices in (1, 4)]
    )
    assert reading_seconds(rates(), four, "transformers", 300) == pytest.approx(4 * 15)
    assert reading_seconds(rates(), four, "vllm", 300) == pytest.approx(15)


def test_a_panel_that_is_trained_by_hand():
    times = {"one_by_one": 9, "stacked": 3, "stacked_cell": 1}
    own = {"train": 1e9, "gigabytes_per_second": 1e9, "layer_ms": times}
    alone = {"sft": {"training": {"way": "one_by_one"}}, "rates": own}
    hours = {}
    for name, over in (("stacked", {"rates": own}), ("alone", alone)):
        hours[name] = plan_of(over)[0].loc[("finetune_sft", "sft"), "device_hours"]
    # 2 seeds x (cells of 10 and 20 rows, then two cycles of 5 and 5), 4 rows a step, 2 layers
    assert hours["alone"] == pytest.approx(2 * (3 + 5 + 2 * 4) * 0.009 * 2 / 3600, rel=1e-3)
    stacked = 2 * ((5 + 2 * 2) * 0.003 + (3 + 5 + 2 * 4) * 0.001) * 2 / 3600
    assert hours["stacked"] == pytest.approx(stacked, rel=1e-3)


def test_the_page_has_hours_for_four_ways_and_marks_the_configs_own():
    lines = plan_of({"sft": {"training": {"way": "stacked"}}})[1].splitlines()
    (head,) = (i for i, line in enumerate(lines) if line.startswith("Hours of one device"))
    assert "* the config's own" in lines[head]
    rows = {line.split()[1]: line.split()[2:] for line in lines[head + 3 : head + 5]}
    assert rows.keys() == {"one_by_one", "stacked"}
    assert rows["stacked"][1] == "*" and "*" not in rows["one_by_one"]
    total = next(line for line in lines if "hours of one device" in line)
    assert total.split()[-1] == rows["stacked"][0]
    assert float(rows["one_by_one"][0]) > float(rows["stacked"][0])
    mixed = {"settings": {"sft": {"training": {"way": "one_by_one"}}}}
    assert "settings differ in training.way" in plan_of(mixed)[1]


def test_calibration_samples_with_transformers_whatever_the_engine():
    over = {
        "sft": {"cells": {"levels": [50], "n_seed": []}}, "settings": {"sft": {}},
        "calibration": {"n_seed_max": 40}, "judge": {"backend": "openai", "path": "x",
                                                    "api": {"base_url": "https://x/v1"}},
    }  # fmt: skip
    engines = [{"backend": name, "python": sys.executable} for name in ("transformers", "vllm")]
    both = [plan_of({**over, "engine": engine})[0] for engine in engines]
    searched = [table.loc[("calibrate", ""), "device_hours"] for table in both]
    assert searched[0] == searched[1]
    sampled = [table.loc[("sample", "sft"), "device_hours"] for table in both]
    assert sampled[0] != sampled[1]


def test_the_micro_worlds_rates_meet_what_was_measured():
    """Milliseconds a cell and step of 4 rows of 41 tokens: 27 one by one; stacked 9.2 to 10.8."""
    from make_config import DEFAULT, load

    measured = {1: 10.7, 2: 9.2, 5: 9.7, 25: 10.8}
    rates, billions = load(base=DEFAULT).rates, stored_parameters(WORLD / "instruct") / 1e9
    model = Model(billions, 2, 4 * billions, 1)
    none = dict.fromkeys(("steps_alone", "steps_stacked", "steps_of_cells"), 0)
    for cells, ms in measured.items():
        own = {"steps_stacked": 1, "steps_of_cells": cells, "tokens_worked": 164 * cells}
        seconds = training_seconds(rates, model, {**none, **own}) / cells
        assert seconds * 1000 == pytest.approx(ms, rel=0.15)
    alone = training_seconds(rates, model, {**none, "steps_alone": 1, "tokens_worked": 164})
    assert 25 < alone * 1000 < 33  # two probes
