"""Training curves of a whole study as one table."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.errors import UserError
from idempotence.io import read_arrow, read_sealed
from idempotence.scores.schema import PANEL_CYCLE

KEY = [*PANEL_CYCLE, "cell"]  # of one training run
RUN = ["status", "reason", "way", "rows", "dropped", "tokens", "seconds"]
_NAMES = {"rewards/margins": "reward_margin", "rewards/accuracies": "reward_accuracy"}
STEP = ["step", "loss", "grad_norm", "learning_rate", "reward_margin", "reward_accuracy"]


def gather(scores: Path, root: Path) -> pd.DataFrame:
    """One row per optimiser step (one without a step for a chain that had ended).

    scores: a scores file, whose chains and cycles are gathered; their trainings are
    root/<setting>/<model>/<trait>/seed<k>/cycle<j>/adapters/<cell>/training.json.
    Columns: `KEY`; status, reason, way (stacked or one_by_one), rows trained on, rows dropped,
    tokens trained on and seconds of that training; step, loss (nats), gradient norm, learning
    rate, and for dpo the reward margin and accuracy. Raises `UserError` for a training that is
    absent.
    """
    rows: list[dict[str, Any]] = []
    for run in trained(scores).to_dict("records"):
        training = _read(root, run)
        constant = {str(name): value for name, value in run.items()}
        constant |= {name: training[name] for name in RUN}
        rows += [constant | _step(entry) for entry in training["log"]] or [constant]
    table = pd.DataFrame(rows, columns=[*KEY, *RUN, *STEP]).astype({"step": "Int64"})
    return table.sort_values([*KEY, "step"], kind="stable", ignore_index=True)


def trained(scores: Path) -> pd.DataFrame:
    """The chains and cycles of a scores file, in order; columns `KEY`."""
    keys: pd.DataFrame = read_arrow(scores, columns=KEY).group_by(KEY).aggregate([]).to_pandas()
    return keys[KEY].sort_values(KEY, ignore_index=True)


def _read(root: Path, run: Mapping[Hashable, Any]) -> dict[str, Any]:
    """training.json of one training run. run: its `KEY`."""
    panel = root / run["setting"] / run["model"] / run["trait"] / f"seed{run['seed']}"
    file = panel / f"cycle{run['cycle']}" / "adapters" / run["cell"] / "training.json"
    try:
        training: dict[str, Any] = read_sealed(file)
    except FileNotFoundError:
        raise UserError(f"{file} is missing, and the scores have its chain") from None
    return training


def _step(entry: dict[str, Any]) -> dict[str, Any]:
    """A logged step with the names of `STEP`."""
    return {_NAMES.get(name, name): value for name, value in entry.items()}
