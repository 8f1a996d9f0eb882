"""Does going on from the last weights matter? Continual chains and their re-initialised twins."""

from collections.abc import Sequence

import pandas as pd

from idempotence.objectives import OBJECTIVES
from idempotence.stats.groups import add_holm, by_trait
from idempotence.stats.panels import panel_mean

TWINS = ["objective", "continual", "reinit"]  # columns that identify a pair of settings
CHAIN_PAIR = ["model", "trait", "seed", "cell"]  # of a pair of chains, within one of settings
MEASURES = ["slope", "late_delta", "peak_delta", "coherence_change"]


def continual_pairs(chains: pd.DataFrame, twins: Sequence[tuple[str, ...]]) -> pd.DataFrame:
    """One row for each pair of chains of settings that are twins, with each measure of both.

    chains: see `amplification.chains`, with the columns of `peak.rises`. twins: (setting that
    starts each cycle from the previous weights, setting that starts it from the initial ones),
    equal in all else: `Loops.twins`. Their chains of one model, trait, seed and cell have the same
    seed rows, doses, prompts and random numbers. Measures: slope of the trait score (points per
    cycle), late_delta (points, late cycles less cycle 0), peak_delta (points, see `peak.rises`),
    coherence_change (points, last less first).

    Columns: `TWINS` (continual and reinit: names of the settings), `CHAIN_PAIR`, then for each
    measure <measure>_continual, <measure>_reinit and <measure>_difference = continual - reinit.
    Pairs of settings stand in the order of `OBJECTIVES`, then of `twins`.
    """
    chains = chains.assign(coherence_change=chains["coherence_last"] - chains["coherence_first"])
    measured = chains[["setting", "objective", *CHAIN_PAIR, *MEASURES]]
    on = ["objective", *CHAIN_PAIR]
    named = pd.DataFrame(twins, columns=TWINS[1:])
    sides = {side: measured.rename(columns={"setting": side}) for side in TWINS[1:]}
    pairs = named.merge(sides["continual"], on="continual")
    pairs = pairs.merge(sides["reinit"], on=["reinit", *on], suffixes=("_continual", "_reinit"))
    pairs = pairs.sort_values(
        "objective",
        key=lambda names: names.map(list(OBJECTIVES).index),
        kind="stable",
        ignore_index=True,
    )
    names = [f"{measure}_{side}" for side in ("continual", "reinit") for measure in MEASURES]
    pairs = pairs[[*TWINS, *CHAIN_PAIR, *names]]
    for measure in MEASURES:
        pairs[f"{measure}_difference"] = pairs[f"{measure}_continual"] - pairs[f"{measure}_reinit"]
    return pairs


def continual(
    pairs: pd.DataFrame,
    confidence: float,
    measures: Sequence[str] = MEASURES,
    each_trait: bool = True,
) -> pd.DataFrame:
    """Mean difference of twins, by pair of settings (trait "all") and pair and trait.

    pairs: see `continual_pairs`. Returns `TWINS`, trait, measure, estimate (continual less
    re-initialised), se, ci_low, ci_high, p (see `panels.panel_mean`), p_holm (Holm 1979, over the
    traits of a pair and measure; missing for "all"), n_panels, n_chains (pairs), warnings.
    """
    rows = []
    for names, mine in pairs.groupby(TWINS, sort=False):
        settings = dict(zip(TWINS, names, strict=True))
        for trait, group in by_trait(mine, each_trait):
            for measure in measures:
                mean = panel_mean(group, f"{measure}_difference", confidence)
                rows.append({**settings, "trait": trait, "measure": measure, **mean})
    columns = [*TWINS, "trait", "measure", "estimate", "se", "ci_low", "ci_high", "p"]
    table = pd.DataFrame(rows, columns=[*columns, "n_panels", "n_chains", "warnings"])
    return add_holm(table, [*TWINS, "measure"])
