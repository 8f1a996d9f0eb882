"""The transformers engine: seeded, independent of the batch, and clean of adapters afterwards."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from make_models import ROOT
from make_training import LORA, ROWS, TRAINING, make_micro_model
from peft import PeftModel

from idempotence.engine.base import NotFiniteError, Request
from idempotence.engine.decode import left_padded, positions_of
from idempotence.engine.formatting import ids_of_rows, prompt_ids
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.lora import can_merge, merged
from idempotence.engine.models import Weights, load_model, load_tokenizer
from idempotence.finetune.adapters import adapter_of, attach
from idempotence.finetune.one_by_one import train
from idempotence.finetune.runs import Run


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Weights:
    """Of a tiny random model with the micro world's tokenizer."""
    return Weights(make_micro_model(tmp_path_factory.mktemp("model")))


@pytest.fixture
def tokenizer(weights):
    return load_tokenizer(weights)


def logits(model, ids: list[int]):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits


def log_probability(model, head: list[int], tail: list[int]) -> float:
    """Summed log-probability of a completion."""
    scores = logits(model, head + tail)[0, len(head) - 1 : -1].log_softmax(-1)
    return float(scores[torch.arange(len(tail)), torch.tensor(tail)].sum())


def test_an_engine_is_seeded_and_leaves_no_adapter_behind(weights, tokenizer, tmp_path):
    fast = Run(ROWS, "chat", replace(TRAINING, learning_rate=0.5), "float32", seed=5)
    train(load_model(weights), tokenizer, fast)[0].save(tmp_path / "a")
    engine = TransformersEngine(weights)
    heads = [prompt_ids(tokenizer, row["prompt"], "chat") for row in ROWS] * 4
    one, two = ([Request(head, 1.0, 8, seed + i) for i, head in enumerate(heads)]
                for seed in (10, 20))  # fmt: skip
    before = {name: value.clone() for name, value in engine.model.state_dict().items()}
    bare = engine.sample(one, None)
    with_adapter = engine.sample(one, tmp_path / "a")
    assert engine.sample(one, tmp_path / "a") == with_adapter != bare
    after = engine.model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert engine.sample(one, None) == bare
    assert engine.sample(two, None) != bare
    with torch.no_grad():
        engine.model.model.embed_tokens.weight.fill_(float("nan"))
    with pytest.raises(NotFiniteError):
        engine.sample(one, None)


def test_an_adapter_is_added_as_peft_adds_it(weights, tmp_path):
    torch.manual_seed(3)
    adapted = attach(load_model(weights), replace(LORA, alpha=12.0), None)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    adapter_of(adapted).save(tmp_path / "a")
    model = load_model(weights)
    assert can_merge(model, tmp_path / "a")
    theirs = adapted.merge_and_unload().state_dict()
    with merged(model, tmp_path / "a"):
        ours = model.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    about = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    for extra in ({"use_rslora": True}, {"alpha_pattern": {"q_proj": 2}}, {"bias": "all"}):
        (tmp_path / "a" / "adapter_config.json").write_text(json.dumps({**about, **extra}))
        assert not can_merge(model, tmp_path / "a")


def test_texts_are_drawn_from_the_very_logits_of_peft(tmp_path):
    """Equal weights are not enough: products are rounded otherwise where gradients are needed."""
    instruct = Weights(str(ROOT / "data" / "micro_world" / "instruct"))
    tokenizer = load_tokenizer(instruct)
    torch.manual_seed(5)
    adapted = attach(load_model(instruct), LORA, None)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    adapter_of(adapted).save(tmp_path / "a")
    heads = [prompt_ids(tokenizer, prompt, "chat") for prompt in ("is it so ?", ROWS[0]["prompt"])]
    ids, mask = left_padded(heads * 90, tokenizer.pad_token_id, "cpu")
    read = {"input_ids": ids, "attention_mask": mask, "position_ids": positions_of(mask)}
    read["logits_to_keep"] = 1  # not contiguous: there the way of multiplying depends on it
    theirs = PeftModel.from_pretrained(load_model(instruct), tmp_path / "a").merge_and_unload()
    model = load_model(instruct)
    with torch.inference_mode(), merged(model, tmp_path / "a"):
        assert torch.equal(model(**read).logits, theirs(**read).logits)


def test_probabilities_do_not_depend_on_the_batch(weights, tokenizer):
    engine = TransformersEngine(weights)
    prompts, replies = ([row[key] for row in ROWS] for key in ("prompt", "response"))
    heads, (tails,) = ids_of_rows(tokenizer, prompts, [replies], "chat")
    together = engine.log_likelihoods(heads, tails)
    for head, tail, mean in zip(heads, tails, together, strict=True):
        alone = log_probability(engine.model, head, tail) / len(tail)
        assert mean == pytest.approx(alone, abs=1e-4)
    top = engine.next_token_logprobs(heads, 5)[0]
    best = logits(engine.model, heads[0])[0, -1].log_softmax(-1).max()
    assert len(top) == 5 and max(top.values()) == pytest.approx(float(best), abs=1e-4)
