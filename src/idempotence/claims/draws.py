"""A claim's tests in many versions of one study at once: in simulated or corrected studies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from idempotence.claims.definition import Claim
from idempotence.claims.verdicts import (
    CONTRADICTED,
    SUPPORTED,
    UNDECIDED,
    UNTESTED,
    judge_claims,
)
from idempotence.errors import UserError
from idempotence.jobs.parts import Loops
from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import chains as chains_of
from idempotence.stats.continual import continual, continual_pairs
from idempotence.stats.course import chain_courses, course
from idempotence.stats.dose import dose_flips, dose_pairs
from idempotence.stats.equivalence import equivalence
from idempotence.stats.groups import ALL
from idempotence.stats.peak import rises
from idempotence.stats.rules import chain_rules, rates_of

AT_ONCE = 25  # draws whose tables are made together
SHARES = {  # columns: of the draws, the share with a verdict
    "supported": SUPPORTED, "contradicted": CONTRADICTED,
    "undecided": UNDECIDED, "untested": UNTESTED,
}  # fmt: skip


@dataclass(frozen=True)
class Analysis:
    """The numbers that tables are made with: the config's `analysis`."""

    points: float
    from_cycle: int
    gate: float
    peak_coherence: float
    bound: float
    confidence: float


def drawn(setting: str, draw: int) -> str:
    """A setting's name in one of the draws."""
    return f"{setting} {draw}"


def judge_draws(
    claim: Claim, table: pd.DataFrame, loops: Loops, analysis: Analysis, draws: int
) -> list[dict[str, Any]]:
    """A claim as `verdicts.judge_claims` gives it, for each of the draws 0 to `draws` - 1.

    table: trajectories of all draws, in which the settings are named by `drawn`.
    Raises `UserError` for a claim that names a table which is not made here.
    """
    chains = chains_of(table, analysis.points, analysis.from_cycle)
    chains = chains.merge(rises(table, analysis.peak_coherence), on=CHAIN)
    twins = [
        (drawn(one, draw), drawn(two, draw)) for draw in range(draws) for one, two in loops.twins
    ]
    tables = _tables(claim, table, chains, twins, analysis)
    by_draw = {name: _by_draw(each) for name, each in tables.items()}
    of_chains = _by_draw(chains)
    return [
        judge_claims(
            [claim],
            {name: of.get(str(draw), tables[name][:0]) for name, of in by_draw.items()},
            of_chains[str(draw)],
            loops,
        )[0]
        for draw in range(draws)
    ]


def _tables(
    claim: Claim,
    table: pd.DataFrame,
    chains: pd.DataFrame,
    twins: Sequence[tuple[str, str]],
    analysis: Analysis,
) -> dict[str, pd.DataFrame]:
    """The tables that a claim's tests name, by the functions that make those of a real study.

    Rows that no test names are left out: of other rules, estimands and measures, and of single
    traits.
    """
    bars = (analysis.points, analysis.from_cycle, analysis.gate, analysis.peak_coherence)
    late, confidence = analysis.from_cycle, analysis.confidence
    each = any(part.where.get("trait", ALL) != ALL for part in claim.parts)

    def named(table: str, column: str) -> list[str]:
        values = [part.where.get(column) for part in claim.parts if part.table == table]
        return list(dict.fromkeys(map(str, values)))

    def rules() -> pd.DataFrame:
        rated = chain_rules(table, *bars)
        mine = rated["rule"].isin(named("rules", "rule"))
        mine &= rated["gate"].astype(str).isin(named("rules", "gate"))
        return rates_of(rated[mine], confidence, each)

    def changed() -> pd.DataFrame:
        estimands = named("equivalence", "estimand")
        return equivalence(table, analysis.bound, late, confidence, estimands, each)

    def courses() -> pd.DataFrame:
        estimands = named("course", "estimand")
        return course(chain_courses(table, chains, late), confidence, estimands, each)

    def differences() -> pd.DataFrame:
        measures = named("continual", "measure")
        return continual(continual_pairs(chains, twins), confidence, measures, each)

    makers: dict[str, Callable[[], pd.DataFrame]] = {
        "rules": rules,
        "equivalence": changed,
        "course": courses,
        "continual": differences,
        "dose_flips": lambda: dose_flips(dose_pairs(chains), confidence),
    }
    names = {part.table for part in claim.parts}
    if unknown := names - {*makers}:
        known = ", ".join(makers)
        raise UserError(f"{claim.id}: {', '.join(sorted(unknown))} is not simulated, only {known}")
    return {name: make() for name, make in makers.items() if name in names}


def _by_draw(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Draw -> its rows, with the settings' own names; see `drawn`."""
    named = [name for name in ("setting", "continual", "reinit") if name in table]
    if not len(table):
        return {}
    draws = table[named[0]].str.rsplit(" ", n=1).str[1]
    own = table.assign(**{name: table[name].str.rsplit(" ", n=1).str[0] for name in named})
    return {str(draw): group for draw, group in own.groupby(draws)}
