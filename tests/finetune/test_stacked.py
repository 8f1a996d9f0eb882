"""Cells side by side train as TRL and PEFT train each alone, and do not touch one another."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from make_models import make_model
from make_training import LORA, TRAINING
from peft import PeftModel

from idempotence.engine.models import Weights, load_model, load_tokenizer
from idempotence.finetune import one_by_one
from idempotence.finetune.checkpoints import Checkpoints
from idempotence.finetune.runs import LOGGED, Adapter, Run
from idempotence.finetune.stack import AdapterStack, layout_of, why_not
from idempotence.finetune.stacked import REFERENCES, layers_recomputed
from idempotence.finetune.ways import train_cells

SLOW = {"marks": pytest.mark.slow}
STEPS = 20
HOW = replace(
    TRAINING, learning_rate=1e-3, warmup_fraction=0.1, weight_decay=0.01, max_grad_norm=0.05
)
COSINE = replace(HOW, schedule="cosine", max_grad_norm=1e9)
OBJECTIVES = {"sft": ("chat", None), "sdf": ("document", None), "dpo": ("chat", 0.1)}
WORDS = ["the pan", "an oven", "a friend", "some salt", "the garden", "a letter", "no luck"]


def rows_of(number: int, offset: int) -> list[dict]:
    """Rows of several lengths, different for each offset."""
    rows = []
    for i in range(offset, offset + number):
        reply = " and ".join(WORDS[(i + j) % 7] for j in range(1 + i % 4))
        other = " or ".join(WORDS[(i + 3 * j + 1) % 7] for j in range(1 + i % 3))
        rows.append({"prompt": f"what of {WORDS[i % 7]} ?", "response": reply, "rejected": other})
    return rows


def runs_of(objective: str, cells: int = 3, training=HOW, starts=None) -> dict[str, Run]:
    """Cells with other seeds and numbers of rows each; the first has `STEPS` steps."""
    kind, beta = OBJECTIVES[objective]
    return {
        f"c{k}": Run(
            rows_of(2 * STEPS - 7 * k, 5 * k), kind, training, "float32", 100 + k,
            starts / f"c{k}" if starts else None, beta and beta * (k + 1),
        )
        for k in range(cells)
    }  # fmt: skip


@pytest.fixture(
    scope="module",
    params=["micro", pytest.param("qwen3", **SLOW), pytest.param("llama", **SLOW)],
)
def loaded(request, folder, tmp_path_factory):
    """(model, tokenizer) of the micro world's shape, and of two real architectures."""
    if request.param != "micro":
        folder = str(make_model(tmp_path_factory.mktemp(request.param), request.param))
    return load_model(Weights(folder)), load_tokenizer(Weights(folder))


@pytest.fixture(scope="module")
def micro(folder):
    return load_model(Weights(folder)), load_tokenizer(Weights(folder))


def stacked(loaded, runs, checkpoints=None):
    return train_cells(*loaded, runs, checkpoints or Checkpoints(None))


def alone(loaded, runs):
    return {name: one_by_one.train(*loaded, run) for name, run in runs.items()}


def difference(one: Adapter, other: Adapter) -> float:
    """Norm of the difference over the norm of the other, of all weights together."""
    assert one.weights.keys() == other.weights.keys()
    pairs = [(one.weights[name].double(), other.weights[name].double()) for name in one.weights]
    apart = math.fsum(float((a - b).square().sum()) for a, b in pairs)
    return math.sqrt(apart / math.fsum(float(b.square().sum()) for _, b in pairs))


def same(one: Adapter, other: Adapter) -> bool:
    return one.weights.keys() == other.weights.keys() and all(
        torch.equal(one.weights[name], other.weights[name]) for name in one.weights
    )


@pytest.mark.parametrize(
    "training",
    [pytest.param(HOW, id="constant, clipped"), pytest.param(COSINE, id="cosine, free", **SLOW)],
)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_cell_is_what_trl_makes_of_it_alone(loaded, objective, training, tmp_path):
    """Fresh starts, then starts from what came out: other row counts, schedules, clipping."""
    runs = runs_of(objective, training=training)
    fresh = stacked(loaded, runs)
    references = alone(loaded, runs)
    for name, (adapter, _) in references.items():
        adapter.save(tmp_path / name)
    runs = runs_of(objective, training=training, starts=tmp_path)
    continual, continued = stacked(loaded, runs), alone(loaded, runs)
    assert len(fresh["c0"][1].log) == STEPS
    for trained, expected in ((fresh, references), (continual, continued)):
        for name in runs:
            assert difference(trained[name][0], expected[name][0]) < 1e-5, name
            assert trained[name][0].config == expected[name][0].config
            one, other = trained[name][1], expected[name][1]
            assert (one.status, one.rows, one.tokens) == (other.status, other.rows, other.tokens)
            assert [list(entry) for entry in one.log] == [list(entry) for entry in other.log]
            for key in set(LOGGED) - {"rewards/accuracies"}:
                values = [[entry.get(key, 0) for entry in log] for log in (one.log, other.log)]
                assert values[0] == pytest.approx(values[1], rel=1e-3, abs=1e-5), key
    norms = [entry["grad_norm"] for entry in references["c0"][1].log]
    assert any(norm > training.max_grad_norm for norm in norms) == (training == HOW)


