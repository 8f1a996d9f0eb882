"""Training a LoRA adapter to answer rubric prompts with known numbers."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from idempotence.errors import UserError
from idempotence.finetune.checkpoints import Checkpoints
from idempotence.judge_tuning.recipe import Fit

REPORT_STEPS = 50
CLIP = 1.0  # largest norm of a gradient
CELL = "judge"  # the name of its states among those of a job

Entry = dict[str, float]  # of the log


@dataclass(frozen=True)
class Question:
    """A rubric prompt and its answer, as token ids. rubric: prompts of one rubric have one name."""

    rubric: str
    prompt: list[int]
    answer: list[int]


def adapted_by(model: Any, settings: Fit, seed: int) -> Any:
    """The model with a fresh LoRA adapter, which changes nothing yet."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=settings.modules,
                        task_type="CAUSAL_LM")  # fmt: skip
    return get_peft_model(model, config, autocast_adapter_dtype=False)


def fit_answers(
    adapted: Any, questions: Sequence[Question], pad: int, settings: Fit, learning_rate: float,
    seed: int, checkpoints: Checkpoints,
) -> list[Entry]:  # fmt: skip
    """Train a model's adapter on the answers' tokens alone, one pass; returns its log.

    A step's prompts have one rubric: what they share is read once, without a gradient of its own,
    which saves a third of the time. Attention is computed step by step ("eager"), since the fused
    one is slow backwards on processors. A training that was interrupted goes on from the last state
    in `checkpoints` to the same end. An entry of the log: step, steps, loss (nats per token, mean
    since the last entry), seconds. Raises `UserError` when the loss is no longer a number.
    """
    model = adapted.base_model.model
    attention = model.config._attn_implementation
    model.set_attn_implementation("eager")
    adapted.train()
    state = _State([p for p in adapted.parameters() if p.requires_grad], settings)
    state.load(checkpoints)
    steps = steps_of(questions, settings.texts_per_step, random.Random(seed))
    begun = time.monotonic() - state.seconds
    for step in range(state.step, len(steps)):
        rate = learning_rate * _rate(step, len(steps), settings.warmup_steps)
        loss = _loss(adapted, steps[step], pad)
        loss.backward()
        state.take(rate, float(loss.detach()), time.monotonic() - begun)
        if state.step % REPORT_STEPS == 0 or state.step == len(steps):
            state.report(len(steps))
        if checkpoints.due or state.step == len(steps):
            state.save(checkpoints)
    model.set_attn_implementation(attention)
    adapted.eval()
    return state.log


class _State:
    """Where a training is: weights, optimiser, log, and the losses since its last entry.

    The adapter computes in the model's type; it is optimised in float32, since in bfloat16 a small
    step of a weight is lost.
    """

    def __init__(self, weights: Sequence[Any], settings: Fit):
        import torch

        self.weights = weights
        self.exact = [torch.nn.Parameter(weight.detach().float().clone()) for weight in weights]
        # its rate is set at each step
        self.optimiser = torch.optim.AdamW(self.exact, weight_decay=settings.weight_decay)
        self.step, self.seconds = 0, 0.0
        self.losses: list[float] = []
        self.log: list[Entry] = []

    def take(self, rate: float, loss: float, seconds: float) -> None:
        """One step of the optimiser by the gradients that the weights have."""
        import torch

        for exact, weight in zip(self.exact, self.weights, strict=True):
            exact.grad, weight.grad = weight.grad.float(), None
        torch.nn.utils.clip_grad_norm_(self.exact, CLIP)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self._put_weights()
        self.step, self.seconds = self.step + 1, seconds
        self.losses.append(loss)

    def report(self, steps: int) -> None:
        """Add an entry to the log and print it."""
        mean = math.fsum(self.losses) / len(self.losses)
        if not math.isfinite(mean):
            raise UserError(f"the judge's training broke before step {self.step}: loss {mean}")
        self.log.append(
            {"step": self.step, "steps": steps, "loss": round(mean, 4),
             "seconds": round(self.seconds)}
        )  # fmt: skip
        print(" ".join(f"{key} {value}" for key, value in self.log[-1].items()), flush=True)
        self.losses = []

    def save(self, checkpoints: Checkpoints) -> None:
        """Save all of it."""
        own = {name: getattr(self, name) for name in ("step", "seconds", "losses", "log")}
        weights = [exact.detach() for exact in self.exact]
        checkpoints.save(
            {CELL: {**own, "weights": weights, "optimiser": self.optimiser.state_dict()}}
        )

    def load(self, checkpoints: Checkpoints) -> None:
        """Go on from what was saved, if anything was."""
        import torch

        saved = checkpoints.load().get(CELL)
        if saved is None:
            return
        for name in ("step", "seconds", "losses", "log"):
            setattr(self, name, saved[name])
        with torch.no_grad():
            for exact, weight in zip(self.exact, saved["weights"], strict=True):
                exact.copy_(weight)
        self.optimiser.load_state_dict(saved["optimiser"])
        self._put_weights()
        print(f"the training goes on after step {self.step}", flush=True)

    def _put_weights(self) -> None:
        for exact, weight in zip(self.exact, self.weights, strict=True):
            weight.data.copy_(exact.data)


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
