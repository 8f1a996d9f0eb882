"""How often does each rule call a chain amplified when nothing changes?"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from idempotence.errors import UserError
from idempotence.rng import derive_seed
from idempotence.scores.schema import CHAIN
from idempotence.stats.arrays import Floats, Integers
from idempotence.stats.rules import RULES, statistics, verdicts

NULLS = ["rescored", "resampled_late"]
NEEDED = [*CHAIN, "cycle", "question", "sample", "trait_score", "coherence"]
DRAWS = 200
QUANTILES = np.round(np.arange(0.005, 1, 0.005), 3)


def null_rates(
    scores: pd.DataFrame,
    points: float,
    from_cycle: int,
    gate: float,
    peak_coherence: float,
    seed: int,
    draws: int = DRAWS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Share of chains that a rule calls amplified when all cycles are draws of one and the same.

    scores: one row for each response, with the columns `NEEDED`. From each chain `draws` courses of
    J + 1 cycles are drawn, J being the setting's last cycle, and the rules of `rules.verdicts`
    applied:

    - "rescored": every cycle's answers come from the chain's own answers at cycle 0;
    - "resampled_late": from its answers at cycles >= from_cycle, pooled: a chain that has settled.

    Each question keeps its number of answers in a cycle, drawn with replacement from its own (a
    bootstrap stratified by question), trait score and coherence together. Questions stay the same,
    as they do over a chain's cycles. With M answers to a question, a draw scatters by (M - 1) / M
    of what fresh answers would; so a score is set apart from its question's mean by sqrt(M /
    (M - 1)) times as much, which makes the variance of a mean unbiased (Rao and Wu 1988).

    This is the luck of sampling and judging answers. The luck of training again is not in it, so
    that a rule's rate without any drift is this or more.

    Returns two tables. Rates: null, setting, rule, gate, null_share = mean over chains and draws,
    null_share_se (its Monte-Carlo standard error, the chains being given), statistic_95 (95th
    percentile, over chains and draws, of the largest value of the rule's statistic: points, for
    "mean_slope" points per cycle), n_chains, n_left_out (chains without such scores), draws and
    warnings. Quantiles: null, setting, quantile, max_delta (points), of the largest value of the
    published rule's statistic over chains and draws. A chain's draws depend on the seed and the
    chain alone. Raises `UserError` for draws < 2 and as `verdicts`.
    """
    if draws < 2:
        raise UserError(f"the null rate's draws are {draws}; it needs 2 or more")
    known = scores.loc[scores["trait_score"].notna(), NEEDED]
    known = known.sort_values([*CHAIN, "cycle", "question", "sample"])
    rates, quantiles = [], []
    for null in NULLS:
        used = known[known["cycle"] == 0 if null == NULLS[0] else known["cycle"] >= from_cycle]
        for setting, whole in scores.groupby("setting"):
            of_setting = used[used["setting"] == setting]
            n_chains = whole[CHAIN].drop_duplicates().shape[0]
            drawn = list(_courses(of_setting, null, int(whole["cycle"].max()) + 1, seed, draws))
            key = {"null": null, "setting": setting}
            fixed = {"n_chains": len(drawn), "n_left_out": n_chains - len(drawn), "draws": draws}
            warnings = _warnings(_n_single(of_setting), n_chains - len(drawn))
            courses = np.stack(drawn) if drawn else np.full((0, 2, 2, 2), np.nan)
            for row in _rates(courses, points, from_cycle, gate, peak_coherence):
                rates.append({**key, **row, **fixed, "warnings": warnings})
            largest = statistics(courses[:, 0], from_cycle)[RULES[0]][0]
            if largest.size:
                deltas = np.nanquantile(largest.max(axis=-1), QUANTILES)
                quantiles.append(pd.DataFrame({**key, "quantile": QUANTILES, "max_delta": deltas}))
    empty = pd.DataFrame(columns=["null", "setting", "quantile", "max_delta"])
    return pd.DataFrame(rates), pd.concat(quantiles, ignore_index=True) if quantiles else empty


def _n_single(used: pd.DataFrame) -> int:
    """Chains with a question that was answered once."""
    single = used.groupby([*CHAIN, "question"]).size().eq(1)
    return int(single.groupby(CHAIN).any().sum()) if len(single) else 0


