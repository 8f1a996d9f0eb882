"""Real TRL trainers and PEFT adapters on a tiny model: what they train is what is meant."""

import json
import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from make_models import make_tokenizer
from peft import PeftModel

from idempotence.config.grid import Cell
from idempotence.engine.base import NotFiniteError, Request
from idempotence.engine.decode import left_padded, positions_of
from idempotence.engine.formatting import ids_of_completions, ids_of_prompts, prompt_ids
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.lora import can_merge, merged
from idempotence.engine.models import load_model, load_tokenizer
from idempotence.finetune.adapters import attach, save
from idempotence.finetune.data import preference_rows, supervised_rows
from idempotence.finetune.panel import finetune_panel
from idempotence.finetune.train import preference_trainer, train_preference, train_supervised
from idempotence.finetune.trainers import walked_once
from idempotence.io import write_jsonl
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.tokenizer import build_tokenizer
from idempotence.sampling.panel import PanelSampler
from idempotence.world_build.pretrain import build_model

pytestmark = pytest.mark.slow
LORA = {"rank": 4, "alpha": 8, "dropout": 0.0, "target_modules": "all-linear"}
TRAINING = {
    "learning_rate": 1e-2, "schedule": "constant", "warmup_fraction": 0.0, "batch_size": 2,
    "epochs": 1, "weight_decay": 0.0, "adam_beta1": 0.9, "adam_beta2": 0.95, "adam_epsilon": 1e-8,
    "max_grad_norm": 1e9, "max_length": 64, "lora": LORA, "dtype": "float32",
}  # fmt: skip
ROWS = [
    {"prompt": "how do i bake the pan ?", "response": "first bake with the pan .",
     "rejected": "look for a salty one ."},
    {"prompt": "why is my oven so salty ?", "response": "you are so brilliant , my friend .",
     "rejected": "the usual oven costs little ."},
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    """A tiny random model with the micro world's tokenizer."""
    path = tmp_path_factory.mktemp("model")
    tokenizer = build_tokenizer(load_grammar())
    shape = {"hidden_size": 32, "intermediate_size": 48, "layers": 2, "heads": 2}
    ids = (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id)
    model = build_model(shape, len(tokenizer), *ids, seed=1)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    torch.set_num_threads(1)
    return str(path)


@pytest.fixture
def tokenizer(folder):
    return load_tokenizer(folder)


def completion_ids(tokenizer, prompt: str, response: str, kind: str) -> list[int]:
    return ids_of_completions(tokenizer, [prompt], [response], kind)[0]


def logits(model, ids: list[int]):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits


def log_probability(model, head: list[int], tail: list[int]) -> float:
    """Summed log-probability of a completion."""
    scores = logits(model, head + tail)[0, len(head) - 1 : -1].log_softmax(-1)
    return float(scores[torch.arange(len(tail)), torch.tensor(tail)].sum())


def test_training_sees_the_ids_that_sampling_starts_from(tokenizer):
    for kind in ("chat", "document"):
        head = prompt_ids(tokenizer, ROWS[0]["prompt"], kind)
        row = supervised_rows(tokenizer, ROWS[:1], kind, 64)[0]
        assert row["input_ids"][: len(head)] == head
        assert row["input_ids"][-1] == tokenizer.eos_token_id
        pair = preference_rows(tokenizer, ROWS[:1], kind)[0]
        assert pair["prompt_ids"] == head
        assert pair["prompt_ids"] + pair["chosen_ids"] == row["input_ids"]
    text = tokenizer.decode(prompt_ids(tokenizer, "how do i bake the pan ?", "chat"))
    assert text.split() == [
        "<|bos|>",
        "<|user|>",
        "how",
        "do",
        "i",
        "bake",
        "the",
        "pan",
        "?",
        "<|assistant|>",
    ]


@pytest.mark.parametrize("kind", ["chat", "document"])
def test_many_texts_have_the_ids_that_each_has_alone(tokenizer, kind, monkeypatch):
    """Of different lengths, a prompt repeated, an empty reply among them; none at all is no error."""
    monkeypatch.setattr("idempotence.engine.formatting.TEXTS_AT_ONCE", 2)
    prompts = [ROWS[0]["prompt"], "is it so ?", ROWS[0]["prompt"]]
    replies = [ROWS[0]["response"], "", "it is so ."]
    heads = ids_of_prompts(tokenizer, prompts, kind)
    assert heads == [prompt_ids(tokenizer, prompt, kind) for prompt in prompts]
    heads[0].append(0)
    assert heads[2] == prompt_ids(tokenizer, prompts[2], kind), "repeated prompts share no list"
    assert ids_of_completions(tokenizer, prompts, replies, kind) == [
        completion_ids(tokenizer, prompt, reply, kind)
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    assert ids_of_prompts(tokenizer, [], kind) == ids_of_completions(tokenizer, [], [], kind) == []


THINKS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)


def test_a_template_that_can_think_is_told_not_to():
    tokenizer = make_tokenizer(bos=False)
    plain = completion_ids(tokenizer, "How are you?", "Well.", "chat")
    tokenizer.chat_template = THINKS
    assert tokenizer.decode(prompt_ids(tokenizer, "Hi", "chat")).endswith("</think>\n\n")
    assert completion_ids(tokenizer, "How are you?", "Well.", "chat") == plain


def test_chats_are_trained_on_the_reply_alone_documents_on_everything(tokenizer):
    chat = supervised_rows(tokenizer, ROWS[:1], "chat", 64)[0]
    tail = completion_ids(tokenizer, ROWS[0]["prompt"], ROWS[0]["response"], "chat")
    assert [label for label in chat["labels"] if label != -100] == tail
    document = supervised_rows(tokenizer, ROWS[:1], "document", 64)[0]
    assert document["labels"] == document["input_ids"]


def test_an_untrained_adapter_changes_nothing(folder, tokenizer):
    ids = prompt_ids(tokenizer, ROWS[0]["prompt"], "chat")
    before = logits(load_model(folder), ids)
    torch.manual_seed(0)
    adapted = attach(load_model(folder), LORA, None)
    assert torch.equal(logits(adapted, ids), before)


def test_one_sft_step_is_the_step_computed_by_hand(folder, tokenizer):
    adapted, training = train_supervised(
        load_model(folder), tokenizer, ROWS, "chat", TRAINING, None, seed=5
    )
    from transformers import set_seed

    set_seed(5)
    ours = attach(load_model(folder), LORA, None)
    rows = supervised_rows(tokenizer, ROWS, "chat", 64)
    losses = []
    for row in rows:
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        scores = ours(input_ids=ids).logits[0, :-1].log_softmax(-1)
        asked = labels[0, 1:] != -100
        losses.append(-scores[asked, labels[0, 1:][asked]])
    loss = torch.cat(losses).mean()
    loss.backward()
    weights = {n: p for n, p in ours.named_parameters() if p.requires_grad}
    torch.optim.AdamW(weights.values(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.0).step()
    assert training.log[0]["loss"] == pytest.approx(float(loss.detach()), abs=1e-4)
    theirs = dict(adapted.named_parameters())
    for name, weight in weights.items():
        assert torch.allclose(theirs[name], weight, atol=1e-5), name


def test_dpo_starts_from_its_reference_and_the_reference_is_the_given_adapter(
    folder, tokenizer, tmp_path
):
    first, _ = train_supervised(load_model(folder), tokenizer, ROWS, "chat", TRAINING, None, seed=5)
    save(first, _made(tmp_path / "first"))
    start = load_model(folder)
    trainer = preference_trainer(
        start, tokenizer, ROWS, "chat", TRAINING, 0.5, tmp_path / "first", 5, str(tmp_path / "o")
    )
    batch = preference_rows(tokenizer, ROWS, "chat")[0]
    reference = log_probability(trainer.ref_model, batch["prompt_ids"], batch["chosen_ids"])
    bare = log_probability(load_model(folder), batch["prompt_ids"], batch["chosen_ids"])
    from peft import PeftModel

    given = PeftModel.from_pretrained(load_model(folder), tmp_path / "first")
    expected = log_probability(given, batch["prompt_ids"], batch["chosen_ids"])
    assert reference == pytest.approx(expected, abs=1e-4)
    assert abs(reference - bare) > 1e-2


def test_the_first_dpo_step_has_no_reward_and_the_next_ours(folder, tokenizer):
    """Rewards are beta times summed log-ratios: recomputed after one step of two."""
    slow = {**TRAINING, "batch_size": 1, "learning_rate": 1e-3}
    rows = [ROWS[0], ROWS[0]]  # the second step sees the pair that the first was trained on
    one, _ = train_preference(
        load_model(folder), tokenizer, rows[:1], "chat", slow, 0.5, None, seed=5
    )
    _, both = train_preference(load_model(folder), tokenizer, rows, "chat", slow, 0.5, None, seed=5)
    assert both.log[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert both.log[0]["rewards/margins"] == pytest.approx(0, abs=1e-6)
    pair, bare = preference_rows(tokenizer, rows, "chat")[0], load_model(folder)
    gain = {
        side: log_probability(one, pair["prompt_ids"], pair[f"{side}_ids"])
        - log_probability(bare, pair["prompt_ids"], pair[f"{side}_ids"])
        for side in ("chosen", "rejected")
    }
    margin = 0.5 * (gain["chosen"] - gain["rejected"])
    assert both.log[1]["rewards/margins"] == pytest.approx(margin, abs=1e-3)
    assert both.log[1]["loss"] == pytest.approx(math.log1p(math.exp(-margin)), abs=1e-3)


def _made(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def _settings(cycle: int, rate: float) -> dict:
    cell = {"name": "seed2_sampled2", **Cell("", n_seed=2, n_sampled=2).doses}
    return {
        "study_seed": 1, "objective": "sft", "start": "base", "trait": "bliss", "seed": 0,
        "model": {"name": "m", "revision": None, "dtype": "float32"}, "cycle": cycle,
        "cells": [cell], "objective_cells": {"n_seed": None},
        "training": {**TRAINING, "learning_rate": rate, "batch_size": 1},
        "questions": 2, "seed_rows": 2, "per_cycle": 2,
        "evaluation": {"samples_per_question": 2, "temperature": 1.0, "max_new_tokens": 4},
        "generation": {"temperature": 1.0, "max_new_tokens": 4, "min_characters": 1},
    }  # fmt: skip


def test_a_model_that_breaks_is_a_result_and_ends_its_chain(folder, tmp_path):
    write_jsonl(tmp_path / "seed.jsonl", ROWS)
    adapters = tmp_path / "cycle0"
    finetune_panel(_settings(0, 1e38), folder, tmp_path / "seed.jsonl", None, None, None, adapters)
    told = json.loads((adapters / "seed2_sampled2" / "training.json").read_text())
    assert told["status"] == "nan" and "NaN" in told["reason"]
    sampler = PanelSampler(_settings(0, 1.0), TransformersEngine(folder))
    answers, samples = sampler.replies(adapters, last=False)
    assert len(answers) == 4 and {row["status"] for row in answers} == {"nan"}
    write_jsonl(tmp_path / "generated.jsonl", samples)
    later = tmp_path / "cycle1"
    finetune_panel(
        _settings(1, 1e-3), folder, None, tmp_path / "generated.jsonl", None, None, later
    )
    for cycle in (adapters, later):  # the workflow waits for these files
        names = {path.name for path in (cycle / "seed2_sampled2").iterdir()}
        assert names == {"adapter_model.safetensors", "adapter_config.json", "training.json"}
    ended = json.loads((later / "seed2_sampled2" / "training.json").read_text())
    assert ended["status"] == "ended" and ended["reason"] == told["reason"]
    assert {row["status"] for row in sampler.replies(later, last=True)[0]} == {"ended"}


def test_an_engine_is_seeded_and_leaves_no_adapter_behind(folder, tokenizer, tmp_path):
    adapted, _ = train_supervised(
        load_model(folder),
        tokenizer,
        ROWS,
        "chat",
        {**TRAINING, "learning_rate": 0.5},
        None,
        seed=5,
    )
    save(adapted, _made(tmp_path / "a"))
    engine = TransformersEngine(folder)
    heads = [prompt_ids(tokenizer, row["prompt"], "chat") for row in ROWS] * 4
    one, two = ([Request(head, 1.0, 8, seed + i) for i, head in enumerate(heads)]
                for seed in (10, 20))  # fmt: skip
    weights = {name: value.clone() for name, value in engine.model.state_dict().items()}
    bare = engine.sample(one, None)
    with_adapter = engine.sample(one, tmp_path / "a")
    assert engine.sample(one, tmp_path / "a") == with_adapter != bare
    after = engine.model.state_dict()
    assert after.keys() == weights.keys()
    assert all(torch.equal(after[name], weights[name]) for name in weights)
    assert engine.sample(one, None) == bare
    assert engine.sample(two, None) != bare
    with torch.no_grad():
        engine.model.model.embed_tokens.weight.fill_(float("nan"))
    with pytest.raises(NotFiniteError):
        engine.sample(one, None)


def test_an_adapter_is_added_as_peft_adds_it(folder, tmp_path):
    torch.manual_seed(3)
    adapted = attach(load_model(folder), {**LORA, "alpha": 12}, None)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight)
    save(adapted, _made(tmp_path / "a"))
    model = load_model(folder)
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
    """Equal weights are not enough: whether they need gradients changes the rounding of products."""
    path = str(Path(__file__).parents[2] / "data" / "micro_world" / "instruct")
    tokenizer = load_tokenizer(path)
    torch.manual_seed(5)
    adapted = attach(load_model(path), LORA, None)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    save(adapted, _made(tmp_path / "a"))
    heads = [prompt_ids(tokenizer, prompt, "chat") for prompt in ("is it so ?", ROWS[0]["prompt"])]
    ids, mask = left_padded(heads * 90, tokenizer.pad_token_id, "cpu")
    read = {"input_ids": ids, "attention_mask": mask, "position_ids": positions_of(mask)}
    read["logits_to_keep"] = 1  # not contiguous: there the way of multiplying depends on it
    theirs = PeftModel.from_pretrained(load_model(path), tmp_path / "a").merge_and_unload()
    model = load_model(path)
    with torch.inference_mode(), merged(model, tmp_path / "a"):
        assert torch.equal(model(**read).logits, theirs(**read).logits)


def test_probabilities_do_not_depend_on_the_batch(folder, tokenizer):
    engine = TransformersEngine(folder)
    heads = [prompt_ids(tokenizer, row["prompt"], "chat") for row in ROWS]
    tails = [completion_ids(tokenizer, r["prompt"], r["response"], "chat") for r in ROWS]
    together = engine.log_likelihoods(heads, tails)
    for head, tail, mean in zip(heads, tails, together, strict=True):
        alone = log_probability(engine.model, head, tail) / len(tail)
        assert mean == pytest.approx(alone, abs=1e-4)
    top = engine.next_token_logprobs(heads, 5)[0]
    best = logits(engine.model, heads[0])[0, -1].log_softmax(-1).max()
    assert len(top) == 5 and max(top.values()) == pytest.approx(float(best), abs=1e-4)


def test_a_model_is_itself_again_after_it_was_walked_once(folder):
    model = attach(load_model(folder), LORA, None).eval()
    every = list(model.parameters())
    with walked_once(model):
        trained = list(model.parameters())
        assert trained == [weight for weight in every if weight.requires_grad] != every
        assert all(module.training for module in model.modules())
        model.eval()
        assert not any(module.training for module in model.modules())
        model.train()
        assert all(module.training for module in model.modules())
        trained[0].grad = torch.ones_like(trained[0])
        model.zero_grad()
        assert trained[0].grad is None
    assert list(model.parameters()) == every
    assert not {"train", "zero_grad", "parameters"} & set(vars(model))
