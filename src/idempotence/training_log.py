"""Training curves of a whole study as one table."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from idempotence.io import read_json

CHAIN = ["setting", "model", "trait", "seed", "cycle", "cell"]
RUN = ["status", "reason", "rows", "dropped", "tokens", "seconds"]
STEP = ["step", "loss", "grad_norm", "learning_rate", "reward_margin", "reward_accuracy"]


def gather(files: Sequence[Path], root: Path) -> pd.DataFrame:
    """One row an optimiser step (one without a step for a chain that had ended).

    Columns: the chain and its cycle; status, reason, rows trained on, rows dropped, tokens seen
    and seconds of that training; step, loss (nats), gradient norm, learning rate, and for dpo the
    reward margin and accuracy. Paths are root/<setting>/<model>/<trait>/seed<k>/cycle<j>/adapters/<cell>/.
    """
    rows = []
    for file in files:
        setting, model, trait, seed, cycle, _, cell, _ = file.relative_to(root).parts
        chain = (setting, model, trait, int(seed.removeprefix("seed")),
                 int(cycle.removeprefix("cycle")), cell)  # fmt: skip
        training = read_json(file)
        about = dict(zip(CHAIN, chain, strict=True)) | {name: training[name] for name in RUN}
        rows += [{**about, **_step(entry)} for entry in training["log"]] or [about]
    return pd.DataFrame(rows, columns=[*CHAIN, *RUN, *STEP]).sort_values(
        [*CHAIN, "step"], kind="stable", ignore_index=True
    )


def _step(entry: dict) -> dict:
    return {
        name.replace("rewards/margins", "reward_margin").replace(
            "rewards/accuracies", "reward_accuracy"
        ): value
        for name, value in entry.items()
    }
