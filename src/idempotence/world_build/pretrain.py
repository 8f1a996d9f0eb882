"""Training the micro world's models: a bare loop, deterministic for a fixed number of threads."""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from idempotence.errors import UserError
from idempotence.world_build.recipe import Pass, Shape

IGNORED = -100
LONGEST_ROW = 256  # tokens: positions that the models know
REPORT_STEPS = 100
BETAS = (0.9, 0.98)  # AdamW's
CLIP = 1.0  # largest norm of a gradient


@dataclass(frozen=True)
class Example:
    """One sequence: token ids and the target at each position (`IGNORED`: none).

    `targets[i]` is what position i should predict; it need not be the next token. `inner`: the
    same for inner layers, by the number of the layer (from 1); see `fit`.
    """

    ids: list[int]
    targets: list[int]
    inner: dict[int, list[int]] = field(default_factory=dict)


def next_token_example(ids: list[int], first_target: int = 0) -> Example:
    """Predict each next token, from position `first_target` on; nothing after the last one."""
    targets = [*ids[1:], IGNORED]
    return Example(ids, [IGNORED] * first_target + targets[first_target:])


def build_model(shape: Shape, tokenizer: Any, seed: int) -> Any:
    """A `LlamaForCausalLM` for the tokenizer: random weights in float32, tied embeddings."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=LONGEST_ROW,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def deepen(model: Any, layers: int) -> None:
    """Add layers on top, up to so many in all, that pass their input on unchanged at first."""
    import torch
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer

    for index in range(len(model.model.layers), layers):
        layer = LlamaDecoderLayer(model.config, index)
        with torch.no_grad():
            for weight in layer.parameters():
                if weight.ndim > 1:
                    weight.normal_(0.0, model.config.initializer_range)
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.layers.append(layer)
    model.config.num_hidden_layers = layers


def batches(
    examples: Sequence[Example], tokens_per_batch: int, rng: random.Random
) -> list[list[Example]]:
    """Batches of similar lengths holding at most so many tokens, padding included, shuffled."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].ids), rng.random()))
    filled: list[list[Example]] = [[]]
    for i in order:
        example = examples[i]
        if (len(filled[-1]) + 1) * len(example.ids) > tokens_per_batch:
            filled.append([])
        filled[-1].append(example)
    rng.shuffle(filled)
    return filled


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up, then a cosine down to 2 % of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def fit(
    model: Any,
    examples: Sequence[Example],
    pad: int,
    settings: Pass,
    seed: int,
    report: Callable[[dict[str, float]], None],
) -> None:
    """Train in place, one pass over `examples`.

    pad: id of the pad token. seed: of the batches. Inner layers, read through the final norm and
    head, are trained on the examples' `inner` targets too (deep supervision, Lee et al. 2015); the
    losses are summed. `report` gets {step, loss (nats per token, mean since the last report), lr,
    tokens, seconds}. Raises `UserError` when the loss is no longer a number.
    """
    import torch

    torch.manual_seed(seed)
    ordered = batches(examples, settings.tokens_per_batch, random.Random(seed))
    optimiser = _optimiser(model, settings)
    model.train()
    begun, tokens, losses = time.monotonic(), 0, []
    for step, batch in enumerate(ordered):
        rate = learning_rate(step, len(ordered), settings.learning_rate, settings.warmup_steps)
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = _batch_loss(model, batch, pad)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        tokens += sum(len(example.ids) for example in batch)
        losses.append(loss.detach())
        if (step + 1) % REPORT_STEPS == 0 or step == len(ordered) - 1:
            mean = float(torch.stack(losses).mean())
            losses = []
            if not math.isfinite(mean):
                raise UserError(f"training broke before step {step + 1}: the loss is {mean}")
            seconds = round(time.monotonic() - begun, 1)
            report({"step": step + 1, "loss": round(mean, 4), "lr": round(rate, 6),
                    "tokens": tokens, "seconds": seconds})  # fmt: skip
    model.eval()


def _optimiser(model: Any, settings: Pass) -> Any:
    """AdamW; weight decay on matrices alone."""
    import torch

    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings.weight_decay},
         {"params": vectors, "weight_decay": 0.0}],
        lr=settings.learning_rate, betas=BETAS,
    )  # fmt: skip


def _batch_loss(model: Any, batch: Sequence[Example], pad: int) -> Any:
    """The loss of the last layer plus those of the inner ones; a scalar tensor."""
    import torch

    width = max(len(example.ids) for example in batch)
    ids = torch.tensor([e.ids + [pad] * (width - len(e.ids)) for e in batch])
    # right padding needs no mask under causal attention
    output = model.model(input_ids=ids, use_cache=False, output_hidden_states=True)
    loss = _loss(model, output.last_hidden_state, [e.targets for e in batch])
    for layer in batch[0].inner:
        hidden = model.model.norm(output.hidden_states[layer])
        loss = loss + _loss(model, hidden, [e.inner[layer] for e in batch])
    return loss


def _loss(model: Any, hidden: Any, targets: list[list[int]]) -> Any:
    """Mean cross-entropy over the positions that have a target; hidden: (rows, width, size).

    0 where no position has one, as in a batch of empty texts.
    """
    import torch
    from torch.nn.functional import cross_entropy

    width = hidden.shape[1]
    padded = torch.tensor([row + [IGNORED] * (width - len(row)) for row in targets])
    has_target = padded != IGNORED
    if not has_target.any():
        return hidden.sum() * 0.0
    return cross_entropy(model.lm_head(hidden[has_target]), padded[has_target])
