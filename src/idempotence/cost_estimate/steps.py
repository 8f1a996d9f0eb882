"""How many steps training and sampling take, by way of training and by engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from idempotence.jobs.parts import EngineName, Training, TrainingWay

LONGEST = 2  # the longest of many texts, over their mean; in the micro world it is 1.4 to 1.6
VLLM_ROWS = 256  # texts that vLLM writes side by side unless set otherwise (max_num_seqs)
TRANSFORMERS_ROWS = 256  # of one cell that the transformers engine does, and of all of them
SMALL_MODEL_ROWS = 512  # of all, where their keys and values take little room:
SMALL_MODEL = 0.01  # in models of fewer billions of parameters

# steps_alone: of cells one by one; steps_stacked: of stacked cells, however many; steps_of_cells:
# those of each stacked cell; decoding: decoding steps; decoding_of_cells: those of each cell in the
# batch; tokens_worked: tokens trained on, those that a reference model reads included
STEPS = [
    "steps_alone", "steps_stacked", "steps_of_cells", "tokens_worked",
    "decoding", "decoding_of_cells",
]  # fmt: skip
REFERENCE_WORK = 4 / 3  # a reference reads what is trained on: 2 operations a weight beside 6


@dataclass(frozen=True)
class Ways:
    """How cells are trained and texts are sampled; None: as the config says."""

    training: TrainingWay | None = None
    sampling: EngineName | None = None


TRAINING: tuple[TrainingWay, ...] = ("one_by_one", "stacked")
SAMPLING: tuple[EngineName, ...] = ("transformers", "vllm")
ALL_WAYS = [Ways(way, engine) for way in TRAINING for engine in SAMPLING]


def way_of(training: Training, ways: Ways) -> TrainingWay:
    """How cells are trained: those with dropout cannot be stacked."""
    return "one_by_one" if training.lora.dropout > 0 else ways.training or training.way


def training_steps(
    training: Training,
    way: TrainingWay,
    pairs: bool,
    cells: Sequence[int],
    longest: float,
) -> dict[str, float]:
    """Some of `STEPS` for a panel's cells, trained in one job.

    pairs: a row has two texts. cells: rows of each. longest: tokens of the longest text.
    """
    steps = sorted((_steps(rows, training) for rows in cells), reverse=True)
    texts = 2 if pairs else 1
    if way == "one_by_one":
        return {"steps_alone": texts * sum(steps)}  # the reference's pass is as long, about
    rows_at_once = max(1, int(training.tokens_at_once // (texts * longest)))
    group = max(1, rows_at_once // training.batch_size)
    parts = math.ceil(training.batch_size / rows_at_once)  # of a step whose rows are too many
    passes = parts * sum(steps[::group])  # a group's longest cell comes first
    return {"steps_stacked": passes, "steps_of_cells": sum(steps)}


def _steps(rows: int, training: Training) -> int:
    """Optimiser steps of a cell; an epoch's last batch may be smaller."""
    return math.ceil(training.epochs * math.ceil(rows / training.batch_size))


def rows_at_once(billions: float) -> int:
    """Texts that transformers writes at once, of cells together, with a model of this size."""
    return SMALL_MODEL_ROWS if billions < SMALL_MODEL else TRANSFORMERS_ROWS


@dataclass(frozen=True)
class Decoding:
    """How texts are written: by which engine, and how much at once.

    rows: see `rows_at_once`. adapters: cells that vLLM samples side by side.
    """

    engine: EngineName
    rows: int
    adapters: int

    def steps(self, cells: Sequence[float], mean: float, longest: float) -> dict[str, float]:
        """Some of `STEPS` for a panel's cells; each step writes a token of each text at once.

        cells: texts of each. mean, longest: tokens of a text. transformers: a batch takes as many
        steps as its longest text has tokens. vllm: a text that ends makes room for the next.
        """
        if self.engine == "vllm":
            starts = range(0, len(cells), self.adapters)
            groups = [sum(cells[i : i + self.adapters]) for i in starts]
            return {"decoding": sum(max(longest, n * mean / VLLM_ROWS) for n in groups if n)}
        batches = self._batches(cells)
        return {
            "decoding": len(batches) * longest,
            "decoding_of_cells": sum(map(len, batches)) * longest,
        }

    def _batches(self, cells: Sequence[float]) -> list[list[float]]:
        """The texts of each cell in each batch: cells are cut, and as many parts as find room."""
        batches: list[list[float]] = []
        for texts in cells:
            for start in range(0, math.ceil(texts), TRANSFORMERS_ROWS):
                part = min(texts - start, TRANSFORMERS_ROWS)
                if batches and sum(batches[-1]) + part <= self.rows:
                    batches[-1].append(part)
                else:
                    batches.append([part])
        return batches
