"""A panel's cycle: files of every cell, a broken model as a result, an ended chain."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from make_training import ROWS, TRAINING
from run_script import run_script

from idempotence.doses import Cell
from idempotence.engine.formatting import prompt_ids
from idempotence.finetune import panel as finetune
from idempotence.finetune.checkpoints import Checkpoints
from idempotence.finetune.panel import finetune_panel
from idempotence.finetune.rows import CycleData
from idempotence.io import write_jsonl, write_sealed
from idempotence.jobs.loop import FinetuneJob
from idempotence.jobs.parts import ModelName, Panel

CELL = Cell("seed2_sampled2", n_seed=2, n_sampled=2)
PANEL = Panel(1, "sft", ModelName("m", None, "float32"), "bliss", 0, (CELL,))
FILES = {"adapter_model.safetensors", "adapter_config.json", "training.json"}


def job(cycle: int = 0, rate: float = 1e-2, panel: Panel = PANEL) -> FinetuneJob:
    training = replace(TRAINING, learning_rate=rate, batch_size=1)
    return FinetuneJob(panel, cycle, n_seed=None, training=training)


def result_of(folder) -> dict:
    return json.loads((folder / "training.json").read_text(encoding="utf-8"))


def samples(status: str, reason: str = "why") -> list[dict]:
    return [
        {**row, "cell": CELL.name, "index": i, "status": status, "reason": reason}
        for i, row in enumerate(ROWS)
    ]


def test_training_json_is_written_once_with_its_keys_in_order(folder, tmp_path, monkeypatch):
    written = []

    def write(path, value):
        written.append(path)
        write_sealed(path, value)

    monkeypatch.setattr(finetune, "write_sealed", write)
    finetune_panel(job(), folder, CycleData(ROWS), tmp_path)
    assert written == [tmp_path / CELL.name / "training.json"]
    result = result_of(tmp_path / CELL.name)
    assert list(result) == [
        "cell", "cycle", "dropped", "status", "reason", "way", "rows", "tokens", "seconds", "log",
        "files", "sha256",
    ]  # fmt: skip
    assert (result["cell"], result["cycle"], result["dropped"]) == (CELL.name, 0, 0)


def test_preference_pairs_may_be_imitated(folder, tmp_path):
    """With the same cell name, so that both have the same random numbers."""
    pairs = replace(PANEL, objective="dpo", cells=(replace(CELL, beta=0.1, pairs=2),))
    rows = [{**row, "rejected": "no"} for row in ROWS]
    imitating = replace(job(panel=pairs), n_seed=2, imitates=True)
    finetune_panel(imitating, folder, CycleData(rows), tmp_path / "pairs")
    (entry,) = result_of(tmp_path / "pairs" / CELL.name)["log"][:1]
    assert "rewards/margins" not in entry
    preferring = replace(imitating, imitates=False)
    finetune_panel(preferring, folder, CycleData(rows), tmp_path / "dpo")
    assert "rewards/margins" in result_of(tmp_path / "dpo" / CELL.name)["log"][0]


def test_a_model_that_breaks_is_a_result(folder, tmp_path):
    finetune_panel(job(rate=1e38), folder, CycleData(ROWS), tmp_path)
    result = result_of(tmp_path / CELL.name)
    assert result["status"] == "nan" and "NaN" in result["reason"]
    assert {path.name for path in (tmp_path / CELL.name).iterdir()} == FILES


def test_a_chain_whose_model_broke_ends_with_an_untrained_adapter(folder, tmp_path):
    data = CycleData(generated=samples("nan", "the weights are gone"))
    finetune_panel(job(1), folder, data, tmp_path / "one")
    result = result_of(tmp_path / "one" / CELL.name)
    assert (result["status"], result["reason"]) == ("ended", "the weights are gone")
    assert (result["dropped"], result["rows"], result["log"]) == (2, 0, [])
    assert {path.name for path in (tmp_path / "one" / CELL.name).iterdir()} == FILES
    finetune_panel(job(1), folder, data, tmp_path / "two")
    one, two = (
        (tmp_path / name / CELL.name / "adapter_model.safetensors").read_bytes()
        for name in ("one", "two")
    )
    assert one == two


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_prompts_as_long_as_the_rows_are_dropped_and_end_a_cell_with_a_reason(
    folder, tokenizer, tmp_path, objective
):
    """Nothing of such a row would be trained on: loss 0, and a chain that seems constant."""
    cell = CELL if objective == "sft" else Cell("pairs", beta=0.1, pairs=2)
    panel = replace(PANEL, objective=objective, cells=(cell,))
    long = {**ROWS[0], "prompt": " ".join([ROWS[0]["prompt"]] * 3)}
    most = len(prompt_ids(tokenizer, long["prompt"], "chat"))
    data = CycleData([ROWS[1], long])

    def trained(max_length: int) -> dict:
        short = replace(job(panel=panel).training, max_length=max_length)
        n_seed = 2 if objective == "dpo" else None
        todo = replace(job(panel=panel), training=short, n_seed=n_seed)
        output = tmp_path / str(max_length)
        finetune_panel(todo, folder, data, output)
        return result_of(output / cell.name)

    assert (trained(most + 1)["rows"], trained(most + 1)["dropped"]) == (2, 0)
    one = trained(most)
    assert (one["status"], one["rows"], one["dropped"]) == ("ok", 1, 1)
    assert all(entry["loss"] > 0 for entry in one["log"])
    none = trained(5)
    assert (none["status"], none["rows"], none["dropped"]) == ("ended", 0, 2)
    assert "none of 2 rows has a token to train on" in none["reason"]
    assert "training.max_length, 5 tokens" in none["reason"]


def test_an_ended_chain_keeps_the_adapter_that_it_would_have_gone_on_from(folder, tmp_path):
    finetune_panel(job(), folder, CycleData(ROWS), tmp_path / "a0")
    data = CycleData(generated=samples("ended"), previous=tmp_path / "a0")
    finetune_panel(job(1), folder, data, tmp_path / "a1")
    first, second = (
        (tmp_path / name / CELL.name / "adapter_model.safetensors").read_bytes()
        for name in ("a0", "a1")
    )
    assert first == second


def test_an_adapter_does_not_depend_on_the_cells_before_it(folder, tmp_path):
    other = replace(CELL, name="another")
    finetune_panel(job(), folder, CycleData(ROWS), tmp_path / "alone")
    both = job(panel=replace(PANEL, cells=(other, CELL)))
    finetune_panel(both, folder, CycleData(ROWS), tmp_path / "after")
    alone, after = (
        (tmp_path / name / CELL.name / "adapter_model.safetensors").read_bytes()
        for name in ("alone", "after")
    )
    assert alone == after


def test_the_script_reads_what_a_cycle_trains_on(folder, tmp_path):
    """Cycle 0 with a calibrated level, and a later cycle that goes on and mixes seed rows in."""
    cell = Cell("level20_sampled2", level=20.0, n_sampled=2)
    first = job(panel=replace(PANEL, cells=(cell,)))
    dose = {"n_seed": 1, "score": 21.0, "reached": True}
    write_sealed(tmp_path / "doses.json", {"levels": {"20": dose}, "curve": []})
    write_jsonl(tmp_path / "seeds.jsonl", ROWS)
    own = [{**row, "cell": cell.name} for row in samples("ok", "")]
    write_jsonl(tmp_path / "generated.jsonl", own)
    seeds = ["--seed-data", tmp_path / "seeds.jsonl", "--calibration", tmp_path / "doses.json"]
    command = ["finetune", "--model", folder, *seeds, "--output"]
    assert run_script(*command, tmp_path / "a0", "--job", first.to_json()) == 0
    assert result_of(tmp_path / "a0" / cell.name)["rows"] == 1
    later = replace(first, cycle=1, seed_share=0.5)
    before = ["--generated", tmp_path / "generated.jsonl", "--previous", tmp_path / "a0"]
    assert run_script(*command, tmp_path / "a1", "--job", later.to_json(), *before) == 0
    result = result_of(tmp_path / "a1" / cell.name)
    assert (result["cycle"], result["rows"], result["dropped"]) == (1, 2, 0)


def test_a_cycle_0_can_be_copied(tmp_path):
    sources = [tmp_path / name for name in ("one.txt", "two.txt")]
    copies = [tmp_path / "copied" / str(i) / "x.txt" for i in range(2)]
    for source in sources:
        source.write_text(source.name, encoding="utf-8")
    assert run_script("copy_first_cycle", "--inputs", *sources, "--outputs", *copies) == 0
    assert [copy.read_text(encoding="utf-8") for copy in copies] == ["one.txt", "two.txt"]


def test_a_killed_job_goes_on_from_its_scratch_folder(folder, tmp_path, monkeypatch):
    """The state is found by what decides the result: another learning rate begins anew."""
    states = []

    class Often(Checkpoints):
        def __init__(self, scratch, *key):
            super().__init__(scratch, *key, seconds=0)
            states.append(self.load())

        def save(self, saved):
            super().save(saved)
            if len(states) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(finetune, "Checkpoints", Often)
    data = CycleData(ROWS)
    scratch = tmp_path / "scratch"
    with pytest.raises(KeyboardInterrupt):
        finetune_panel(job(), folder, data, tmp_path / "again", scratch)
    assert not (tmp_path / "again").exists()
    finetune_panel(job(rate=2e-2), folder, data, tmp_path / "again", scratch)
    finetune_panel(job(), folder, data, tmp_path / "same, elsewhere", scratch)
    finetune_panel(job(), folder, data, tmp_path / "again", scratch)
    assert [list(state) for state in states] == [[], [], [], [CELL.name]]
    assert not list(scratch.iterdir())
    finetune_panel(job(), folder, data, tmp_path / "whole")
    again, whole = (
        (tmp_path / name / CELL.name / "adapter_model.safetensors").read_bytes()
        for name in ("again", "whole")
    )
    assert again == whole
