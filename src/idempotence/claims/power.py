"""What the claims' tests would say of a study if the paper were right, and if it were wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from idempotence.claims.definition import PREMISES, Claim, Premise
from idempotence.claims.draws import AT_ONCE, SHARES, Analysis, judge_draws
from idempotence.claims.simulation import Simulated, trajectories
from idempotence.claims.verdicts import NO_ROW, WHOLE, subjects_of, too_small
from idempotence.errors import UserError
from idempotence.jobs.parts import Grid, Loops, SettingGrid
from idempotence.rng import derive_seed
from idempotence.stats.panels import MIN_PANELS

DRAWS = 100  # a share's Monte-Carlo standard error is then 5 % at most
MOST_CHAINS = 20_000  # of one claim and scenario; a larger grid gets fewer draws
FEWEST_DRAWS = 40
WITHOUT_PANELS = ["dose_flips"]  # of few panels it has an interval over pairs
SCENARIOS: dict[Premise, str] = {"if_right": "right", "if_wrong": "wrong"}


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
    numbers = [*SHARES, "error", "n_panels", "draws", "warnings"]
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
        for judged in judge_draws(claim, table, loops, analysis, n):
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


def _shares(verdicts: Counter[str], draws: int) -> dict[str, float]:
    """The share of each verdict, and the largest Monte-Carlo standard error."""
    shares = {name: verdicts[verdict] / draws for name, verdict in SHARES.items()}
    return {**shares, "error": max(np.sqrt(p * (1 - p) / draws) for p in shares.values())}


def _most(reasons: Mapping[str, Counter[str]], name: str) -> str:
    """The commonest reason why a test was not tested; "" where there is none."""
    common = reasons.get(name, Counter[str]()).most_common(1)
    return common[0][0] if common else ""
