"""Training a LoRA adapter to answer rubric prompts with known numbers."""

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from idempotence.errors import UserError
from idempotence.judge_tuning.recipe import Fit

REPORT_STEPS = 50
CLIP = 1.0  # largest norm of a gradient


@dataclass(frozen=True)
class Question:
    """A rubric prompt and its answer, as token ids. rubric: prompts of one rubric have one name."""

    rubric: str
    prompt: list[int]
    answer: list[int]


def fit_answers(
    model: Any, questions: Sequence[Question], pad: int, settings: Fit, seed: int,
    report: Callable[[dict[str, float]], None],
) -> Any:  # fmt: skip
    """The model with a LoRA adapter trained on the answers' tokens alone, one pass.

    A step's prompts have one rubric: what they share is read once, without a gradient of its own,
    which saves a third of the time. `report` gets {step, steps, loss (nats per token, mean since
    the last report), seconds}. Raises `UserError` when the loss is no longer a
    number.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules="all-linear",
                        task_type="CAUSAL_LM")  # fmt: skip
    adapted = get_peft_model(model, config).train()
    weights = [p for p in adapted.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    steps = steps_of(questions, settings.texts_per_step, random.Random(seed))
    begun, losses = time.monotonic(), []
    for step, batch in enumerate(steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate(step, len(steps), settings.warmup_steps)
        loss = _loss(adapted, batch, pad)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, CLIP)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
        if (step + 1) % REPORT_STEPS == 0 or step == len(steps) - 1:
            mean = math.fsum(losses) / len(losses)
            if not math.isfinite(mean):
                raise UserError(f"the judge's training broke before step {step + 1}: loss {mean}")
            seconds = round(time.monotonic() - begun)
            report(
                {"step": step + 1, "steps": len(steps), "loss": round(mean, 4), "seconds": seconds}
            )
            losses = []
    return adapted.eval()


def steps_of(questions: Sequence[Question], size: int, rng: random.Random) -> list[list[Question]]:
    """Batches of at most so many questions of one rubric and of like length, in random order."""
    of_rubric: dict[str, list[Question]] = {}
    for question in questions:
        of_rubric.setdefault(question.rubric, []).append(question)
    steps = []
    for own in of_rubric.values():
        own.sort(key=lambda question: (len(question.prompt), rng.random()))
        steps += [own[start : start + size] for start in range(0, len(own), size)]
    rng.shuffle(steps)
    return steps


def _rate(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up to 1, then a cosine down to 0.02."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


def _loss(model: Any, batch: Sequence[Question], pad: int) -> Any:
    """Mean cross-entropy over the answers' tokens; a scalar tensor."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import DynamicCache

    rows = [[*q.prompt, *q.answer] for q in batch]
    shared = _shared(rows, min(len(q.prompt) for q in batch) - 1)
    tails = [row[shared:] for row in rows]
    width = max(map(len, tails))
    ids = torch.tensor([tail + [pad] * (width - len(tail)) for tail in tails])
    cache = DynamicCache(config=model.config)
    if shared:
        head = torch.tensor([rows[0][:shared]])
        with torch.no_grad():  # what is learnt of the rubric is learnt where the text looks at it
            model.base_model.model.model(input_ids=head, past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(len(rows))
    # padding is behind, so causal attention never reads it
    hidden = model.base_model.model.model(
        input_ids=ids, past_key_values=cache, use_cache=True
    ).last_hidden_state
    at, targets = [], []
    for i, (question, tail) in enumerate(zip(batch, tails, strict=True)):
        first = len(tail) - len(question.answer)
        at += [(i, first - 1 + k) for k in range(len(question.answer))]
        targets += question.answer
    chosen = hidden[tuple(torch.tensor(at).t())]
    return cross_entropy(model.base_model.model.lm_head(chosen).float(), torch.tensor(targets))


def _shared(rows: Sequence[list[int]], most: int) -> int:
    """How many tokens all rows share from their beginning, at most `most`."""
    for i in range(most):
        if any(row[i] != rows[0][i] for row in rows):
            return i
    return max(most, 0)
