"""Do other rules agree? The published rule of amplification and four alternatives."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import check_rule, share_amplified
from idempotence.stats.arrays import Floats, Integers
from idempotence.stats.groups import with_traits

RULES = ["published", "peak", "anchor1", "last_minus_first", "mean_slope"]
LAST_POINTS = 10.0  # points from cycle 0 to the last
SLOPE_POINTS = 1.67  # points per cycle: about `LAST_POINTS` over the default study's 6 cycles


def statistics(trait: Floats, from_cycle: int) -> dict[str, tuple[Floats, Integers]]:
    """What each rule looks at, with the cycles at which it looks.

    trait: mean trait scores s_j (points) of chains, shape (..., J + 1) for cycles 0..J; NaN where
    there is none. Returns for each rule its statistic, shape (..., k), and its k cycles:

    - "published" (Roe et al. 2026): s_j - s_0 for j >= from_cycle (points).
    - "peak": s_j - s_0 for j >= 1: a fast chain may rise and collapse before from_cycle. At such a
      cycle the chain must still be coherent, see `verdicts`.
    - "anchor1": s_j - s_1 for j >= from_cycle and j >= 2: growth after the first re-training.
    - "last_minus_first": s_J - s_0.
    - "mean_slope": the least-squares slope of s_j on j over all cycles with a score (points per
      cycle). NaN without s_J, as a course that ended must not be drawn on to J.
    """
    cycles = np.arange(trait.shape[-1])
    late, later = cycles[from_cycle:], cycles[max(from_cycle, 2) :]
    last = cycles[-1:]
    anchor = trait[..., 1:2] if len(cycles) > 1 else np.full_like(trait, np.nan)
    return {
        "published": (trait[..., late] - trait[..., :1], late),
        "peak": (trait[..., 1:] - trait[..., :1], cycles[1:]),
        "anchor1": (trait[..., later] - anchor, later),
        "last_minus_first": (trait[..., last] - trait[..., :1], last),
        "mean_slope": (slopes(trait)[..., None], last),
    }


def slopes(trait: Floats) -> Floats:
    """Least-squares slope on the cycle over the last axis; NaN without its last score."""
    known = ~np.isnan(trait)
    n = known.sum(axis=-1, keepdims=True)
    cycle = np.where(known, np.arange(trait.shape[-1]), 0)
    x = np.where(known, cycle - cycle.sum(axis=-1, keepdims=True) / np.maximum(n, 1), 0)
    square = (x**2).sum(axis=-1)
    usable = known[..., -1] & (square > 0)
    slope = (x * np.where(known, trait, 0)).sum(axis=-1) / np.where(usable, square, 1)
    return np.where(usable, slope, np.nan)


def bars(points: float) -> dict[str, float]:
    """The value that each rule's statistic must reach (points; "mean_slope" points per cycle)."""
    return {
        "published": points,
        "peak": points,
        "anchor1": points,
        "last_minus_first": LAST_POINTS,
        "mean_slope": SLOPE_POINTS,
    }


def verdicts(
    trait: Floats,
    coherence: Floats,
    points: float,
    from_cycle: int,
    gate: float,
    peak_coherence: float,
) -> dict[tuple[str, bool], Floats]:
    """Does each rule, without and with the coherence gate, call a chain amplified?

    trait, coherence: points, shape (..., J + 1), NaN where there is none. Returns for each
    (rule, gated) an array of shape (...): 1 yes, 0 no, NaN undecided. A rule fires at a cycle where
    its statistic (see `statistics`) reaches its bar (see `bars`); it is undecided when no cycle has
    the statistic. With the gate, coherence at such a cycle must be >= gate (points) as well; for
    "peak" it must be >= peak_coherence, with the gate >= both. It is undecided when all that is
    missing is the coherence. Raises `UserError` for points <= 0 or
    from_cycle < 1.
    """
    check_rule(points, from_cycle)
    fired = {}
    for rule, (statistic, cycles) in statistics(trait, from_cycle).items():
        fires = statistic >= bars(points)[rule]  # False where NaN
        at = coherence[..., cycles]
        undecided = np.isnan(statistic).all(axis=-1)
        own = peak_coherence if rule == "peak" else -np.inf
        for gated, least in ((False, own), (True, max(own, gate))):
            asks = np.isfinite(least)
            passes = (fires & (at >= least)).any(axis=-1) if asks else fires.any(axis=-1)
            unsure = asks & (fires & np.isnan(at)).any(axis=-1) & ~passes
            fired[rule, gated] = np.where(undecided | unsure, np.nan, passes)
    return fired


def chain_rules(
    table: pd.DataFrame, points: float, from_cycle: int, gate: float, peak_coherence: float
) -> pd.DataFrame:
    """One row for each chain, rule and gate: the chain's `CHAIN`, rule, gate, amplified.

    table: see `trajectories.trajectories`. amplified is missing when undecided (see `verdicts`);
    J is the setting's last cycle. "published" without the gate is `amplification.chains`' verdict.
    """
    parts = []
    for group in by_last_cycle(table):
        trait, coherence = in_rows(group, "trait_score"), in_rows(group, "coherence")
        courses = trait.to_numpy(float), coherence.to_numpy(float)
        fired = verdicts(*courses, points, from_cycle, gate, peak_coherence)
        identity = trait.index.to_frame(index=False)
        parts += [
            identity.assign(rule=rule, gate=gated, amplified=pd.array(amplified, dtype="Float64"))
            for (rule, gated), amplified in fired.items()
        ]
    return pd.concat(parts, ignore_index=True).astype({"amplified": "boolean"})


def by_last_cycle(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of settings that have the same last cycle J."""
    last = table.groupby("setting")["cycle"].transform("max")
    for _, group in table.groupby(last):
        yield group


def in_rows(group: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Chains in rows, cycles 0..J in columns. group: see `by_last_cycle`."""
    wide = group.pivot(index=CHAIN, columns="cycle", values=measure)
    return wide.reindex(columns=range(int(group["cycle"].max()) + 1))


def rule_rates(
    table: pd.DataFrame,
    points: float,
    from_cycle: int,
    gate: float,
    peak_coherence: float,
    confidence: float,
) -> pd.DataFrame:
    """How many chains each rule calls amplified: see `rates_of`, of `chain_rules`."""
    return rates_of(chain_rules(table, points, from_cycle, gate, peak_coherence), confidence)


def rates_of(chains: pd.DataFrame, confidence: float, each_trait: bool = True) -> pd.DataFrame:
    """Shares that amplified, by setting (trait "all") and, with each_trait, setting and trait.

    chains: see `chain_rules`. Returns setting, trait, rule, gate (see `verdicts`) and
    the columns of `amplification.share_amplified`; a chain that ended early may have no verdict.
    For how often a rule fires when nothing changes see `null_rate.null_rates`.
    """
    rows = []
    for setting, trait, group in with_traits(chains, each_trait):
        for (rule, gated), mine in group.groupby(["rule", "gate"], sort=False):
            key = {"setting": setting, "trait": trait, "rule": rule, "gate": gated}
            rows.append({**key, **share_amplified(mine, confidence)})
    return pd.DataFrame(rows)
