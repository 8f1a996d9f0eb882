"""Adapters: a fresh one changes nothing, and a saved one is the one that was trained."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from make_training import LORA, ROWS

from idempotence.engine.formatting import prompt_ids
from idempotence.finetune.adapters import adapter_of, attach, warmup_steps


def logits(model, ids: list[int]):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits


def test_warm_up_is_a_share_of_all_steps_rounded_up():
    assert warmup_steps(60, 4, 1, 0.05) == 1
    assert warmup_steps(100, 4, 2, 0.1) == 5
    assert warmup_steps(100, 4, 1, 0.0) == 0


def test_an_untrained_adapter_changes_nothing(model, tokenizer):
    ids = prompt_ids(tokenizer, ROWS[0]["prompt"], "chat")
    before = logits(model, ids)
    torch.manual_seed(0)
    adapted = attach(model, LORA, None)
    assert torch.equal(logits(adapted, ids), before)


def test_a_model_is_the_same_object_once_its_adapter_is_off(model):
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    assert attach(model, LORA, None).unload() is model
    after = model.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], weights[name]) for name in weights)


def test_no_target_modules_are_all_linear_layers_but_the_output_layer(model, tmp_path):
    def layers(lora) -> set[str]:
        adapted = attach(model, lora, None)
        adapter_of(adapted).save(tmp_path / "a")
        adapted.unload()
        config = json.loads((tmp_path / "a" / "adapter_config.json").read_text(encoding="utf-8"))
        return {name.rpartition(".")[2] for name in config["target_modules"]}

    every = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert layers(LORA) == every
    assert layers(replace(LORA, target_modules=("q_proj", "v_proj"))) == {"q_proj", "v_proj"}


def test_training_can_go_on_from_a_saved_adapter(model, tmp_path):
    adapted = attach(model, LORA, None)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    trained = {n: p.detach().clone() for n, p in adapted.named_parameters() if p.requires_grad}
    adapter_of(adapted).save(tmp_path / "a")
    adapted.unload()
    again = attach(model, LORA, tmp_path / "a")
    weights = {n: p for n, p in again.named_parameters() if p.requires_grad}
    assert weights.keys() == trained.keys()
    assert all(torch.equal(weights[name], trained[name]) for name in trained)
