"""One cell among those that are trained side by side: its rows, its optimiser, its log."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from idempotence.finetune.adapters import are_finite, warmup_steps
from idempotence.finetune.batches import Row, RowOrder
from idempotence.finetune.data import IGNORED
from idempotence.finetune.runs import BROKEN, Run, TrainingResult, plain

SCHEDULES = {"constant": "constant_with_warmup", "cosine": "cosine"}  # ours -> transformers'


class CellRun:
    """A cell's training: AdamW and a schedule of its own over its parameters.

    rows: see `batches.rows_of`; lengths, targets: tokens of each, and those with a loss.
    parameters: of its adapter. reference: (rows, 2), log-probabilities of a row's two replies
    under the start, for preferences. done: steps until now. broken: a
    loss or gradient was not finite; the cell is trained no further. seconds: its share of wall
    time.
    """

    def __init__(self, run: Run, rows: list[Row], parameters: Sequence[torch.nn.Parameter]):
        how = run.training
        self.run, self.rows, self.parameters = run, rows, list(parameters)
        self.lengths = [sum(len(text.ids) for text in row) for row in rows]
        self.targets = [
            sum(label != IGNORED for text in row for label in text.labels[1:]) for row in rows
        ]
        self.order = RowOrder(len(rows), how.batch_size, how.epochs, run.seed)
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=how.learning_rate,
            betas=(how.adam_beta1, how.adam_beta2),
            eps=how.adam_epsilon,
            weight_decay=how.weight_decay,
            fused=True,
        )
        self.schedule = _schedule(self.optimiser, run, self.order)
        self.done, self.broken, self.seconds = 0, False, 0.0
        self.log: list[dict] = []
        self.reference: torch.Tensor | None = None

    @property
    def steps(self) -> int:
        """Optimiser steps in all."""
        return self.order.steps

    @property
    def tokens(self) -> int:
        """Tokens read in all epochs, padding and the reference's passes left out."""
        return round(sum(self.lengths) * self.run.training.epochs)

    def batch(self) -> list[int]:
        """Indices of the rows of its next step."""
        return self.order.batch(self.done)

    def step(self, values: dict[str, float]) -> None:
        """Take an optimiser step, and log it.

        values: its loss, `grad_norm` before clipping, and for preferences the rewards.
        """
        self.done += 1
        if self.broken:
            return
        rate = self.schedule.get_last_lr()[0]
        self.optimiser.step()
        self.schedule.step()
        known = {name: plain(value) for name, value in values.items()}
        entry = {"step": float(self.done), "loss": known["loss"], "grad_norm": known["grad_norm"]}
        self.log.append({**entry, "learning_rate": rate, **known})
        self.broken = not all(math.isfinite(values[name]) for name in ("loss", "grad_norm"))

    def result(self) -> TrainingResult:
        """The outcome after the last step."""
        broken = self.broken or not are_finite(self.parameters)
        status, reason = ("nan", BROKEN) if broken else ("ok", "")
        return TrainingResult(
            status, reason, "stacked", len(self.rows), self.tokens, round(self.seconds, 3), self.log
        )

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train."""
        return self.broken or self.done >= self.steps

    def release(self) -> None:
        """Free the optimiser's memory, once the cell is finished."""
        self.optimiser.state.clear()

    def state(self) -> dict[str, Any]:
        """What `resume` takes, for `torch.save`."""
        state = {
            "weights": [weight.detach().to("cpu", copy=True) for weight in self.parameters],
            "done": self.done, "broken": self.broken, "seconds": self.seconds, "log": self.log,
        }  # fmt: skip
        if not self.finished:
            state["optimiser"] = self.optimiser.state_dict()
            state["schedule"] = self.schedule.state_dict()
        return state

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        for weight, saved in zip(self.parameters, state["weights"], strict=True):
            weight.data.copy_(saved)
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
        self.done, self.broken, self.seconds = state["done"], state["broken"], state["seconds"]
        self.log = state["log"]


def _schedule(optimiser: torch.optim.Optimizer, run: Run, order: RowOrder) -> Any:
    from transformers import get_scheduler

    how = run.training
    warmup = warmup_steps(order.rows, how.batch_size, how.epochs, how.warmup_fraction)
    return get_scheduler(SCHEDULES[how.schedule], optimiser, warmup, order.steps)
