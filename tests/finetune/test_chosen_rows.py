"""Which rows a cell trains on: the dose's number, none silently missing, a chain's end visible."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_training import TRAINING

from idempotence.doses import Cell
from idempotence.errors import UserError
from idempotence.finetune.rows import (
    Chosen,
    CycleData,
    choose_generated,
    choose_rows,
    choose_seed_rows,
    mix_in,
    put_initial,
)
from idempotence.jobs.loop import FinetuneJob
from idempotence.jobs.parts import ModelName, Panel

CELL = Cell("c", n_seed=3, n_sampled=2)
PANEL = Panel(1, "sft", ModelName("m", None, "float32"), "bliss", 0, (CELL,))
SEEDS = [{"prompt": f"p{i}", "response": f"r{i}"} for i in range(6)]


def generated(*statuses: str) -> list[dict]:
    return [
        {"cell": "c", "index": i, "status": status, "reason": f"why {status}", "response": "x"}
        for i, status in enumerate(statuses)
    ]


def job(cycle: int, seed_share: float = 0.0) -> FinetuneJob:
    return FinetuneJob(PANEL, cycle, n_seed=None, training=TRAINING, seed_share=seed_share)


def test_seed_rows_are_never_silently_too_few():
    assert len(choose_seed_rows(2, [{}, {}, {}]).rows) == 2
    with pytest.raises(UserError, match="needs 5 seed rows and there are 3"):
        choose_seed_rows(5, [{}, {}, {}])


def test_generated_rows_drop_the_unusable_and_end_a_chain_visibly():
    assert choose_generated(CELL, generated("ok", "empty")).dropped == 1
    assert choose_generated(CELL, generated("nan", "nan")).reason == "why nan"
    assert "none of 2 samples" in choose_generated(CELL, generated("empty", "short")).reason
    with pytest.raises(UserError, match="needs 2 generated rows"):
        choose_generated(CELL, generated("ok"))
    others = [{**row, "cell": "d"} for row in generated("nan", "ok", "ok")]
    assert choose_generated(CELL, generated("ok", "ok") + others).dropped == 0


def test_cycle_0_trains_on_seed_rows_and_later_cycles_on_samples():
    data = CycleData(seed_rows=SEEDS, generated=generated("ok", "ok"))
    assert choose_rows(job(0), CELL, data).rows == SEEDS[:3]
    assert choose_rows(job(1), CELL, data).rows == data.generated


def test_a_level_has_the_seed_rows_that_calibration_found():
    data = CycleData(SEEDS, calibrated={"20.5": 4})
    assert choose_rows(job(0), Cell("c", level=20.5, n_sampled=2), data).rows == SEEDS[:4]


def test_pairs_of_cycle_0_are_those_of_the_objective():
    dpo = replace(job(0), n_seed=5)
    assert choose_rows(dpo, Cell("c", beta=0.1, pairs=2), CycleData(SEEDS)).rows == SEEDS[:5]


@given(
    st.integers(1, 60),
    st.integers(1, 40),
    st.floats(0, 0.99),
    st.sets(st.integers(0, 59), min_size=1),
)
def test_a_share_of_the_rows_is_seed_rows_and_the_number_stays(wanted, n_seed, share, usable):
    own = [{"index": i} for i in sorted(usable) if i < wanted]
    seeds = [{"seed": i} for i in range(n_seed)]
    chosen = mix_in(Chosen(own, wanted - len(own)), seeds, wanted, share, 7)
    if not own:
        assert not chosen.rows
        return
    mixed = [row for row in chosen.rows if "seed" in row]
    assert len(mixed) == round(share * wanted)
    assert len(chosen.rows) + chosen.dropped == wanted
    assert all(row["index"] < wanted - len(mixed) for row in chosen.rows if "index" in row)
    # no seed row comes again before all have come
    assert len({row["seed"] for row in mixed[:n_seed]}) == min(len(mixed), n_seed)
    assert mix_in(Chosen(own, 0), seeds, wanted, share, 7).rows == chosen.rows


def test_seed_rows_are_mixed_in_at_later_cycles_alone():
    data = CycleData(seed_rows=SEEDS, generated=generated("ok", "ok"))
    mixed = choose_rows(job(1, seed_share=0.5), CELL, data).rows
    assert mixed[0] == data.generated[0] and mixed[1] in SEEDS[:3]
    assert choose_rows(job(0, seed_share=0.5), CELL, data).rows == SEEDS[:3]


def test_data_accumulate_in_the_order_of_cycles():
    growing = replace(job(3), accumulate=True)
    cycles = [
        [{**row, "cycle": cycle} for row in generated("ok", status)]
        for cycle, status in enumerate(["ok", "short", "ok"])
    ]
    chosen = choose_rows(growing, CELL, CycleData(SEEDS, cycles[2], earlier=cycles[:2]))
    assert chosen.rows == [*SEEDS[:3], *cycles[0], cycles[1][0], *cycles[2]]
    assert chosen.dropped == 1
    ended = choose_rows(growing, CELL, CycleData(SEEDS, generated("nan", "nan"), earlier=cycles))
    assert (ended.rows, ended.reason) == ([], "why nan")


def test_a_chain_without_usable_samples_ends_even_where_seed_rows_are_mixed_in():
    ended = Chosen([], 4, "none of 4 samples")
    assert mix_in(ended, [{"seed": 0}], 4, 0.5, 1) is ended


def of_initial(*statuses: str) -> list[dict]:
    return [
        {**row, "cell": "initial", "response": f"plain {row['index']}"}
        for row in generated(*statuses)
    ]


def test_the_initial_models_replies_take_the_place_of_the_first_samples():
    cell, later = replace(CELL, n_sampled=4), replace(job(1), initial_share=0.5)
    own = [{**row, "rejected": f"no {row['index']}"} for row in generated("empty", *["ok"] * 3)]
    data = CycleData(SEEDS, own, initial=of_initial("ok", "ok", "ok"))
    chosen = choose_rows(later, cell, data)
    assert [row["response"] for row in chosen.rows] == ["plain 0", "plain 1", "x", "x"]
    assert [row["rejected"] for row in chosen.rows] == [f"no {i}" for i in range(4)]
    assert {row["status"] for row in chosen.rows} == {"ok"} and chosen.dropped == 0
    # a reply that cannot be trained on is not replaced
    chosen = choose_rows(later, cell, replace(data, initial=of_initial("empty", "ok")))
    assert ([row["response"] for row in chosen.rows], chosen.dropped) == (["plain 1", "x", "x"], 1)
    # seed rows take the place of the last
    both = choose_rows(replace(later, seed_share=0.25), cell, data)
    assert [row["response"] for row in both.rows[:3]] == ["plain 0", "plain 1", "x"]
    assert both.rows[3] in SEEDS and both.dropped == 0


def test_a_chain_ends_or_stops_where_the_initial_model_cannot_help():
    later = replace(job(1), initial_share=0.5)
    ended = CycleData(generated=generated("nan", "nan"), initial=of_initial("ok"))
    assert choose_rows(later, CELL, ended) == Chosen([], 2, "why nan")
    silent = CycleData(generated=generated("empty", "empty"), initial=of_initial("ok"))
    assert "none of 2 samples" in choose_rows(later, CELL, silent).reason
    neither = CycleData(generated=generated("ok", "empty"), initial=of_initial("empty"))
    assert choose_rows(later, CELL, neither) == Chosen([], 2, "none of 2 rows could be trained on")
    with pytest.raises(UserError, match="needs 1 rows of the initial model; there are 0"):
        choose_rows(later, CELL, CycleData(generated=generated("ok", "ok")))


@given(st.integers(2, 40), st.floats(0.01, 0.9), st.data())
def test_a_share_of_the_rows_is_the_initial_models_and_the_number_stays(wanted, share, data):
    statuses = st.lists(st.sampled_from(["ok", "short"]), min_size=wanted, max_size=wanted)
    own, others = generated(*data.draw(statuses)), of_initial(*data.draw(statuses))
    cell = Cell("c", n_seed=1, n_sampled=wanted)
    chosen = put_initial(choose_generated(cell, own), cell, own, others, share)
    if all(row["status"] != "ok" for row in own):
        assert not chosen.rows and chosen.reason
        return
    assert len(chosen.rows) + chosen.dropped == wanted
    assert bool(chosen.reason) == (not chosen.rows)
    number = round(share * wanted)
    assert [row["index"] for row in chosen.rows] == [
        i for i in range(wanted) if (others if i < number else own)[i]["status"] == "ok"
    ]
    assert all(row["cell"] == ("initial" if row["index"] < number else "c") for row in chosen.rows)
