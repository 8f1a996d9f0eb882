"""Panels of cells to train, the two ways of training them in turn, and what they take.

Shared by training.py, wide.py and gpu.py; src is on the path of whoever imports this.
"""

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from idempotence.finetune.runs import Run
from idempotence.jobs.parts import Kind, Lora, Training, TrainingWay
from idempotence.workflow.environment import KEEP_MEMORY, KEEP_SILENT

Runs = Mapping[str, Run]
# of studies/paper.yaml's sft, but for what a benchmark sets itself
HYPERPARAMETERS = Training(
    learning_rate=1.5e-4,
    schedule="constant",
    warmup_fraction=0.05,
    batch_size=2,
    epochs=1.0,
    weight_decay=0.01,
    adam_beta1=0.9,
    adam_beta2=0.95,
    adam_epsilon=1e-8,
    max_grad_norm=1.0,
    max_length=256,
    lora=Lora(rank=16, alpha=32.0, dropout=0.0, target_modules=()),
)
WAYS: tuple[TrainingWay, ...] = ("one_by_one", "stacked")


@dataclass(frozen=True)
class Measured:
    """One training of all cells.

    seconds: by the clock given. tokens: trained on, padding and references left out. read:
    positions of all forward passes, those of references included; padding: of them.
    """

    seconds: float
    tokens: int
    read: int
    padding: int

    @property
    def speed(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds

    @property
    def padded(self) -> float:
        """Share of what was read that is padding."""
        return self.padding / self.read


def start_as_jobs_do() -> None:
    """Begin this program again with the variables that a workflow's jobs have, unless it has them.

    glibc reads them when a process starts.
    """
    wanted = {**KEEP_MEMORY, **KEEP_SILENT}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})


def runs_of(
    rows: Sequence[dict],
    cells: int,
    rows_a_cell: int,
    kind: Kind,
    training: Training,
    betas: Sequence[float | None],
    dtype: str = "float32",
) -> dict[str, Run]:
    """Cells with rows of their own, no row in two of them, and the betas in turn."""
    if cells * rows_a_cell > len(rows):
        raise ValueError(f"{cells} cells of {rows_a_cell} rows need more than {len(rows)} rows")
    return {
        f"c{k}": Run(
            rows=list(rows[k * rows_a_cell : (k + 1) * rows_a_cell]),
            kind=kind,
            training=training,
            dtype=dtype,
            seed=k,
            beta=betas[k % len(betas)],
        )
        for k in range(cells)
    }


def trained_by(way: TrainingWay, runs: Runs, tokens_at_once: int = 0) -> dict[str, Run]:
    """The runs, to be trained in this way; tokens_at_once: 0 for what the runs say."""
    changes: dict[str, Any] = {"way": way}
    if tokens_at_once:
        changes["tokens_at_once"] = tokens_at_once
    return {
        name: replace(run, training=replace(run.training, **changes)) for name, run in runs.items()
    }


def measured(
    model: Any, tokenizer: Any, runs: Runs, clock: Callable[[], float] = time.process_time
) -> Measured:
    """`train_cells`, whole: token ids, adapters, references, steps."""
    import torch

    from idempotence.finetune.checkpoints import Checkpoints
    from idempotence.finetune.ways import train_cells

    gc.collect()  # trainers of the last training refer to one another
    with _counted(model, tokenizer.pad_token_id) as count:
        begun = clock()
        trained = train_cells(model, tokenizer, runs, Checkpoints(None))
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds = clock() - begun
    results = [result for _, result in trained.values()]
    way = next(iter(runs.values())).training.way
    wrong = [result for result in results if result.status != "ok" or result.way != way]
    if wrong:
        raise RuntimeError(f"not trained as asked: {wrong[0].status}, {wrong[0].way}")
    return Measured(seconds, sum(result.tokens for result in results), *count)


@contextmanager
def _counted(model: Any, pad: int) -> Iterator[list[int]]:
    """[positions, of them padding] of the forward passes within.

    On the model below the output layer, since PEFT calls what is around it past its hooks.
    """
    count = [0, 0]

    def add(_, arguments, named) -> None:
        ids = named["input_ids"] if "input_ids" in named else arguments[0]
        count[0] += ids.numel()
        count[1] += int((ids == pad).sum())

    hook = model.base_model.register_forward_pre_hook(add, with_kwargs=True)
    try:
        yield count
    finally:
        hook.remove()


def in_turn(
    model: Any,
    tokenizer: Any,
    variants: Mapping[Any, Runs],
    repeats: int,
    clock: Callable[[], float] = time.process_time,
) -> dict[Any, list[Measured]]:
    """Each variant's trainings, one after the other: a slow minute of the machine slows all."""
    trainings: dict[Any, list[Measured]] = {name: [] for name in variants}
    for i in range(repeats):
        for name in list(variants)[:: 1 if i % 2 == 0 else -1]:
            trainings[name].append(measured(model, tokenizer, variants[name], clock))
    return trainings


def ratios(over: Sequence[Measured], under: Sequence[Measured]) -> list[float]:
    """Speeds of one over those of the other, of trainings that followed one another."""
    return [a.speed / b.speed for a, b in zip(over, under, strict=True)]


def operations(model: Any, tokenizer: Any, runs: Runs) -> float:
    """Floating-point operations that training these cells takes, padding left out.

    Each weight of a linear layer takes 2 a token forward. Backward takes another 2: the base
    weights are frozen, so that only the gradient of a layer's input is computed, not that of its
    weights. An adapter's weights take 2 forward and 4 backward. The output layer counts where a
    token has a loss. DPO's reference is a forward pass more, the base weights' alone. Left out:
    attention's own products, norms, AdamW, and what a GPU computes again in backward passes.
    """
    from torch import nn

    from idempotence.finetune.batches import rows_of
    from idempotence.finetune.data import IGNORED

    layers = [m for m in model.base_model.modules() if isinstance(m, nn.Linear)]
    base = sum(layer.weight.numel() for layer in layers)
    factors = sum(layer.in_features + layer.out_features for layer in layers)
    output, total = model.get_output_embeddings().weight.numel(), 0.0
    for run in runs.values():
        texts = [text for row in rows_of(tokenizer, run) for text in row]
        tokens = sum(len(text.ids) for text in texts)
        targets = sum(label != IGNORED for text in texts for label in text.labels[1:])
        adapter = run.training.lora.rank * factors
        frozen = 4 if run.beta is None else 6
        once = tokens * (frozen * base + 6 * adapter) + targets * frozen * output
        total += once * run.training.epochs
    return total


def middle(of: Callable[[Measured], float], all_measured: Sequence[Measured]) -> float:
    """Median of a number of each of several trainings."""
    return statistics.median(of(each) for each in all_measured)