def _courses(used: pd.DataFrame, null: str, cycles: int, seed: int, draws: int) -> Iterator[Floats]:
    """For each chain its drawn means, shape (2, draws, cycles): trait score and coherence."""
    values = used[["trait_score", "coherence"]].to_numpy(float).T
    question, cycle = used["question"].to_numpy(), used["cycle"].to_numpy()
    for key, rows in dict[Any, Any](used.groupby(CHAIN).indices).items():
        rng = np.random.default_rng(np.random.SeedSequence(derive_seed(seed, null, *key)))
        pooled = len(np.unique(cycle[rows]))
        yield course_means(values[:, rows], question[rows], pooled, cycles, draws, rng)


def course_means(
    values: Floats,
    question: Integers,
    pooled: int,
    cycles: int,
    draws: int,
    rng: np.random.Generator,
) -> Floats:
    """Means of drawn cycles, shape (measures, draws, cycles), from answers in order of question.

    values: shape (measures, answers), points, NaN where unknown; question: of each answer; pooled:
    how many cycles the answers are of, a question's answers over which are drawn for one cycle.
    A mean is over the drawn answers where the measure is known, NaN without any.
    """
    order = np.argsort(question, kind="stable")
    values = values[:, order]
    _, first, count = np.unique(question[order], return_index=True, return_counts=True)
    spread = np.stack([_spread(measure, first, count) for measure in values])
    each = np.maximum(np.rint(count / pooled).astype(int), 1)
    start, size = np.repeat(first, each), np.repeat(count, each)
    picked = start + (rng.random((draws, cycles, len(start))) * size).astype(int)
    return np.stack([_mean_of_known(measure, picked) for measure in spread])


def _mean_of_known(values: Floats, picked: Integers) -> Floats:
    """Means over the last axis of the values picked, NaN where none of them is known."""
    known = ~np.isnan(values)
    if known.all():
        return np.asarray(values[picked].sum(axis=-1) / picked.shape[-1])
    n = known.astype(float)[picked].sum(axis=-1)
    total = np.where(known, values, 0)[picked].sum(axis=-1)
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), np.nan))


def _spread(values: Floats, first: Integers, count: Integers) -> Floats:
    """Values set apart from their question's mean by sqrt(M / (M - 1)), M those known."""
    known = ~np.isnan(values)
    n = np.add.reduceat(known.astype(int), first)
    mean = np.add.reduceat(np.where(known, values, 0), first) / np.maximum(n, 1)
    factor = np.sqrt(n / np.maximum(n - 1, 1))
    centre = np.repeat(mean, count)
    return np.asarray(centre + np.repeat(factor, count) * (values - centre))


def _rates(
    courses: Floats, points: float, from_cycle: int, gate: float, peak_coherence: float
) -> Iterator[dict[str, Any]]:
    """null_share, its error and statistic_95 of each rule and gate; NaN without chains.

    courses: shape (chains, 2, draws, cycles), trait score and coherence.
    """
    trait, coherence = courses[:, 0], courses[:, 1]
    fired = verdicts(trait, coherence, points, from_cycle, gate, peak_coherence)
    looked = statistics(trait, from_cycle)
    for rule in RULES:
        statistic = looked[rule][0]
        for gated in (False, True):
            row = {"rule": rule, "gate": gated, "null_share": np.nan, "null_share_se": np.nan}
            row["statistic_95"] = np.nan
            share = fired[rule, gated]
            if share.size and not np.isnan(share).all():
                row["null_share"] = float(np.nanmean(share))
                variance = np.nanvar(share, axis=1, ddof=1) / share.shape[1]
                row["null_share_se"] = float(np.sqrt(np.nansum(variance)) / len(share))
                row["statistic_95"] = float(np.quantile(statistic.max(axis=-1), 0.95))
            yield row


def _warnings(n_single: int, n_left_out: int) -> str:
    warnings = []
    if n_single:
        warnings.append(
            f"{n_single} chain(s) have questions with one answer, whose noise is unknown"
        )
    if n_left_out:
        warnings.append(f"{n_left_out} chain(s) left out: they have no such scores")
    return "; ".join(warnings)
