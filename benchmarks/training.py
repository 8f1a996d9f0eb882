"""Training a panel's cells in the micro world: one by one through TRL, and side by side.

Tokens per second of `train_cells`, whole, by the number of cells and by `tokens_at_once`, with the
default study's hyper-parameters; and the largest resident set of a process that trains so many
cells. One thread; seconds are of processor time, since others may use the machine's other cores.
Rows are seed rows, those of dpo with replies of the initial model, and no cell has another's.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from common import ROOT, matrix_rate, study_of, write

sys.path.insert(0, str(ROOT / "src"))

from cells import (
    WAYS,
    Measured,
    in_turn,
    measured,
    middle,
    operations,
    ratios,
    runs_of,
    start_as_jobs_do,
    trained_by,
)

from idempotence.finetune.runs import Run

WORLD = ROOT / "data" / "micro_world"
MODELS = {"sft": "instruct", "sdf": "base", "dpo": "instruct"}  # objective -> folder
ROWS = {"sft": 60, "sdf": 60, "dpo": 50}  # of a cell, as in later cycles of the default study
CELLS = (1, 2, 5, 25)  # the default study's panels have 2
MOST = 75  # side by side alone
TOKENS_AT_ONCE = (512, 1024, 2048, 4096, 8192)
AT_ONCE_CELLS = 25
MEMORY_CELLS = (1, 5, 25, MOST)
MATRIX = (2048, 128, 352)  # the model's own shapes
Rows = dict[str, list[dict]]
Table = list[dict[str, str]]


def panel_of_study(objective: str):
    """(the study's jobs, its first panel of an objective)."""
    from idempotence.workflow.study_jobs import StudyJobs

    study = study_of([ROOT / "config.yaml"])
    return StudyJobs(study), next(p for p in study.panels() if p.setting.objective == objective)


def rows_of(objective: str) -> list[dict]:
    """As many seed rows as the most cells need, from as many seeds as that takes."""
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.sampling.panel import PanelSampler

    jobs, panel = panel_of_study(objective)
    seeding, rows, seed = jobs.seed_data(panel), list[dict](), 0
    engine = TransformersEngine(Weights(str(WORLD / MODELS[objective])))
    while len(rows) < MOST * ROWS[objective]:
        own = replace(seeding.panel, seed=seed)
        rows += PanelSampler(own, seeding.prompts, 0, engine).seed_data(seeding.generation)
        seed += 1
    return rows


def cells_of(objective: str, rows: Rows, cells: int) -> dict[str, Run]:
    """The runs of so many cells, with the default study's hyper-parameters and betas."""
    jobs, panel = panel_of_study(objective)
    job = jobs.finetune(panel, 0)
    betas = [cell.beta for cell in job.panel.cells]
    return runs_of(rows[objective], cells, ROWS[objective], job.panel.kind, job.training, betas)


def loaded(objective: str):
    """(model, tokenizer)."""
    from idempotence.engine.models import Weights, fix_threads, load_model, load_tokenizer

    fix_threads()
    weights = Weights(str(WORLD / MODELS[objective]))
    return load_model(weights), load_tokenizer(weights)


def figures(found: list[Measured], work: float, rate: float) -> tuple[str, str, str]:
    """(tokens a second, share of the matrix rate, share of padding): medians.

    work: operations of such a training; rate: operations a second of matrix products.
    """
    return (
        f"{middle(lambda each: each.speed, found):.0f}",
        f"{middle(lambda each: work / each.seconds / rate, found):.2f}",
        f"{middle(lambda each: each.padded, found):.2f}",
    )


def by_cells(objective: str, rows: Rows, repeats: int, rate: float) -> Table:
    """Both ways at each number of cells."""
    model, tokenizer = loaded(objective)
    few = cells_of(objective, rows, 1)
    in_turn(
        model, tokenizer, {way: trained_by(way, few) for way in WAYS}, 1
    )  # imports, first calls
    table = []
    for cells in (*CELLS, MOST):
        runs = cells_of(objective, rows, cells)
        work, row = (
            operations(model, tokenizer, runs),
            {"objective": objective, "cells": str(cells)},
        )
        ways = WAYS if cells < MOST else WAYS[1:]
        found = in_turn(model, tokenizer, {way: trained_by(way, runs) for way in ways}, repeats)
        for way in WAYS:
            own = figures(found[way], work, rate) if way in found else ("", "", "")
            names = (f"{way}_tokens_a_second", f"{way}_of_matrix_rate", f"{way}_padded")
            row |= dict(zip(names, own, strict=True))
        times = sorted(ratios(found["stacked"], found["one_by_one"])) if len(ways) > 1 else []
        row["times"] = f"{times[len(times) // 2]:.2f}" if times else ""
        row["times_range"] = f"{times[0]:.2f}-{times[-1]:.2f}" if times else ""
        table.append(row)
        print(row, flush=True)
    return table


def by_tokens_at_once(objective: str, rows: Rows, repeats: int, rate: float, file: Path) -> Table:
    """Side by side with each bound."""
    model, tokenizer = loaded(objective)
    runs = cells_of(objective, rows, AT_ONCE_CELLS)
    work, table = operations(model, tokenizer, runs), []
    variants = {tokens: trained_by("stacked", runs, tokens) for tokens in TOKENS_AT_ONCE}
    found = in_turn(model, tokenizer, variants, repeats)
    for tokens in TOKENS_AT_ONCE:
        speed, share, padded = figures(found[tokens], work, rate)
        peak = peak_of(objective, "stacked", AT_ONCE_CELLS, file, tokens)
        table.append(
            {
                "objective": objective, "cells": str(AT_ONCE_CELLS), "tokens_at_once": str(tokens),
                "tokens_a_second": speed, "of_matrix_rate": share, "padded": padded,
                "peak_mb": f"{peak:.0f}",
            }
        )  # fmt: skip
        print(table[-1], flush=True)
    return table


def by_memory(objective: str, file: Path) -> Table:
    """The largest resident sets."""
    table = []
    for cells, way in [(25, "one_by_one"), *((n, "stacked") for n in MEMORY_CELLS)]:
        peak = peak_of(objective, way, cells, file)
        table.append(
            {"objective": objective, "way": way, "cells": str(cells), "peak_mb": f"{peak:.0f}"}
        )
        print(table[-1], flush=True)
    return table


def peak_of(objective: str, way: str, cells: int, file: Path, tokens_at_once: int = 0) -> float:
    """Megabytes of a process of its own that trains so many cells. file: of the rows."""
    about = json.dumps([objective, way, cells, tokens_at_once])
    command = [sys.executable, __file__, "--peak", about, "--rows", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return float(done.stdout.splitlines()[-1])


def train_and_report(objective: str, way, cells: int, tokens_at_once: int, rows: Rows) -> None:
    """What a process of its own does: print its largest resident set, in megabytes."""
    runs = trained_by(way, cells_of(objective, rows, cells), tokens_at_once)
    measured(*loaded(objective), runs)
    # ru_maxrss would be the parent's, where that is larger: it outlives exec
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(status.split("VmHWM:")[1].split()[0]) / 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="of each speed (default: 3)")
    parser.add_argument(
        "--objectives", nargs="+", choices=list(MODELS), default=list(MODELS), help="default: all"
    )
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    start_as_jobs_do()
    if given.peak:
        train_and_report(*json.loads(given.peak), json.loads(given.rows.read_text("utf-8")))
        return
    rate = matrix_rate(*MATRIX)
    print(f"matrix products: {rate / 1e9:.0f} GFLOP/s", flush=True)
    rows = {objective: rows_of(objective) for objective in given.objectives}
    speeds, bounds, memory = Table(), Table(), Table()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        file.write_text(json.dumps(rows), encoding="utf-8")
        for objective in given.objectives:
            speeds += by_cells(objective, rows, given.repeats, rate)
            if objective != "sdf":  # it trains as sft does
                bounds += by_tokens_at_once(objective, rows, given.repeats, rate, file)
                memory += by_memory(objective, file)
    write("training", speeds)
    if bounds:
        write("tokens_at_once", bounds)
        write("training_memory", memory)


if __name__ == "__main__":
    main()
