"""Training curves of a whole study as one table."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from idempotence.errors import UserError
from idempotence.io import read_json

CHAIN = ["setting", "model", "trait", "seed", "cycle", "cell"]
RUN = ["status", "reason", "rows", "dropped", "tokens", "seconds"]
STEP = ["step", "loss", "grad_norm", "learning_rate", "reward_margin", "reward_accuracy"]


def gather(scores: Path, root: Path) -> pd.DataFrame:
    """One row an optimiser step (one without a step for a chain that had ended).

    scores: a scores file, whose chains and cycles are gathered; their trainings are
    root/<setting>/<model>/<trait>/seed<k>/cycle<j>/adapters/<cell>/training.json.
    Columns: the chain and its cycle; status, reason, rows trained on, rows dropped, tokens seen
    and seconds of that training; step, loss (nats), gradient norm, learning rate, and for dpo the
    reward margin and accuracy. Raises `UserError` for a training that is absent.
    """
    rows = []
    for chain in trained(scores).itertuples(index=False):
        training = _read(root, chain)
        about = chain._asdict() | {name: training[name] for name in RUN}
        rows += [{**about, **_step(entry)} for entry in training["log"]] or [about]
    return pd.DataFrame(rows, columns=[*CHAIN, *RUN, *STEP]).sort_values(
        [*CHAIN, "step"], kind="stable", ignore_index=True
    )


def trained(scores: Path) -> pd.DataFrame:
    """The chains and cycles of a scores file, in order; columns `CHAIN`."""
    table = pq.read_table(scores, columns=CHAIN).group_by(CHAIN).aggregate([])
    return table.to_pandas()[CHAIN].sort_values(CHAIN, ignore_index=True)


def _read(root: Path, chain) -> dict:
    cycle = (
        root
        / chain.setting
        / chain.model
        / chain.trait
        / f"seed{chain.seed}"
        / f"cycle{chain.cycle}"
    )
    file = cycle / "adapters" / chain.cell / "training.json"
    try:
        return read_json(file)
    except FileNotFoundError:
        raise UserError(f"{file} is missing, and the scores have its chain") from None


def _step(entry: dict) -> dict:
    return {
        name.replace("rewards/margins", "reward_margin").replace(
            "rewards/accuracies", "reward_accuracy"
        ): value
        for name, value in entry.items()
    }
