"""What selection does: how far the chosen samples stand out, and how far the next model moves."""

from typing import Any

import pandas as pd

from idempotence.scores.schema import CHAIN
from idempotence.scores.selection import KEY, MEASURES
from idempotence.stats.groups import with_traits
from idempotence.stats.panels import panel_mean

INTERVAL = ["ci_low", "ci_high"]
EFFECTS = ["gap", "drift"]
COLUMNS = ["setting", "trait", "measure", "cycle",
           *(name for effect in EFFECTS for name in (effect, *(f"{effect}_{i}" for i in INTERVAL))),
           "n_panels", "n_chains", "warnings"]  # fmt: skip


def with_drift(chosen: pd.DataFrame, trajectories: pd.DataFrame) -> pd.DataFrame:
    """The gaps of each chain and cycle, with the drift of each measure to the next cycle.

    chosen: see `scores.selection.gather_selection`. trajectories: see `trajectories.trajectories`.
    Adds <measure>_drift (points): the score of the model of cycle j + 1 less that of cycle j, whose
    samples were chosen from; missing where either is.
    """
    scores = trajectories[[*CHAIN, "cycle", *MEASURES]]
    following = scores.assign(cycle=scores["cycle"] - 1)
    both = scores.merge(following, on=KEY, how="left", suffixes=("", "_next"))
    for measure in MEASURES:
        both[f"{measure}_drift"] = both[f"{measure}_next"] - both[measure]
    return chosen.merge(both[[*KEY, *(f"{each}_drift" for each in MEASURES)]], on=KEY, how="left")


def selection(chains: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Selection gap and drift of each cycle, by setting (trait "all") and setting and trait.

    chains: see `with_drift`. Returns `COLUMNS`: cycle j, whose model wrote the samples; gap, the
    mean score of the chosen samples less that of all (points); drift, the score of cycle j + 1
    less that of cycle j (points). Means over panels with t intervals (see `panels.panel_mean`),
    whose numbers of panels and chains, and warnings, are those of the drift. They are the
    selection differential and the response to it of the breeder's equation (Falconer and Mackay
    1996, chapter 11).
    """
    rows = [
        {"setting": setting, "trait": trait, "measure": measure, "cycle": cycle}
        | _effects(group, measure, confidence)
        for setting, trait, of_trait in with_traits(chains)
        for measure in MEASURES
        for cycle, group in of_trait.groupby("cycle")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _effects(group: pd.DataFrame, measure: str, confidence: float) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for effect in EFFECTS:
        mean = panel_mean(group, f"{measure}_{effect}", confidence)
        row[effect] = mean["estimate"]
        row |= {f"{effect}_{end}": mean[end] for end in INTERVAL}
    return row | {name: mean[name] for name in ("n_panels", "n_chains", "warnings")}
