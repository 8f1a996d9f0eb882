"""Did a trait amplify? The published rule for each chain, and its rate."""

from typing import Any

import numpy as np
import pandas as pd

from idempotence.errors import UserError
from idempotence.scores.schema import ALIVE, CHAIN, DOSES, PANEL
from idempotence.stats.groups import with_traits
from idempotence.stats.intervals import wilson, wilson_clustered

OUTCOMES = ["decay", "constancy", "amplification"]
LIMITS = ["ci_low", "ci_high", "n_panels", "panel_low", "panel_high"]


def chains(table: pd.DataFrame, points: float, from_cycle: int) -> pd.DataFrame:
    """One row for each chain, from the table of `trajectories.trajectories`.

    With s_j the chain's mean trait score at cycle j and Delta_j = s_j - s_0 (points):

    - amplified: max over j >= from_cycle of Delta_j >= points (Roe et al. 2026); missing when
      s_0 or every such s_j is missing, because the chain ended before.
    - outcome: "amplification" when amplified; otherwise "decay" when late_delta, the mean of
      Delta_j over j >= from_cycle, is <= -min(points, s_0 / 2), that is, when the late cycles lost
      either `points` or half of what cycle 0 had; otherwise "constancy". Missing as above.
    - no_verdict: why it is missing, else "".
    - slope: ordinary least squares of s_j on j over all the chain's cycles (points per cycle).

    Also: doses, n_cycles (with a score), score_0, score_last and last_cycle, max_delta and
    delta_cycle (the first cycle that reaches it), coherence_first, coherence_last, coherence_min,
    ended_cycle (the first cycle whose status is not ok) and ended_reason.
    Raises `UserError` for points <= 0 or from_cycle < 1.
    """
    check_rule(points, from_cycle)
    table = table.sort_values([*CHAIN, "cycle"])
    scored = table[table["trait_score"].notna()]
    start = scored[scored["cycle"] == 0].set_index(CHAIN)["trait_score"].rename("score_0")
    late = scored[scored["cycle"] >= from_cycle].join(start, on=CHAIN)
    late["delta"] = late["trait_score"] - late["score_0"]
    late = late[late["delta"].notna()]
    deltas = late.groupby(CHAIN)["delta"]
    falling = late.sort_values("delta", ascending=False, kind="stable")  # the first cycle of equals
    highest = falling.groupby(CHAIN).head(1).set_index(CHAIN)
    of_scores, last = scored.groupby(CHAIN), scored.groupby(CHAIN).tail(1).set_index(CHAIN)
    coherence = table[table["coherence"].notna()].groupby(CHAIN)["coherence"]
    ended = table[table["status"] != ALIVE].groupby(CHAIN).head(1).set_index(CHAIN)
    rows = table.groupby(CHAIN)[["objective", "start", *DOSES]].first()
    rows["n_cycles"] = of_scores.size().reindex(rows.index, fill_value=0)
    rows["score_0"] = start
    rows["score_last"], rows["last_cycle"] = last["trait_score"], last["cycle"]
    rows["max_delta"], rows["delta_cycle"] = highest["delta"], highest["cycle"]
    rows["late_delta"] = deltas.mean()
    rows["amplified"] = (rows["max_delta"] >= points).astype("boolean")
    rows["amplified"] = rows["amplified"].mask(rows["max_delta"].isna())
    rows["outcome"] = _outcomes(rows, points)
    rows["no_verdict"] = _without(rows, table, from_cycle)
    rows["slope"] = chain_slopes(scored)
    rows["coherence_first"], rows["coherence_last"] = coherence.first(), coherence.last()
    rows["coherence_min"] = coherence.min()
    rows["ended_cycle"] = ended["cycle"]
    reason = ended["reason"].where(ended["reason"] != "", ended["status"])
    rows["ended_reason"] = reason.reindex(rows.index, fill_value="")
    whole = {name: "Int64" for name in ("last_cycle", "delta_cycle", "ended_cycle")}
    return rows.reset_index().astype(whole)