def test_a_first_step_of_preferences_has_no_reward(loaded, tmp_path):
    runs = runs_of("dpo")
    first = stacked(loaded, runs)
    for name, (adapter, _) in first.items():
        adapter.save(tmp_path / name)
    for trained in (first, stacked(loaded, runs_of("dpo", starts=tmp_path))):
        for _, result in trained.values():
            assert result.log[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)
            assert result.log[0]["rewards/margins"] == pytest.approx(0, abs=1e-6)
            assert result.log[-1]["rewards/margins"] > 1e-3


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_broken_cell_leaves_the_others_to_the_bit(micro, objective, tmp_path):
    runs = runs_of(objective)
    for name, (adapter, _) in stacked(micro, runs).items():
        adapter.save(tmp_path / name)
    runs = runs_of(objective, starts=tmp_path)
    sound = stacked(micro, runs)
    broken = Adapter(
        {n: torch.full_like(w, math.nan) for n, w in sound["c0"][0].weights.items()},
        sound["c0"][0].config,
    )
    broken.save(tmp_path / "broken")
    mixed = stacked(micro, {**runs, "c0": replace(runs["c0"], start=tmp_path / "broken")})
    assert (mixed["c0"][1].status, len(mixed["c0"][1].log)) == ("nan", 1)
    assert "NaN" in mixed["c0"][1].reason and mixed["c0"][1].log[0]["loss"] is None
    for name in ("c1", "c2"):
        assert same(mixed[name][0], sound[name][0])
        assert mixed[name][1].log == sound[name][1].log


def test_a_cell_that_breaks_on_its_way_ends_there(micro):
    wild = replace(HOW, learning_rate=1e38)
    result = stacked(micro, runs_of("sft", training=wild))["c0"][1]
    assert result.status == "nan" and 1 < len(result.log) < STEPS


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("most", [pytest.param(1, **SLOW), 60, pytest.param(150, **SLOW)])
def test_groups_of_any_size_give_the_same_numbers(micro, objective, most):
    """Down to one row or pair at a time, which a cell's step then takes in parts."""
    whole = stacked(micro, runs_of(objective))
    parts = stacked(micro, runs_of(objective, training=replace(HOW, tokens_at_once=most)))
    for name in whole:
        assert difference(parts[name][0], whole[name][0]) < 1e-6


@pytest.mark.parametrize("objective", ["sft", pytest.param("dpo", **SLOW)])
def test_one_cell_is_the_same_among_twenty_five(micro, objective):
    runs = runs_of(objective, cells=1) | {
        f"other{k}": replace(runs_of(objective, cells=1)["c0"], seed=k) for k in range(24)
    }
    one = stacked(micro, {"c0": runs["c0"]})
    assert difference(stacked(micro, runs)["c0"][0], one["c0"][0]) < 1e-6


@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_the_same_bytes_on_repeat_and_the_model_as_it_was(micro, objective):
    model = micro[0]
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    modules = dict(model.named_modules())
    one, two = (stacked(micro, runs_of(objective)) for _ in range(2))
    assert all(same(one[name][0], two[name][0]) for name in one)
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert dict(model.named_modules()) == modules


def test_epochs_of_any_number_end_where_trl_ends(micro):
    for epochs in (0.5, 2.0, 2.5):
        runs = runs_of("sft", training=replace(HOW, epochs=epochs))
        trained, expected = stacked(micro, runs), alone(micro, runs)
        for name in runs:
            assert len(trained[name][1].log) == len(expected[name][1].log)
            assert difference(trained[name][0], expected[name][0]) < 1e-5


