"""What becomes of a trait over hyper-parameters: outcomes and coherent rises of each dose."""

from typing import Any

import numpy as np
import pandas as pd

from idempotence.jobs.parts import Loops
from idempotence.scores.schema import ALIVE, CHAIN, DOSES
from idempotence.stats.amplification import OUTCOMES as PUBLISHED_OUTCOMES
from idempotence.stats.groups import by_trait
from idempotence.stats.panels import panel_mean, panel_means

OUTCOMES = [*PUBLISHED_OUTCOMES, "collapse"]
PEAK = ["peak_delta", "coherence_at_peak"]


def chain_outcomes(
    table: pd.DataFrame, chains: pd.DataFrame, points: float, peak_coherence: float
) -> pd.DataFrame:
    """One row for each chain: its outcome and its cliff.

    table: see `trajectories.trajectories`; chains: see `amplification.chains`, with the columns of
    `peak.rises`, kept here with `CHAIN`, `DOSES` and score_0. With c_j the coherence at cycle j:

    - cliff_cycle: the first cycle, 0 included, with c_j < `peak_coherence`, or in which the chain
      has ended. Missing where there is none.
    - outcome, the first that applies: "amplification": peak_delta >= `points`; "collapse": the
      chain has ended, or its last cycle has c_j < `peak_coherence`; else chains' "decay", or
      "constancy" (which so includes a rise that was seen at a lower coherence alone). Missing where
      the last cycle's coherence is, or where that table has no outcome, as in studies that end
      before the rule's first cycle.
    """
    cycles = table.sort_values([*CHAIN, "cycle"])
    fallen = cycles[(cycles["coherence"] < peak_coherence) | ~_speaks(cycles)]
    last = cycles.groupby(CHAIN).tail(1).set_index(CHAIN)
    rows = chains[[*CHAIN, *DOSES, "score_0", "outcome", *PEAK]].set_index(CHAIN)
    rows["cliff_cycle"] = fallen.groupby(CHAIN)["cycle"].first()
    coherence = last["coherence"].reindex(rows.index)
    ended = ~_speaks(last).reindex(rows.index)
    risen = rows["peak_delta"] >= points
    collapsed = ended | (coherence < peak_coherence)
    late = rows["outcome"].replace("amplification", "constancy").where(coherence.notna(), "")
    rows["outcome"] = np.select([risen, collapsed], ["amplification", "collapse"], late)
    return rows.reset_index()


def _speaks(cycles: pd.DataFrame) -> pd.Series:
    """Whether a chain is alive at a cycle; one whose every reply is empty is not."""
    return cycles["status"] == ALIVE


def outcome_map(
    table: pd.DataFrame,
    chains: pd.DataFrame,
    loops: Loops,
    points: float,
    peak_coherence: float,
    confidence: float,
) -> pd.DataFrame:
    """One row for each setting and cell: trait "all", then each trait.

    Arguments and outcomes: see `chain_outcomes`. Returns setting, cell, trait, objective, start,
    changes, learning_rate and temperature (missing where a loop ran elsewhere), `DOSES` (n_seed:
    mean over chains, as it is calibrated for each trait); n_chains, n_undecided (no outcome),
    share_<outcome> of those with one; peak_delta with ci_low, ci_high (points; mean over panels
    with a t interval, see `panels.panel_mean`), n_panels and n_peaks (chains) behind it;
    coherence_at_peak and score_0 (points, means over panels); n_cliffs and cliff_cycle, its median
    over chains that have one; warnings.
    """
    outcomes = chain_outcomes(table, chains, points, peak_coherence)
    rows = []
    for loop in loops.loops:
        recipe = {name: getattr(loop, name) for name in
                  ("objective", "start", "changes", "learning_rate", "temperature")}  # fmt: skip
        for cell, of_cell in outcomes[outcomes["setting"] == loop.name].groupby("cell"):
            for trait, group in by_trait(of_cell):
                key = {"setting": loop.name, "cell": cell, "trait": trait}
                rows.append({**key, **recipe, **_row(group, confidence)})
    return pd.DataFrame(rows).astype({"learning_rate": float, "temperature": float})


def _row(group: pd.DataFrame, confidence: float) -> dict[str, Any]:
    """The row of some chains of a cell, without its key."""
    counts = group["outcome"].value_counts()
    known = int(counts[counts.index != ""].sum())
    shares = {f"share_{name}": counts.get(name, 0) / known if known else np.nan
              for name in OUTCOMES}  # fmt: skip
    peak = panel_mean(group, "peak_delta", confidence)
    warnings = [peak["warnings"]] if peak["n_chains"] else ["no chain has a coherent later cycle"]
    if known < len(group):
        warnings.append(f"{len(group) - known} chain(s) without an outcome")
    return {
        **{dose: group[dose].mean() for dose in DOSES},
        "n_chains": len(group),
        "n_undecided": len(group) - known,
        **shares,
        "peak_delta": peak["estimate"],
        "ci_low": peak["ci_low"],
        "ci_high": peak["ci_high"],
        "n_panels": peak["n_panels"],
        "n_peaks": peak["n_chains"],
        "coherence_at_peak": panel_means(group, "coherence_at_peak")[0].mean(),
        "score_0": panel_means(group, "score_0")[0].mean(),
        "n_cliffs": int(group["cliff_cycle"].notna().sum()),
        "cliff_cycle": group["cliff_cycle"].median(),
        "warnings": "; ".join(filter(None, warnings)),
    }
