"""One cycle of one panel: every cell's adapter trained, one after the other, in one process."""

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from idempotence.config.grid import exact
from idempotence.engine.formatting import kind_of
from idempotence.engine.models import fix_threads, load_model, load_tokenizer
from idempotence.errors import UserError
from idempotence.finetune.adapters import attach, save
from idempotence.finetune.train import Training, train_preference, train_supervised
from idempotence.io import read_json, read_jsonl, write_json
from idempotence.rng import derive_seed


@dataclass(frozen=True)
class Chosen:
    """The rows that a cell trains on; none, with a reason, when its chain has ended."""

    rows: list[dict]
    dropped: int
    reason: str = ""


def n_seed_of(cell: dict, objective_cells: dict, calibration: dict) -> int:
    """The seed rows of a cell: calibrated for its level, its own dose, or the objective's."""
    if cell["level"] is not None:
        return calibration["levels"][exact(cell["level"])]["n_seed"]
    return cell["n_seed"] or objective_cells["n_seed"]


def choose_seed_rows(n_seed: int, rows: list[dict]) -> Chosen:
    """The first n_seed rows; raises UserError rather than train on fewer than the dose says."""
    if n_seed > len(rows):
        raise UserError(f"a cell needs {n_seed} seed rows and there are {len(rows)}")
    return Chosen(rows[:n_seed], 0)


def choose_generated(cell: dict, generated: list[dict]) -> Chosen:
    """The usable samples of a cell's predecessor, and why there are none if there are none."""
    mine = [row for row in generated if row["cell"] == cell["name"]]
    ended = next((row for row in mine if row["status"] in ("nan", "ended")), None)
    if ended is not None:
        return Chosen([], len(mine), ended["reason"])
    wanted = cell["n_sampled"] or cell["pairs"]
    if len(mine) != wanted:
        raise UserError(f"cell {cell['name']} needs {wanted} generated rows; there are {len(mine)}")
    usable = [row for row in mine if row["status"] == "ok"]
    states = ", ".join(f"{n} {state}" for state, n in Counter(r["status"] for r in mine).items())
    reason = "" if usable else f"none of {len(mine)} samples could be trained on ({states})"
    return Chosen(usable, len(mine) - len(usable), reason)


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


def finetune_panel(
    settings: dict,
    model_path: str,
    seed_data: Path | None,
    generated: Path | None,
    previous: Path | None,
    calibration: Path | None,
    output: Path,
) -> None:
    """Train every cell and write `output/<cell>/` (adapter and training.json).

    settings: study_seed, objective, start, model, trait, seed, cycle, cells, objective_cells,
    training, and seed_share where seed rows are mixed in. seed_data at cycle 0 and where they
    are, generated after cycle 0; previous: the adapters of the last cycle
    where the start is "previous". A chain that ended gets the adapter it would have started from,
    untrained, and a training.json that says so; nothing is sampled from it.
    """
    from transformers import set_seed

    fix_threads()
    tokenizer = load_tokenizer(model_path, settings["model"]["revision"])
    model = load_model(model_path, settings["model"]["revision"], settings["model"]["dtype"])
    seeds = read_jsonl(seed_data) if seed_data else []
    samples = read_jsonl(generated) if generated else []
    levels = read_json(calibration) if calibration else {}
    set_seed(0)  # an ended chain's untrained adapter is the same every time
    for cell in settings["cells"]:
        chosen = _choose(settings, cell, seeds, samples, levels)
        folder = output / cell["name"]
        start = previous / cell["name"] if previous else None
        if chosen.rows:
            model, result = train_cell(settings, cell, model, tokenizer, chosen.rows, start, folder)
        else:
            untrained = attach(model, settings["training"]["lora"], start)
            folder.mkdir(parents=True, exist_ok=True)
            save(untrained, folder)
            model, result = untrained.unload(), Training("ended", chosen.reason, 0, 0, 0.0)
        about = {"cell": cell["name"], "cycle": settings["cycle"], "dropped": chosen.dropped}
        write_json(folder / "training.json", {**about, **result.as_dict()})


def _choose(
    settings: dict, cell: dict, seeds: list[dict], samples: list[dict], levels: dict
) -> Chosen:
    """The rows of a cell at its cycle."""
    own = choose_generated(cell, samples) if settings["cycle"] else None
    share = settings.get("seed_share", 0)
    if own and not share:
        return own
    first = choose_seed_rows(n_seed_of(cell, settings["objective_cells"], levels), seeds)
    if not own:
        return first
    wanted = cell["n_sampled"] or cell["pairs"]
    return mix_in(own, first.rows, wanted, share, _seed(settings, cell, "seed rows"))


def _seed(settings: dict, cell: dict, purpose: str) -> int:
    """A seed that does not depend on the start, so that twins draw the same numbers."""
    return derive_seed(
        settings["study_seed"], settings["objective"], settings["model"]["name"],
        settings["trait"], settings["seed"], cell["name"], settings["cycle"], purpose,
    )  # fmt: skip


def train_cell(
    settings: dict, cell: dict, model, tokenizer, rows: list[dict], start: Path | None, folder: Path
):
    """Train one cell's adapter and save it into `folder`, even if it broke.

    Returns (the model without adapters, Training).
    """
    seed = _seed(settings, cell, "finetune")
    kind = kind_of(settings["objective"])
    training = {**settings["training"], "dtype": settings["model"]["dtype"]}
    if settings["objective"] == "dpo":
        adapted, result = train_preference(
            model, tokenizer, rows, kind, training, cell["beta"], start, seed
        )
    else:
        adapted, result = train_supervised(model, tokenizer, rows, kind, training, start, seed)
    folder.mkdir(parents=True, exist_ok=True)
    save(adapted, folder)  # broken weights too: they are evidence, and nobody samples from them
    write_json(folder / "training.json", {"cell": cell["name"], **result.as_dict()})
    return adapted.unload(), result
