"""The shape of the authors' chains beside that of a study's: change, slope and contraction."""

from typing import Any

import numpy as np
import pandas as pd

from idempotence.jobs.parts import Loop, Loops
from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import chain_slopes
from idempotence.stats.groups import ALL, by_trait
from idempotence.stats.panels import panel_mean
from idempotence.stats.relaxation import contraction

AUTHORS, OURS = "authors", "this study"
LATE = 4  # the authors' last SFT cycle, and the first that the published rule looks at
_INTERVAL = ["estimate", "se", "ci_low", "ci_high", "n_chains", "n_panels", "warnings"]
_NOTHING = {
    **dict.fromkeys(["estimate", "se", "ci_low", "ci_high"], np.nan), "n_chains": 0, "n_panels": 0
}  # fmt: skip
_NO_STEP = {**_NOTHING, "warnings": "no chain has scores at successive cycles"}
_RECIPE = ["objective", "start"]


def shapes(
    table: pd.DataFrame, authors: pd.DataFrame, loops: Loops, confidence: float, seed: int
) -> pd.DataFrame:
    """Three shapes for each recipe that the authors' chains have: theirs, then the study's own.

    table: see `trajectories.trajectories`; authors: see `published.series.load_chains`; seed: of
    the bootstrap in `relaxation.contraction`. A study's settings of the recipe that change nothing
    else count, each by itself, up to the last cycle that the authors have of it. shape:

    - "change": s_4 - s_0 (points), s_j the chain's mean trait score at cycle j.
    - "slope": least squares of s_j on j over the chain's known cycles (points per cycle).
    - "rate": lambda of s_{j+1} = a + lambda s_j with an own a for each model, trait and cell
      ("naive" of `relaxation.contraction`, as the authors' scores have no standard error).

    change and slope are means over panels, each the mean of its chains, with a t interval (see
    `panels.panel_mean`); rate has a jackknife over panels. The authors' chains of one model and
    trait are one panel, so they have no interval.

    Returns objective, start, source (`AUTHORS`, `OURS`), setting, trait ("all" or its name), shape,
    last_cycle (the last that counts), estimate, se, ci_low, ci_high, n_chains, n_panels and
    warnings, which give the reason for what is missing. A recipe that the study lacks has a row.
    """
    rows = []
    for (objective, start), theirs in authors.groupby(_RECIPE):
        recipe = {"objective": objective, "start": start}
        last = int(theirs["cycle"].max())
        rows += [{**recipe, "source": AUTHORS, **row} for row in _rows(theirs, confidence, seed)]
        fitting = [
            loop for loop in loops.loops if (loop.objective, loop.start) == (objective, start)
        ]
        plain = [loop.name for loop in fitting if not loop.changes]
        mine = table[table["setting"].isin(plain) & (table["cycle"] <= last)]
        ours = [
            row for _, group in mine.groupby("setting") for row in _rows(group, confidence, seed)
        ]
        rows += [{**recipe, "source": OURS, **row} for row in ours or [_absent(fitting)]]
    return pd.DataFrame(rows).astype({"last_cycle": "Int64"})


def _absent(fitting: list[Loop]) -> dict[str, Any]:
    """The row of a recipe that no plain setting of the study has."""
    why = "; ".join(f"{loop.name} differs from it: {loop.changes}" for loop in fitting)
    place = {"setting": "", "trait": ALL, "shape": "", "last_cycle": None}
    reason = "the study has no setting of this recipe" + (f" ({why})" if why else "")
    return {**place, **_NOTHING, "warnings": reason}


def _rows(group: pd.DataFrame, confidence: float, seed: int) -> list[dict[str, Any]]:
    """The rows of one setting, or of the authors' chains of a recipe: by trait and shape."""
    chains = _chains(group)
    fits = contraction(group, confidence, seed).rename(columns={"rate": "estimate"})
    fits = fits[
        (fits["intercepts"] == "cell") & (fits["method"] == "naive") & (fits["n_steps"] > 0)
    ]
    rates = fits.set_index("trait")[_INTERVAL].to_dict("index")
    setting, last = group["setting"].iloc[0], int(group["cycle"].max())
    rows = []
    for trait, mine in by_trait(chains):
        of_shapes = {
            "change": (LATE, _mean(mine, "change", confidence)),
            "slope": (last, _mean(mine, "slope", confidence)),
            "rate": (last, rates.get(trait, _NO_STEP)),
        }
        rows += [
            {"setting": setting, "trait": trait, "shape": shape, "last_cycle": cycle, **numbers}
            for shape, (cycle, numbers) in of_shapes.items()
        ]
    return rows


def _chains(group: pd.DataFrame) -> pd.DataFrame:
    """`CHAIN`, change and slope of each chain; NaN where its scores do not give them."""
    wide = group.pivot(index=CHAIN, columns="cycle", values="trait_score")
    change = wide.reindex(columns=[0, LATE]).diff(axis=1)[LATE]
    slope = chain_slopes(group[group["trait_score"].notna()])
    return pd.DataFrame({"change": change, "slope": slope}).reset_index()


def _mean(chains: pd.DataFrame, shape: str, confidence: float) -> dict[str, Any]:
    """The mean over panels of a shape of chains."""
    if chains[shape].isna().all():
        cycles = f"cycles 0 and {LATE}" if shape == "change" else "two cycles"
        return {**_NOTHING, "warnings": f"no chain has scores at {cycles}"}
    numbers = panel_mean(chains, shape, confidence)
    return {name: numbers[name] for name in _INTERVAL}
