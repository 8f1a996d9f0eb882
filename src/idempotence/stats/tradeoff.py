"""What does a change of the trait cost? Changes of other measures on change of the trait."""

from collections.abc import Sequence
from functools import partial

import pandas as pd

from idempotence.scores.schema import CHAIN
from idempotence.stats.groups import add_holm, with_traits
from idempotence.stats.panels import jackknifed

COSTS = [
    "coherence",
    "words_per_sentence",
    "distinct_2",
    "compression",
    "near_duplicates",
    "opening_share",
    "loglik_initial",
    "divergence",
]


def tradeoff_chains(table: pd.DataFrame, chains: pd.DataFrame, from_cycle: int) -> pd.DataFrame:
    """For each chain the change of the trait and of each of `COSTS`.

    table: see `trajectories.trajectories`; chains: see `amplification.chains`. Changes: see
    `late_changes`. Returns `CHAIN`, trait_change (points), <cost>_change (in the cost's
    own unit: points; words; shares; ratio of bytes; natural log per token) and amplified.
    """
    changes = late_changes(table, ["trait_score", *COSTS], from_cycle)
    changes = changes.rename(columns="{}_change".format)
    changes = changes.rename(columns={"trait_score_change": "trait_change"})
    return changes.reset_index().merge(chains[[*CHAIN, "amplified"]], on=CHAIN)


def late_changes(table: pd.DataFrame, measures: Sequence[str], from_cycle: int) -> pd.DataFrame:
    """How far each chain's measures moved by the late cycles, indexed by `CHAIN`.

    The mean over cycles >= from_cycle less the value at cycle 0, both over the chain's cycle
    means, in the measure's own unit; missing when either is.
    """
    grouped = table[table["cycle"] >= from_cycle].groupby(CHAIN)
    # one by one: the last bit of means taken together hangs on how the table lies in memory
    late = pd.DataFrame({name: grouped[name].mean() for name in measures})
    first = table[table["cycle"] == 0].set_index(CHAIN)[list(measures)]
    return late.reindex(first.index) - first


def tradeoff(changed: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Slope of each cost's change on the trait's among chains, by setting and setting and trait.

    changed: see `tradeoff_chains`. Least squares with an intercept; the unit is the cost's own per
    point of trait, so that a negative slope of coherence means that gaining the trait costs
    coherence. Interval and p: jackknife over panels (see `panels.jackknifed`). Among the chains of
    trait "all" the traits differ too. Returns setting, trait, cost, slope, se, ci_low, ci_high, p,
    p_holm (Holm 1979, over the traits of a setting and cost; missing for "all"), n_panels,
    n_chains, warnings. NaN where no chain's trait changed differently from another's.
    """
    rows = []
    for setting, trait, group in with_traits(changed):
        for cost in COSTS:
            known = group[group["trait_change"].notna() & group[f"{cost}_change"].notna()]
            estimates = jackknifed(known, partial(_slope, cost=cost), confidence)
            rows.append({"setting": setting, "trait": trait, "cost": cost, **estimates})
    slopes = pd.DataFrame(rows).rename(columns={"estimate": "slope"})
    return add_holm(slopes, ["setting", "cost"])


def _slope(frame: pd.DataFrame, cost: str) -> float:
    if len(frame) < 3:
        return float("nan")
    change = frame["trait_change"]
    x, y = (change - change.mean()).to_numpy(float), frame[f"{cost}_change"].to_numpy(float)
    square = float(x @ x)
    return float(x @ y) / square if square > 1e-9 else float("nan")
