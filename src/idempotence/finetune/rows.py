"""Which rows a cell trains on at a cycle, and why there are none where its chain has ended."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from idempotence.doses import Cell, n_seed_of
from idempotence.errors import UserError
from idempotence.jobs.loop import FinetuneJob
from idempotence.jobs.parts import Panel
from idempotence.rng import derive_seed


@dataclass(frozen=True)
class CycleData:
    """What a panel has to train on at a cycle.

    seed_rows: {"prompt", "response"} and for dpo "rejected"; read at cycle 0, and later where
    seed rows are mixed in or kept. generated: rows of the last cycle's generated.jsonl, of all
    cells; earlier: those of each cycle before it, where data accumulate. initial: rows of its
    initial_rows.jsonl, where the initial model writes a share. calibrated: level -> seed rows, as
    `doses.calibrated_doses` gives it. previous: the last cycle's adapters, a folder per cell; None
    where each cycle begins from the initial model.
    """

    seed_rows: list[dict] = field(default_factory=list)
    generated: list[dict] = field(default_factory=list)
    earlier: list[list[dict]] = field(default_factory=list)
    initial: list[dict] = field(default_factory=list)
    calibrated: Mapping[str, int] = field(default_factory=dict)
    previous: Path | None = None


@dataclass(frozen=True)
class Chosen:
    """The rows that a cell trains on; none, with a reason, when its chain has ended.

    dropped: rows of the dose that cannot be trained on.
    """

    rows: list[dict]
    dropped: int
    reason: str = ""


def choose_rows(job: FinetuneJob, cell: Cell, data: CycleData) -> Chosen:
    """The rows of a cell at the job's cycle. Raises `UserError` where there are too few."""
    own = choose_generated(cell, data.generated) if job.cycle else None
    if own and job.initial_share:
        own = put_initial(own, cell, data.generated, data.initial, job.initial_share)
    if own and not (job.seed_share or job.accumulate):
        return own
    seeds = choose_seed_rows(n_seed_of(cell, job.n_seed, data.calibrated), data.seed_rows)
    if not own:
        return seeds
    if job.accumulate:
        return add_up(seeds, [choose_generated(cell, rows) for rows in data.earlier], own)
    seed = cell_seed(job.panel, cell, job.cycle, "seed rows")
    return mix_in(own, seeds.rows, cell.rows_per_cycle, job.seed_share, seed)


def choose_seed_rows(n_seed: int, rows: list[dict]) -> Chosen:
    """The first n_seed rows; raises `UserError` rather than train on fewer than the dose says."""
    if n_seed > len(rows):
        raise UserError(f"a cell needs {n_seed} seed rows and there are {len(rows)}")
    return Chosen(rows[:n_seed], 0)


def choose_generated(cell: Cell, generated: list[dict]) -> Chosen:
    """The usable samples of the cell's last model, and why there are none if there are none.

    Of several samples of a prompt at most one is usable. Raises `UserError` where the number of
    prompts is not that of the dose.
    """
    own = [row for row in generated if row["cell"] == cell.name]
    ended = next((row for row in own if row["status"] in ("nan", "ended")), None)
    wanted, prompts = cell.rows_per_cycle, len({row["index"] for row in own})
    if ended is not None:
        return Chosen([], prompts, ended["reason"])
    if prompts != wanted:
        raise UserError(f"cell {cell.name} needs {wanted} generated rows; there are {prompts}")
    usable = [row for row in own if row["status"] == "ok"]
    states = ", ".join(f"{n} {state}" for state, n in Counter(r["status"] for r in own).items())
    reason = "" if usable else f"none of {len(own)} samples could be trained on ({states})"
    return Chosen(usable, wanted - len(usable), reason)


def add_up(seeds: Chosen, earlier: list[Chosen], own: Chosen) -> Chosen:
    """The rows of cycle 0 and all usable samples since, in the order of cycles.

    A chain whose last samples cannot be trained on ends all the same.
    """
    if not own.rows:
        return own
    cycles = [seeds, *earlier, own]
    return Chosen([row for one in cycles for row in one.rows], sum(one.dropped for one in cycles))


def put_initial(
    own: Chosen, cell: Cell, generated: list[dict], initial: list[dict], share: float
) -> Chosen:
    """The initial model's replies in place of a share of the samples: of those that come first.

    generated: samples of all cells, usable or not; a pair's rejected reply stays as it is there.
    initial: replies to the same prompts in the same order. A chain whose own samples cannot be
    trained on ends all the same. Raises `UserError` where there are too few replies.
    """
    if not own.rows:
        return own
    wanted = cell.rows_per_cycle
    number = round(share * wanted)
    if len(initial) < number:
        text = f"cell {cell.name} needs {number} rows of the initial model"
        raise UserError(f"{text}; there are {len(initial)}")
    replies = {row["index"]: row for row in initial[:number] if row["status"] == "ok"}
    of_initial = [
        {**row, **replies[row["index"]]}
        for row in generated
        if row["cell"] == cell.name and row["index"] in replies
    ]
    rows = of_initial + [row for row in own.rows if row["index"] >= number]
    reason = "" if rows else f"none of {wanted} rows could be trained on"
    return Chosen(rows, wanted - len(rows), reason)


def mix_in(own: Chosen, seeds: list[dict], wanted: int, share: float, seed: int) -> Chosen:
    """A share of the `wanted` rows from the seed rows, in place of the last of the own samples.

    seeds: the rows of cycle 0, drawn from without repeats as far as they reach. A chain whose
    samples cannot be trained on ends all the same.
    """
    if not own.rows:
        return own
    number, draw = round(share * wanted), random.Random(seed)
    kept = [row for row in own.rows if row["index"] < wanted - number]
    mixed: list[dict] = []
    while len(mixed) < number:
        mixed += draw.sample(seeds, min(len(seeds), number - len(mixed)))
    return Chosen(kept + mixed, wanted - number - len(kept))


def cell_seed(panel: Panel, cell: Cell, cycle: int, purpose: str) -> int:
    """A random seed that does not depend on the start, so that twins draw the same numbers."""
    return derive_seed(
        panel.study_seed, panel.method.section, panel.model.name, panel.trait, panel.seed,
        cell.name, cycle, purpose,
    )  # fmt: skip
