"""How many steps training and sampling take, by way of training and by engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from idempotence.jobs.parts import EngineName, Objective, Training, TrainingWay

LONGEST = 2  # the longest of many texts, over their mean; in the micro world it is 1.4 to 1.6
VLLM_ROWS = 256  # texts that vLLM writes side by side unless told otherwise (max_num_seqs)
TRANSFORMERS_ROWS = 256  # and the transformers engine

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
    training: Training, way: TrainingWay, objective: Objective, cells: Sequence[int], longest: float
) -> dict[str, float]:
    """Some of `STEPS` for a panel's cells, trained in one job.

    cells: rows of each. longest: tokens of the longest text of a row (dpo: of two).
    """
    steps = sorted((_steps(rows, training) for rows in cells), reverse=True)
    texts = 2 if objective == "dpo" else 1
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


def decoding_steps(
    engine: EngineName, cells: Sequence[float], mean: float, longest: float, adapters_at_once: int
) -> dict[str, float]:
    """Some of `STEPS` for the texts of a panel's cells; each step writes a token of each text.

    cells: texts of each. mean, longest: tokens of a text. transformers: batches of whole cells,
    each as long as its longest text. vllm: a text that ends makes room for the next.
    """
    if engine == "vllm":
        groups = [cells[i : i + adapters_at_once] for i in range(0, len(cells), adapters_at_once)]
        lengths = [sum(group) * mean / VLLM_ROWS for group in groups if any(group)]
        return {"decoding": sum(max(longest, length) for length in lengths)}
    batches = _batches(cells)
    steps = [math.ceil(sum(batch) / TRANSFORMERS_ROWS) * longest for batch in batches]
    own = sum(n * len(batch) for n, batch in zip(steps, batches, strict=True))
    return {"decoding": sum(steps), "decoding_of_cells": own}


def _batches(cells: Sequence[float]) -> list[list[float]]:
    """The texts of the cells that share a batch of transformers: as many cells as find room."""
    batches: list[list[float]] = []
    for texts in cells:
        if batches and sum(batches[-1]) + texts <= TRANSFORMERS_ROWS:
            batches[-1].append(texts)
        else:
            batches.append([texts])
    return batches
