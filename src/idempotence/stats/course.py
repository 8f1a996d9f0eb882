"""What becomes of a trait over a chain's course: how far it rises, at what cost, what is left."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from idempotence.scores.schema import CHAIN
from idempotence.stats.groups import with_traits
from idempotence.stats.panels import jackknifed, panel_mean
from idempotence.stats.peak import at_peaks
from idempotence.stats.tradeoff import late_changes

COSTS = ["coherence", "words_per_sentence", "divergence"]
LEAST_RISE = 1.0  # points that a chain must rise on average, for a cost per point
LEAST_NATS = 0.01  # nats per token that a chain must move on average, for a gain per nat
LAST_SHARE = 0.25  # of the later cycles: those that tell what is left of a trait
_RATIOS = {  # estimand -> (numerator, denominator, least mean denominator)
    **{f"{cost}_per_point": (f"{cost}_change", "peak_delta", LEAST_RISE) for cost in COSTS},
    "points_per_nat": ("peak_delta", "divergence_change", LEAST_NATS),
    "kept": ("score_late", "score_0", 0.0),
}
_MEANS = ["peak_delta", "coherence_of_amplified"]
ESTIMANDS = [*_MEANS, *_RATIOS]


def chain_courses(table: pd.DataFrame, chains: pd.DataFrame, from_cycle: int) -> pd.DataFrame:
    """One row for each chain, for `course`.

    table: see `trajectories.trajectories`; chains: see `amplification.chains`, with the columns of
    `peak.rises`. Columns: `CHAIN`, score_0, peak_delta (points), <cost>_change (the cost at the
    peak less that at cycle 0, in its own unit), score_late (points: the mean over the last
    `LAST_SHARE` of the setting's cycles after cycle 0, at least one; missing where a chain ended
    before), coherence_of_amplified (points, see `tradeoff.late_changes`; missing for chains that
    did not amplify).
    """
    courses = chains[[*CHAIN, "score_0", "peak_delta"]].copy()
    for cost in COSTS:
        courses[f"{cost}_change"] = at_peaks(table, chains, cost)
    last = table.groupby("setting")["cycle"].max()
    first_late = last - np.ceil(last * LAST_SHARE).astype(int) + 1
    late = table[table["cycle"] >= table["setting"].map(first_late)]
    grouped = late.groupby(CHAIN)["trait_score"]
    whole = grouped.mean().where(grouped.count() == grouped.size())
    courses = courses.join(whole.rename("score_late"), on=CHAIN)
    moved = late_changes(table, ["coherence"], from_cycle)["coherence"]
    courses = courses.join(moved.rename("coherence_of_amplified"), on=CHAIN)
    amplified = chains["amplified"].fillna(False).to_numpy(bool)
    courses["coherence_of_amplified"] = courses["coherence_of_amplified"].where(amplified)
    return courses


def course(
    courses: pd.DataFrame,
    confidence: float,
    estimands: Sequence[str] = ESTIMANDS,
    each_trait: bool = True,
) -> pd.DataFrame:
    """Estimands of a setting's chains, by setting (trait "all") and setting and trait.

    courses: see `chain_courses`. Estimands:

    - peak_delta (points): mean largest rise over cycle 0 while coherent.
    - coherence_per_point, words_per_sentence_per_point, divergence_per_point: summed change from
      cycle 0 to the peak over the summed rise, a ratio of means; none where chains rise less than
      `LEAST_RISE` points on average.
    - points_per_nat: the summed rise over the summed change of divergence (nats per token) from
      cycle 0 to the peak; none where that is less than `LEAST_NATS` on average.
    - kept (share): summed score over the last cycles over that at cycle 0.
    - coherence_of_amplified (points): mean change of coherence of the chains that amplified.

    Means: `panels.panel_mean`; ratios: `panels.jackknifed`, over panels. Returns setting, trait,
    estimand, estimate, se, ci_low, ci_high, p (of a mean of 0), n_panels, n_chains, warnings.
    """
    rows = []
    for setting, trait, group in with_traits(courses, each_trait):
        key = {"setting": setting, "trait": trait}
        for name in estimands:
            if name in _MEANS:
                estimates = panel_mean(group, name, confidence)
            else:
                estimates = _ratio(group, *_RATIOS[name], confidence)
            rows.append({**key, "estimand": name, **estimates})
    return pd.DataFrame(rows)


def _ratio(
    group: pd.DataFrame, above: str, below: str, least: float, confidence: float
) -> dict[str, Any]:
    """The row of a ratio of means; see `course`."""
    known = group[group[above].notna() & group[below].notna()]

    def ratio(chains: pd.DataFrame) -> float:
        total = float(chains[below].sum())
        enough = len(chains) > 0 and total > least * len(chains)
        return float(chains[above].sum()) / total if enough else float("nan")

    return jackknifed(known, ratio, confidence)
