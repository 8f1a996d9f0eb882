"""What the claims' tests would say of a study if the paper were right, and if it were wrong."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from idempotence.claims.definition import PREMISES, Claim, Premise
from idempotence.claims.simulation import Simulated, drawn, trajectories
from idempotence.claims.verdicts import (
    CONTRADICTED,
    NO_ROW,
    SUPPORTED,
    UNDECIDED,
    UNTESTED,
    WHOLE,
    judge_claims,
    subjects_of,
    too_small,
)
from idempotence.errors import UserError
from idempotence.jobs.parts import Grid, Loops, SettingGrid
from idempotence.rng import derive_seed
from idempotence.scores.schema import CHAIN
from idempotence.stats.amplification import chains as chains_of
from idempotence.stats.continual import continual, continual_pairs
from idempotence.stats.course import chain_courses, course
from idempotence.stats.dose import dose_flips, dose_pairs
from idempotence.stats.equivalence import equivalence
from idempotence.stats.groups import ALL
from idempotence.stats.panels import MIN_PANELS
from idempotence.stats.peak import rises
from idempotence.stats.rules import chain_rules, rates_of

DRAWS = 100  # a share's Monte-Carlo standard error is then 5 % at most
MOST_CHAINS = 20_000  # of one claim and scenario; a larger grid gets fewer draws
FEWEST_DRAWS = 40
AT_ONCE = 25  # draws whose tables are made together
WITHOUT_PANELS = ["dose_flips"]  # of few panels it has an interval over pairs
SCENARIOS: dict[Premise, str] = {"if_right": "right", "if_wrong": "wrong"}
VERDICTS = {
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


@dataclass(frozen=True)
class Planned:
    """A study before it runs: its settings, its chains, the scatter to expect, its seed.

    noise: see `stats.noise.noise`.
    """

    loops: Loops
    grid: Grid
    noise: pd.DataFrame
    study_seed: int


def power(
    claims: Sequence[Claim], planned: Planned, analysis: Analysis, draws: int = DRAWS
) -> pd.DataFrame:
    """How often each verdict falls in simulated studies, by claim, test and scenario.

    Studies with the grid of `planned` are simulated (see `simulation.trajectories`), and tables
    are made of them and judged as those of a real study. Claims without scenarios are left out; so
    are settings that change something, which decide nothing. A grid of more than
    `MOST_CHAINS` / draws chains gets fewer draws, at least `FEWEST_DRAWS`.

    Settings that are too small for a test are left out as well, unless another test of the claim
    takes them.

    Returns id, test (`WHOLE`: the claim's verdict), scenario ("right", "wrong"), supported,
    contradicted, undecided, untested (shares of the draws), error (the largest Monte-Carlo standard
    error of the four, sqrt(share (1 - share) / draws)), n_panels (of each setting), draws and
    warnings (why a test is not tested, most often). Raises `UserError` for draws < 1, and for a
    claim that names a table which cannot be simulated.
    """
    if draws < 1:
        raise UserError(f"the draws are {draws}; it takes 1 or more")
    rows = []
    for claim in claims:
        if claim.deciding and claim.deciding[0].if_right:
            claim = claim.model_copy(update={"parts": claim.deciding})
            for premise in PREMISES:
                rows += _rows(claim, premise, planned, analysis, draws)
    numbers = [*VERDICTS, "error", "n_panels", "draws", "warnings"]
    return pd.DataFrame(rows, columns=["id", "test", "scenario", *numbers])


def _rows(
    claim: Claim, premise: Premise, planned: Planned, analysis: Analysis, draws: int
) -> list[dict[str, Any]]:
    """The rows of a claim and scenario; see `power`."""
    key = {"id": claim.id, "scenario": SCENARIOS[premise]}
    loops, why = _loops(claim, planned)
    settings = _simulated(claim, premise, loops, planned.grid)
    if not settings:
        return [{**key, "test": WHOLE, "untested": 1.0, "draws": 0, "warnings": why}]
    chains = sum(_panels(each.grid) * len(each.grid.cells) for each in settings)
    draws = min(draws, max(MOST_CHAINS // chains, FEWEST_DRAWS))
    verdicts: dict[str, Counter[str]] = {WHOLE: Counter()}
    reasons: dict[str, Counter[str]] = {}
    rng = np.random.default_rng(derive_seed(planned.study_seed, "power", claim.id, premise))
    for done in range(0, draws, AT_ONCE):
        n = min(AT_ONCE, draws - done)
        table = trajectories(settings, planned.noise, planned.grid.score_0, n, rng)
        for judged in _judged(claim, table, loops, analysis, n):
            verdicts[WHOLE][judged["verdict"]] += 1
            for part in judged["parts"]:
                name = ", ".join(filter(None, [part["what"], part.get("setting")]))
                verdicts.setdefault(name, Counter())[part["verdict"]] += 1
                reasons.setdefault(name, Counter()).update(filter(None, [part["why"]]))
    sizes = ", ".join(f"{each.grid.setting} {_panels(each.grid)}" for each in settings)
    counts = {"n_panels": sizes, "draws": draws}
    return [
        {**key, "test": name, **_shares(mine, draws), **counts, "warnings": _most(reasons, name)}
        for name, mine in verdicts.items()
    ]


def _panels(grid: SettingGrid) -> int:
    """How many panels a setting has."""
    return len(grid.models) * len(grid.traits) * grid.seeds


def _loops(claim: Claim, planned: Planned) -> tuple[Loops, str]:
    """The plain settings that can decide a test of the claim; why there are none, else "".

    A setting that is too small for a test is left out, so that it costs no draws.
    """
    grids = {each.setting: each for each in planned.grid.settings}
    plain = [each for each in planned.loops.loops if not each.changes and each.name in grids]
    names = {each.name for each in plain}
    pairs = [pair for pair in planned.loops.twins if names.issuperset(pair)]
    fit: set[str] = set()
    why = NO_ROW
    for part in claim.parts:
        for subject in subjects_of(part, Loops(tuple(plain), tuple(pairs))):
            mine = [each for each in plain if each.name in subject.settings]
            cells = min(len(grids[each.name].cells) for each in mine)
            lacking = too_small(part, cells, min(each.last_cycle for each in mine))
            panels = min(_panels(grids[each.name]) for each in mine)
            if panels < MIN_PANELS and part.table not in WITHOUT_PANELS:
                lacking = lacking or f"{panels} panel(s); it takes {MIN_PANELS}"
            fit |= set() if lacking else {*subject.settings}
            why = lacking or why
    loops = tuple(each for each in plain if each.name in fit)
    return Loops(loops, tuple(pair for pair in pairs if fit.issuperset(pair))), why


def _simulated(claim: Claim, premise: Premise, loops: Loops, grid: Grid) -> tuple[Simulated, ...]:
    """The settings to simulate, with what their chains do."""
    grids, scenarios = {each.setting: each for each in grid.settings}, claim.scenarios(premise)
    return tuple(
        Simulated(grids[each.name], each, scenarios[each.objective, each.start])
        for each in loops.loops
    )


def _judged(
    claim: Claim, table: pd.DataFrame, loops: Loops, analysis: Analysis, draws: int
) -> list[dict[str, Any]]:
    """A claim as `judge_claims` gives it, for each draw."""
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
    """Draw -> its rows, with the settings' own names; see `simulation.drawn`."""
    named = [name for name in ("setting", "continual", "reinit") if name in table]
    if not len(table):
        return {}
    draws = table[named[0]].str.rsplit(" ", n=1).str[1]
    own = table.assign(**{name: table[name].str.rsplit(" ", n=1).str[0] for name in named})
    return {str(draw): group for draw, group in own.groupby(draws)}


def _shares(verdicts: Counter[str], draws: int) -> dict[str, float]:
    """The share of each verdict, and the largest Monte-Carlo standard error."""
    shares = {name: verdicts[verdict] / draws for name, verdict in VERDICTS.items()}
    return {**shares, "error": max(np.sqrt(p * (1 - p) / draws) for p in shares.values())}


def _most(reasons: Mapping[str, Counter[str]], name: str) -> str:
    """The commonest reason why a test was not tested; "" where there is none."""
    common = reasons.get(name, Counter[str]()).most_common(1)
    return common[0][0] if common else ""
