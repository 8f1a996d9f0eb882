"""Which rows a cell's optimiser steps see, and their tokens in one tensor for several cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import torch

from idempotence.finetune.data import IGNORED, preference_rows, supervised_rows
from idempotence.finetune.runs import Run


class Tokens(NamedTuple):
    """A text to train on. labels: its ids, `IGNORED` where there is no loss."""

    ids: list[int]
    labels: list[int]


EMPTY = Tokens([], [])
# A row is (text,) for cross-entropy, (chosen, rejected) for preferences.
Row = tuple[Tokens, ...]


def rows_of(tokenizer: Any, run: Run) -> list[Row]:
    """The rows of a run, cut at max_length tokens."""
    most = run.training.max_length
    if run.beta is None:
        rows = supervised_rows(tokenizer, run.rows, run.kind, most)
        return [(Tokens(row["input_ids"], row["labels"]),) for row in rows]
    return [
        tuple(_completion(pair["prompt_ids"], pair[side], most) for side in PAIR)
        for pair in preference_rows(tokenizer, run.rows, run.kind)
    ]


PAIR = ("chosen_ids", "rejected_ids")


def _completion(head: list[int], tail: list[int], most: int) -> Tokens:
    return Tokens((head + tail)[:most], ([IGNORED] * len(head) + tail)[:most])


@dataclass(frozen=True)
class RowOrder:
    """The order in which a run's steps take its rows: that of transformers' Trainer.

    rows: their number. seed: of each epoch's permutation.
    """

    rows: int
    batch_size: int
    epochs: float
    seed: int

    @property
    def steps(self) -> int:
        """Optimiser steps in all; an epoch's last batch may be smaller."""
        return math.ceil(self.epochs * self._per_epoch)

    @property
    def _per_epoch(self) -> int:
        return math.ceil(self.rows / self.batch_size)

    def batch(self, step: int) -> list[int]:
        """Indices of the rows of a step, counted from 0."""
        epoch, at = divmod(step, self._per_epoch)
        order = _permutation(self.rows, self.seed + epoch)
        return order[at * self.batch_size : (at + 1) * self.batch_size]


@lru_cache(maxsize=1024)  # of as many cells; each is drawn once per epoch
def _permutation(rows: int, seed: int) -> list[int]:
    order: list[int] = torch.randperm(rows, generator=torch.Generator().manual_seed(seed)).tolist()
    return order


class Batch(NamedTuple):
    """ids, targets: (cells * texts of a row * rows, tokens); a target is the token after its id,
    `IGNORED` where there is no loss."""

    ids: torch.Tensor
    targets: torch.Tensor


def batch_of(cells: Sequence[Sequence[Row]], pad: int, device: Any) -> Batch:
    """The rows of each cell, padded on the right, which causal attention never looks at.

    Cells with fewer rows than others get rows of padding. Within a cell all first texts (chosen)
    come before all second ones (rejected).
    """
    most = max(map(len, cells))
    texts = next(len(row) for rows in cells for row in rows)
    blank: Row = (EMPTY,) * texts
    laid_out = [
        row[text]
        for rows in cells
        for text in range(texts)
        for row in [*rows, *[blank] * (most - len(rows))]
    ]
    width = max(len(tokens.ids) for tokens in laid_out)
    ids = [tokens.ids + [pad] * (width - len(tokens.ids)) for tokens in laid_out]
    targets = [
        tokens.labels[1:] + [IGNORED] * (width - max(len(tokens.labels) - 1, 0))
        for tokens in laid_out
    ]
    return Batch(torch.tensor(ids, device=device), torch.tensor(targets, device=device))