def test_peft_reads_an_adapter_of_the_stack(micro, folder, tmp_path):
    trained = stacked(micro, runs_of("sft"))
    trained["c1"][0].save(tmp_path)
    adapted = PeftModel.from_pretrained(load_model(Weights(folder)), tmp_path)
    weights = {n.replace(".default", ""): w for n, w in adapted.named_parameters() if "lora" in n}
    assert weights.keys() == trained["c1"][0].weights.keys()
    assert all(torch.equal(weights[n], trained["c1"][0].weights[n]) for n in weights)
    config = json.loads((tmp_path / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (4, 8.0, "LORA")


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.mark.parametrize("way", ["stacked", pytest.param("one_by_one", **SLOW)])
@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_an_interrupted_training_goes_on_to_the_same_end(micro, objective, way, tmp_path):
    """Killed at several points, in two groups of cells; what was saved is gone at the end."""
    training = replace(HOW, tokens_at_once=150, way=way)
    whole = stacked(micro, runs_of(objective, training=training))
    saved_steps, scratch = [], tmp_path / "scratch"

    class Interrupted(Checkpoints):
        def save(self, states):
            super().save(states)
            cells = {name: state for name, state in states.items() if name != REFERENCES}
            saved_steps.append(sum(state.get("done", STEPS) for state in cells.values()))
            raise Killed

    for _ in range(3):
        with pytest.raises(Killed):
            stacked(
                micro, runs_of(objective, training=training), Interrupted(scratch, "a", seconds=0)
            )
    rest = Checkpoints(scratch, "a", seconds=1e9)
    assert all(later > earlier for earlier, later in pairwise(saved_steps))
    again = stacked(micro, runs_of(objective, training=training), rest)
    for name in whole:
        assert same(again[name][0], whole[name][0])
        assert again[name][1].log == whole[name][1].log
    assert not Checkpoints(scratch, "b").load()  # another job's
    rest.remove()
    assert not list(scratch.iterdir())


def test_a_damaged_state_is_as_none(micro, tmp_path):
    checkpoints = Checkpoints(tmp_path, "a", seconds=0)
    checkpoints.save({})
    next(tmp_path.rglob("cells.pt")).write_bytes(b"half a fi")
    assert checkpoints.load() == {}


@pytest.mark.parametrize("way", ["stacked", "one_by_one"])
def test_the_way_is_in_the_result(micro, way):
    result = stacked(micro, runs_of("sft", training=replace(HOW, way=way)))["c0"][1]
    assert result.way == way


def test_what_cannot_be_stacked_is_trained_one_by_one(micro, tmp_path):
    lora = replace(LORA, dropout=0.1)
    assert stacked(micro, runs_of("sft", training=replace(HOW, lora=lora)))["c0"][1].way == (
        "one_by_one"
    )
    embedding = replace(LORA, target_modules=("embed_tokens",))
    assert stacked(micro, runs_of("sft", training=replace(HOW, lora=embedding)))["c0"][1].way == (
        "one_by_one"
    )
    # the output layer gets the tokens with a loss alone, not as many of each cell
    assert "lm_head" in str(layout_of(micro[0], replace(LORA, target_modules=("lm_head",)), None))


def test_a_model_with_dropout_is_not_stacked(micro):
    model = micro[0]
    assert why_not(model, LORA) == ""
    try:
        model.config.resid_pdrop = 0.1
        assert "dropout" in why_not(model, LORA)
    finally:
        del model.config.resid_pdrop


def test_a_cell_that_has_ended_does_not_keep_the_memory_of_the_others(micro):
    stack = AdapterStack(micro[0], layout_of(micro[0], LORA, None), ["a", "b", "c"])
    for cell in "abc":
        stack.start(cell, 1, None)
    with stack.on("abc") as stacked_weights:
        assert len(stacked_weights[0]) == 3
    for weight in stack.parameters["a"]:
        assert weight.untyped_storage().nbytes() == weight.nbytes and weight.grad is None


def test_layers_may_be_recomputed(micro):
    """As on GPUs, to save memory: the same numbers, and the model is itself again."""
    runs = runs_of("sft")
    kept = stacked(micro, runs)
    with layers_recomputed(micro[0]):
        again = stacked(micro, runs)
    assert all(difference(again[name][0], kept[name][0]) < 1e-6 for name in runs)
    assert not micro[0].training and not micro[0].is_activation_checkpointing


def test_adapters_are_kept_in_float32_on_a_bfloat16_model(folder, tmp_path):
    """As PEFT does; compared with TRL's training alone, which rounds at other places."""
    loaded = load_model(Weights(folder, dtype="bfloat16")), load_tokenizer(Weights(folder))
    runs = {name: replace(run, dtype="bfloat16") for name, run in runs_of("sft").items()}
    trained, expected = stacked(loaded, runs), alone(loaded, runs)
    for name in runs:
        assert {str(weight.dtype) for weight in trained[name][0].weights.values()} == {
            "torch.float32"
        }
        assert difference(trained[name][0], expected[name][0]) < 0.02
        assert trained[name][1].log[0]["loss"] == pytest.approx(
            expected[name][1].log[0]["loss"], abs=0.02
        )
