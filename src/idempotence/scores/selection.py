"""What a judge's choice among samples did: the scores of the chosen beside those of all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.io import read_jsonl
from idempotence.scores.schema import CRITERIA, PANEL_CYCLE

MEASURES = list(CRITERIA.values())
KEY = [*PANEL_CYCLE, "cell"]
COUNTS = ["n_prompts", "n_samples", "n_scored", "n_chosen"]
GAPS = [f"{measure}_{what}" for measure in MEASURES for what in ("all", "chosen", "gap")]


def gather_selection(files: Sequence[Path], root: Path) -> pd.DataFrame:
    """One row for each chain and cycle whose samples were chosen from.

    files: candidates_judged.jsonl of panels and cycles; root: the study's folder of results, below
    which they lie as <setting>/<model>/<trait>/seed<k>/cycle<j>/candidates_judged.jsonl.
    Columns: `KEY`; n_prompts, n_samples, n_scored (samples with every score that was asked for),
    n_chosen; for each measure (points, 0-100) the mean of all scored samples, that of the chosen
    ones, and the selection gap: chosen less all. Missing where nothing was scored or chosen.
    """
    rows = [row for file in files for row in _rows(file, root)]
    return pd.DataFrame(rows, columns=[*KEY, *COUNTS, *GAPS]).sort_values(KEY, ignore_index=True)


def _rows(file: Path, root: Path) -> list[dict[str, Any]]:
    """The rows of one panel and cycle."""
    setting, model, trait, seed, cycle, _ = file.relative_to(root).parts
    panel = {"setting": setting, "model": model, "trait": trait,
             "seed": int(seed.removeprefix("seed")),
             "cycle": int(cycle.removeprefix("cycle"))}  # fmt: skip
    samples = pd.DataFrame(read_jsonl(file))
    return [panel | {"cell": cell} | _gaps(own) for cell, own in samples.groupby("cell")]


def _gaps(samples: pd.DataFrame) -> dict[str, Any]:
    asked = [measure for measure in MEASURES if measure in samples]
    scores = samples[asked].astype(float)
    scored, chosen = scores.notna().all(axis=1), samples["status"] == "ok"
    counts = [samples["index"].nunique(), len(samples), int(scored.sum()), int(chosen.sum())]
    row: dict[str, Any] = dict(zip(COUNTS, counts, strict=True))
    for measure in asked:
        whole, best = scores.loc[scored, measure].mean(), scores.loc[chosen, measure].mean()
        row |= {f"{measure}_all": whole, f"{measure}_chosen": best, f"{measure}_gap": best - whole}
    return row
