"""The noise of a score: how far two scorings of one model lie apart; changes beyond it."""

import numpy as np
import pandas as pd
from scipy import stats

from idempotence.scores.schema import CHAIN
from idempotence.stats.groups import ALL  # here of settings: the row of all together
from idempotence.stats.intervals import check_confidence

MEASURES = ["trait_score", "coherence"]
CHANGES = {"trait_score": "late_delta", "coherence": "coherence_change"}  # -> column of chains


def scored_twice(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """One row for each model and measure that both tables hold: `CHAIN`, measure, first, second.

    first, second: see `trajectories.mean_scores`; models of cycle 0 and initial ones, scored with
    different samples. Models without either score are left out.
    """
    both = first.merge(second, on=[*CHAIN, "cycle"], suffixes=("_first", "_second"))
    parts = [
        both[CHAIN].assign(measure=name, first=both[f"{name}_first"], second=both[f"{name}_second"])
        for name in MEASURES
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["first", "second"])


def floors(twice: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The floor of each setting ("initial" for the initial models) and of all, by measure.

    twice: see `scored_twice`. With d the difference of both scorings of each of n models (points)
    and d^2 averaged to v, sqrt(v / 2) is the standard deviation of one scoring. The difference of
    two scorings of a model that does not change is within floor = t * sqrt(v) with the probability
    `confidence`, t being that quantile of Student's t with n degrees of freedom, as v is known from
    n differences whose mean is 0 by design. Scores near 0 and 100 are less noisy than between: the
    floor is that of the models of the setting, at the doses that it has.

    Returns setting, measure, n_models, mean_difference (second less first), sd_scoring, floor and
    warnings.
    """
    check_confidence(confidence)
    rows = []
    for measure, of_measure in twice.groupby("measure", sort=False):
        groups = [*of_measure.groupby("setting"), (ALL, of_measure)]
        for setting, group in groups:
            d = (group["second"] - group["first"]).to_numpy(float)
            n, square = len(d), float(np.mean(d**2))
            rows.append(
                {
                    "setting": setting, "measure": measure, "n_models": n,
                    "mean_difference": float(d.mean()), "sd_scoring": (square / 2) ** 0.5,
                    "floor": float(stats.t.ppf(0.5 + confidence / 2, n)) * square**0.5,
                    "warnings": f"only {n} models: the floor is rough" if n < 10 else "",
                }
            )  # fmt: skip
    columns = ["setting", "measure", "n_models", "mean_difference", "sd_scoring", "floor"]
    return pd.DataFrame(rows, columns=[*columns, "warnings"])


def changes(chains: pd.DataFrame, noise: pd.DataFrame) -> pd.DataFrame:
    """Each chain's late changes beside the floor: "none" within it, else "rise" or "fall".

    chains: see `amplification.chains`; noise: see `floors`, of which the row of all settings is
    taken. Changes: late_delta of the trait score and coherence_last - coherence_first (points).
    late_delta is a mean of several cycles, so that for it the floor is on the safe side. Returns
    `CHAIN`, measure, change, floor and mark; mark is "" where the change is not known.
    """
    chains = chains.assign(coherence_change=chains["coherence_last"] - chains["coherence_first"])
    of_all = noise[noise["setting"] == ALL].set_index("measure")["floor"]
    parts = []
    for measure, column in CHANGES.items():
        change, floor = chains[column].astype(float), of_all.get(measure, np.nan)
        marks = np.select([change.abs() <= floor, change > floor, change < -floor],
                          ["none", "rise", "fall"], "")  # fmt: skip
        part = chains[CHAIN].assign(measure=measure, change=change, floor=floor, mark=marks)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
