"""How far do courses of one dose scatter: between panels, between chains, between cycles?"""

from typing import Any

import numpy as np
import pandas as pd

from idempotence.scores.schema import PANEL
from idempotence.stats.arrays import Floats

MEASURES = ["trait_score", "coherence", "words_per_sentence"]
PARTS = ["sd_panel", "sd_chain", "sd_cycle"]


def noise(table: pd.DataFrame) -> pd.DataFrame:
    """Components of the scatter around the mean course of a dose, by setting and measure.

    table: see `trajectories.trajectories`. Returns setting, objective, start, measure, last_cycle,
    mean_0 (mean at cycle 0), `PARTS` (see `components`; points, words_per_sentence: words),
    n_panels, n_chains, n_left_out (chains of doses that some panel lacks or has with gaps: all
    panels must have the same) and warnings (why there is no number).
    """
    rows = []
    for setting, group in table.groupby("setting"):
        key = {"setting": setting} | {name: group[name].iloc[0] for name in ("objective", "start")}
        for measure in MEASURES:
            rows.append({**key, "measure": measure, **_of_measure(group, measure)})
    return pd.DataFrame(rows)


def _of_measure(group: pd.DataFrame, measure: str) -> dict[str, Any]:
    """The numbers of one setting and measure; see `noise`."""
    wide = group.pivot(index=PANEL, columns=["cell", "cycle"], values=measure)
    cells, cycles = wide.columns.unique("cell"), range(int(group["cycle"].max()) + 1)
    wide = wide.reindex(columns=pd.MultiIndex.from_product([cells, cycles]))
    courses = wide.to_numpy(float).reshape(len(wide), len(cells), len(cycles))
    whole = courses[:, ~np.isnan(courses).any(axis=(0, 2))]
    panels, doses = whole.shape[:2]
    known = panels > 1 and doses > 1 and len(cycles) > 2
    parts = components(whole) if known else dict.fromkeys(PARTS, float("nan"))
    why = f"{panels} panel(s), {doses} dose(s) without gaps, {len(cycles)} cycles: too few"
    return {
        "last_cycle": cycles[-1],
        "mean_0": float(whole[..., 0].mean()) if whole.size else float("nan"),
        **parts,
        "n_panels": panels,
        "n_chains": panels * doses,
        "n_left_out": panels * (len(cells) - doses),
        "warnings": "" if known else why,
    }


def components(courses: Floats) -> dict[str, float]:
    """Standard deviations of a measure's change since cycle 0, in its own unit.

    courses: shape (panels, doses, J + 1), no gaps, all dimensions of 2 or more (cycles: 3). With
    y_pkj of panel p, dose k and cycle j, the model is

        y_pkj - y_pk0 = m_kj + (a_p + b_pk) j / J + e_pkj,    j >= 1,

    m_kj the dose's mean course, and sd_panel, sd_chain, sd_cycle the standard deviations of a, b
    and e: of what panels, and chains of a panel, have drifted apart by cycle J, and of what is each
    cycle's own. Each chain's drift is a least-squares line through the origin on the deviations
    from m; their mean squares over panels and panels x doses, and that around the lines, are
    equated with their expectations, negative variances set to 0 (analysis of variance estimators:
    Searle, Casella and McCulloch 1992, chapter 4; of random coefficients: Swamy 1970).
    """
    n_panels, n_doses, n_cycles = courses.shape
    change = courses[..., 1:] - courses[..., :1]
    deviation = change - change.mean(axis=0)
    time = np.arange(1, n_cycles) / (n_cycles - 1)
    square = float(time @ time)
    drift = deviation @ time / square
    around = deviation - drift[..., None] * time
    of_panel = drift.mean(axis=1)
    free = n_panels - 1
    ms_cycle = (around**2).sum() / (free * n_doses * (n_cycles - 2))
    ms_chain = ((drift - of_panel[:, None]) ** 2).sum() / (free * (n_doses - 1))
    ms_panel = n_doses * (of_panel**2).sum() / free
    variances = [(ms_panel - ms_chain) / n_doses, ms_chain - ms_cycle / square, ms_cycle]
    return {
        name: float(np.sqrt(max(value, 0.0))) for name, value in zip(PARTS, variances, strict=True)
    }
