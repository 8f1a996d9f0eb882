"""Is it going on from the last weights? Each continual chain against its re-initialised twin."""

import pandas as pd

from idempotence.stats.groups import add_holm, with_traits
from idempotence.stats.panels import panel_mean

# objective -> (continual, re-initialised): the same seed rows, doses, prompts and random numbers
TWINS = {
    "sft": ("sft-continual", "sft"),
    "sdf": ("sdf-continual", "sdf"),
    "dpo": ("dpo", "dpo-reinit"),
}
PAIR = ["objective", "model", "trait", "seed", "cell"]
MEASURES = ["slope", "late_delta", "coherence_change"]


def continual_pairs(chains: pd.DataFrame) -> pd.DataFrame:
    """One row for each pair of twins that the study has, with each measure of both.

    chains: see `amplification.chains`. Twins have model, trait, seed and cell in common. Measures:
    slope of the trait score (points a cycle), late_delta (points, late cycles less cycle 0),
    coherence_change (points, last less first). Columns: `PAIR`, then for each measure
    <measure>_continual, <measure>_reinit and <measure>_difference = continual - reinit.
    """
    chains = chains.assign(coherence_change=chains["coherence_last"] - chains["coherence_first"])
    parts = []
    for objective, (continual, reinit) in TWINS.items():
        sides = [
            chains.loc[chains["setting"] == setting, [*PAIR, *MEASURES]]
            for setting in (continual, reinit)
        ]
        pairs = sides[0].merge(sides[1], on=PAIR, suffixes=("_continual", "_reinit"))
        parts.append(pairs[pairs["objective"] == objective])
    whole = pd.concat(parts, ignore_index=True)
    for measure in MEASURES:
        whole[f"{measure}_difference"] = whole[f"{measure}_continual"] - whole[f"{measure}_reinit"]
    return whole


def continual(pairs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Mean difference of the twins, by objective (trait "all") and objective and trait.

    pairs: see `continual_pairs`. Returns objective, trait, measure, estimate (continual less
    re-initialised), se, ci_low, ci_high, p (see `panels.panel_mean`), p_holm (Holm 1979, over the
    traits of an objective and measure; missing for "all"), n_panels, n_chains (pairs), warnings.
    """
    rows = []
    for objective, trait, group in with_traits(pairs, "objective"):
        for measure in MEASURES:
            found = panel_mean(group, f"{measure}_difference", confidence)
            rows.append({"objective": objective, "trait": trait, "measure": measure, **found})
    columns = ["objective", "trait", "measure", "estimate", "se", "ci_low", "ci_high", "p"]
    made = pd.DataFrame(rows, columns=[*columns, "n_panels", "n_chains", "warnings"])
    return add_holm(made, ["objective", "measure"])