def check_rule(points: float, from_cycle: int) -> None:
    """Raise `UserError` unless points > 0 and from_cycle >= 1."""
    if points <= 0:
        raise UserError(f"amplification points are {points}; they must be above 0")
    if from_cycle < 1:
        raise UserError(f"the rule's first cycle is {from_cycle}; it must be 1 or later")


def _outcomes(rows: pd.DataFrame, points: float) -> pd.Series:
    """The outcome of each chain; see `chains`."""
    lost = -np.minimum(points, rows["score_0"] / 2)
    decayed = (rows["score_0"] > 0) & (rows["late_delta"] <= lost)
    outcome = pd.Series("constancy", rows.index).mask(decayed, "decay")
    outcome = outcome.mask(rows["max_delta"] >= points, "amplification")
    return outcome.mask(rows["max_delta"].isna(), "")


def _without(rows: pd.DataFrame, table: pd.DataFrame, from_cycle: int) -> pd.Series:
    """Why chains have no verdict, "" for those that have one; see `chains`."""
    given = table[(table["reason"] != "") & table["trait_score"].isna()]
    first, late = (
        given[cycles].groupby(CHAIN)["reason"].first().map(" ({})".format).reindex(rows.index)
        for cycles in (given["cycle"] == 0, given["cycle"] >= from_cycle)
    )
    first, late = (reason.astype(object).where(reason.notna(), "") for reason in (first, late))
    why = ("no score at cycle 0" + first).where(
        rows["score_0"].isna(), f"no score from cycle {from_cycle} on" + late
    )
    return why.where(rows["max_delta"].isna(), "")


def chain_slopes(scored: pd.DataFrame) -> pd.Series:
    """Least-squares slope of the trait score on the cycle (points per cycle), by `CHAIN`.

    scored: rows with `CHAIN`, cycle and trait_score, none missing. NaN with fewer than two cycles.
    """
    x = scored["cycle"] - scored.groupby(CHAIN)["cycle"].transform("mean")
    keys = [scored[name] for name in CHAIN]
    square = (x**2).groupby(keys).sum()
    return (x * scored["trait_score"]).groupby(keys).sum() / square.where(square > 0)


def amplification(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """How many chains amplified, for each setting (trait "all") and each setting and trait.

    table: see `chains`. Returns setting, trait, n_decay, n_constancy and what `share_amplified`
    gives.
    """
    rows = []
    for setting, trait, group in with_traits(table):
        counts = group["outcome"].value_counts()
        others = {f"n_{name}": int(counts.get(name, 0)) for name in OUTCOMES[:2]}
        share = share_amplified(group, confidence)
        rows.append({"setting": setting, "trait": trait, **share, **others})
    columns = ["setting", "trait", "n_chains", "n_undecided", "n"]
    columns += [f"n_{name}" for name in OUTCOMES[:2]]
    return pd.DataFrame(rows)[[*columns, "n_amplified", "share", *LIMITS]]


def share_amplified(verdicts: pd.DataFrame, confidence: float) -> dict[str, Any]:
    """How many chains amplified, and their share with two intervals.

    verdicts: a row for each chain, with `schema.PANEL` and amplified (missing without a verdict).
    Returns n_chains, n_undecided (no verdict), n (with one), n_amplified, share = n_amplified / n;
    ci_low, ci_high: Wilson's interval, as published, which takes chains as independent; n_panels
    (with a verdict), panel_low, panel_high: that of `intervals.wilson_clustered` over panels,
    whose chains share their seed data.
    """
    known = verdicts[verdicts["amplified"].notna()]
    n, yes = len(known), int(known["amplified"].sum())
    low, high = wilson(yes, n, confidence)
    of_panel = known.groupby(PANEL)["amplified"].agg(["sum", "size"]).astype(float)
    panel_low, panel_high = wilson_clustered(
        of_panel["sum"].to_numpy(), of_panel["size"].to_numpy(), confidence
    )
    return {
        "n_chains": len(verdicts),
        "n_undecided": len(verdicts) - n,
        "n": n,
        "n_amplified": yes,
        "share": yes / n if n else float("nan"),
        "ci_low": low,
        "ci_high": high,
        "n_panels": len(of_panel),
        "panel_low": panel_low,
        "panel_high": panel_high,
    }
