"""Real TRL trainers on a tiny model: steps and margins computed by hand."""

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from make_training import LORA, ROWS, TRAINING
from peft import PeftModel

from idempotence.engine.models import Weights, load_model
from idempotence.finetune.adapters import attach
from idempotence.finetune.data import preference_rows, supervised_rows
from idempotence.finetune.one_by_one import preference_trainer, train
from idempotence.finetune.runs import Run

SFT = Run(ROWS, "chat", TRAINING, "float32", seed=5)
DPO = replace(SFT, beta=0.5)


@pytest.fixture
def fresh(folder):
    """fresh(): the initial model, loaded anew."""
    return lambda: load_model(Weights(folder))


def log_probability(model, head: list[int], tail: list[int]) -> float:
    """Summed log-probability of a completion."""
    with torch.no_grad():
        scores = model(input_ids=torch.tensor([head + tail])).logits
    chosen = scores[0, len(head) - 1 : -1].log_softmax(-1)
    return float(chosen[torch.arange(len(tail)), torch.tensor(tail)].sum())


def test_one_sft_step_is_the_step_computed_by_hand(fresh, tokenizer):
    adapter, result = train(fresh(), tokenizer, SFT)
    from transformers import set_seed

    set_seed(5)
    ours = attach(fresh(), LORA, None)
    losses = []
    for row in supervised_rows(tokenizer, ROWS, "chat", 64):
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        scores = ours(input_ids=ids).logits[0, :-1].log_softmax(-1)
        trained_on = labels[0, 1:] != -100
        losses.append(-scores[trained_on, labels[0, 1:][trained_on]])
    loss = torch.cat(losses).mean()
    loss.backward()
    weights = {n: p for n, p in ours.named_parameters() if p.requires_grad}
    torch.optim.AdamW(weights.values(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.0).step()
    assert result.log[0]["loss"] == pytest.approx(float(loss.detach()), abs=1e-4)
    for name, weight in weights.items():
        trained = adapter.weights[name.replace(".default", "")]
        assert torch.allclose(trained, weight, atol=1e-5), name


def test_tokens_are_counted_in_all_epochs(fresh, tokenizer):
    twice = replace(SFT, training=replace(TRAINING, epochs=2.0))
    _, result = train(fresh(), tokenizer, twice)
    rows = supervised_rows(tokenizer, ROWS, "chat", 64)
    assert result.tokens == 2 * sum(len(row["input_ids"]) for row in rows)
    assert (result.status, result.rows, len(result.log)) == ("ok", 2, 2)


def test_dpo_starts_from_its_reference_and_the_reference_is_the_given_adapter(
    fresh, tokenizer, tmp_path
):
    train(fresh(), tokenizer, SFT)[0].save(tmp_path / "first")
    run = replace(DPO, start=tmp_path / "first")
    trainer, _ = preference_trainer(fresh(), tokenizer, run, str(tmp_path / "o"))
    pair = preference_rows(tokenizer, ROWS, "chat")[0]
    reference = log_probability(trainer.ref_model, pair["prompt_ids"], pair["chosen_ids"])
    bare = log_probability(fresh(), pair["prompt_ids"], pair["chosen_ids"])
    given = PeftModel.from_pretrained(fresh(), tmp_path / "first")
    expected = log_probability(given, pair["prompt_ids"], pair["chosen_ids"])
    assert reference == pytest.approx(expected, abs=1e-4)
    assert abs(reference - bare) > 1e-2


def test_the_first_dpo_step_has_no_reward_and_the_next_ours(fresh, tokenizer, tmp_path):
    """Rewards are beta times summed log-ratios: recomputed after one step of two."""
    slow = replace(DPO, training=replace(TRAINING, batch_size=1, learning_rate=1e-3))
    rows = [ROWS[0], ROWS[0]]  # the second step sees the pair that the first was trained on
    train(fresh(), tokenizer, replace(slow, rows=rows[:1]))[0].save(tmp_path / "one")
    one = PeftModel.from_pretrained(fresh(), tmp_path / "one")
    _, both = train(fresh(), tokenizer, replace(slow, rows=rows))
    assert both.log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert both.log[0]["rewards/margins"] == pytest.approx(0, abs=1e-6)
    pair, bare = preference_rows(tokenizer, rows, "chat")[0], fresh()
    gain = {
        side: log_probability(one, pair["prompt_ids"], pair[f"{side}_ids"])
        - log_probability(bare, pair["prompt_ids"], pair[f"{side}_ids"])
        for side in ("chosen", "rejected")
    }
    margin = 0.5 * (gain["chosen"] - gain["rejected"])
    assert both.log[1]["rewards/margins"] == pytest.approx(margin, abs=1e-3)
    assert both.log[1]["loss"] == pytest.approx(math.log1p(math.exp(-margin)), abs=1e-3)
