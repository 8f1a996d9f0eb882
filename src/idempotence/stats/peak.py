"""How far does a chain rise while it is coherent, whenever that is?"""

import pandas as pd

from idempotence.scores.schema import CHAIN

COLUMNS = ["peak_delta", "peak_cycle", "coherence_at_peak"]


def rises(table: pd.DataFrame, least_coherence: float) -> pd.DataFrame:
    """One row for each chain: its largest rise over cycle 0 while it is coherent.

    table: see `trajectories.trajectories`. With s_j the mean trait score (points, 0-100) and c_j
    the mean coherence at cycle j: peak_delta (points) is the largest s_j - s_0 over the cycles
    j >= 1 with c_j >= least_coherence, below 0 where the trait only fell; peak_cycle is the first
    cycle that reaches it, coherence_at_peak its c_j. All are missing without s_0, and without a
    coherent later cycle.
    """
    known = table[table["trait_score"].notna() & (table["coherence"] >= least_coherence)]
    known = known[known["cycle"] >= 1].sort_values([*CHAIN, "cycle"])
    first = table[table["cycle"] == 0].set_index(CHAIN)["trait_score"]
    known = known.join(first.rename("score_0"), on=CHAIN)
    known = known[known["score_0"].notna()]
    known["peak_delta"] = known["trait_score"] - known["score_0"]
    highest = known.loc[known.groupby(CHAIN)["peak_delta"].idxmax()]
    highest = highest.rename(columns={"cycle": "peak_cycle", "coherence": "coherence_at_peak"})
    chains = table[CHAIN].drop_duplicates()
    rows = chains.merge(highest[[*CHAIN, *COLUMNS]], on=CHAIN, how="left")
    return rows.sort_values(CHAIN, ignore_index=True).astype({"peak_cycle": "Int64"})


def at_peaks(table: pd.DataFrame, peaks: pd.DataFrame, measure: str) -> pd.Series:
    """A measure at each chain's peak less its value at cycle 0, in the order of `peaks`.

    peaks: see `rises`. Missing where the chain has no peak or the measure is not known at either.
    """
    values = table.set_index([*CHAIN, "cycle"])[measure]
    start = peaks[CHAIN].join(values.xs(0, level="cycle"), on=CHAIN)[measure]
    keys = peaks[CHAIN].assign(cycle=peaks["peak_cycle"].astype("float"))
    at_peak = values.reindex(pd.MultiIndex.from_frame(keys))
    return pd.Series(at_peak.to_numpy(float) - start.to_numpy(float), peaks.index)
