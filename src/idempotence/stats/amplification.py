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
    - slope: ordinary least squares of s_j on j over all the chain's cycles (points per cycle).

    Also: doses, n_cycles (with a score), score_0, score_last and last_cycle, max_delta and
    delta_cycle (the first cycle that reaches it), coherence_first, coherence_last, coherence_min,
    ended_cycle (the first cycle whose status is not ok) and ended_reason.
    Raises `UserError` for points <= 0 or from_cycle < 1.
    """
    check_rule(points, from_cycle)
    rows = [
        {**dict(zip(CHAIN, key, strict=True)), **_chain(group, points, from_cycle)}
        for key, group in table.sort_values("cycle").groupby(CHAIN)
    ]
    whole = {name: "Int64" for name in ("last_cycle", "delta_cycle", "ended_cycle")}
    return pd.DataFrame(rows).astype({**whole, "amplified": "boolean"})


def check_rule(points: float, from_cycle: int) -> None:
    """Raise `UserError` unless points > 0 and from_cycle >= 1."""
    if points <= 0:
        raise UserError(f"amplification points are {points}; they must be above 0")
    if from_cycle < 1:
        raise UserError(f"the rule's first cycle is {from_cycle}; it must be 1 or later")


def _chain(group: pd.DataFrame, points: float, from_cycle: int) -> dict[str, Any]:
    """The row of one chain in `chains`, without its key. group: its rows, ordered by cycle."""
    score = group.set_index("cycle")["trait_score"].dropna()
    coherence = group["coherence"].dropna()
    start = score.get(0, np.nan)
    late = (score - start).loc[from_cycle:].dropna()
    ended = group[group["status"] != ALIVE]
    amplified = bool(late.max() >= points) if len(late) else None
    return {
        "objective": group["objective"].iloc[0],
        "start": group["start"].iloc[0],
        **{dose: group[dose].iloc[0] for dose in DOSES},
        "n_cycles": len(score),
        "score_0": start,
        "score_last": score.iloc[-1] if len(score) else np.nan,
        "last_cycle": score.index[-1] if len(score) else None,
        "max_delta": late.max(),
        "delta_cycle": late.idxmax() if len(late) else None,
        "late_delta": late.mean(),
        "amplified": amplified,
        "outcome": _outcome(amplified, late.mean(), start, points),
        "slope": chain_slope(score),
        "coherence_first": coherence.iloc[0] if len(coherence) else np.nan,
        "coherence_last": coherence.iloc[-1] if len(coherence) else np.nan,
        "coherence_min": coherence.min(),
        "ended_cycle": ended["cycle"].iloc[0] if len(ended) else None,
        "ended_reason": (ended["reason"].iloc[0] or ended["status"].iloc[0]) if len(ended) else "",
    }


def _outcome(amplified: bool | None, late_delta: float, start: float, points: float) -> str:
    if amplified is None:
        return ""
    if amplified:
        return "amplification"
    return "decay" if start > 0 and late_delta <= -min(points, start / 2) else "constancy"


def chain_slope(score: pd.Series) -> float:
    """Least-squares slope of a chain's scores (points) on the index, its cycles.

    NaN with fewer than two cycles.
    """
    if len(score) < 2:
        return float("nan")
    x = score.index.to_numpy(float) - score.index.to_numpy(float).mean()
    return float(x @ score.to_numpy() / (x @ x))


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
