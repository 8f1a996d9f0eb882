"""What stops an amplification, and at what cost? Changed loops against the same loop unchanged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from idempotence.jobs.parts import Loop, Loops
from idempotence.scores.schema import CHAIN, CRITERIA, DEAD, DOSES, PANEL
from idempotence.scores.training_log import KEY
from idempotence.stats.groups import ALL, add_holm, by_trait
from idempotence.stats.panels import panel_mean
from idempotence.stats.peak import rises

EFFECTS = ["peak_delta", "coherence_at_peak", "coherence_last"]
COSTS = ["rows_trained", "samples", "judge_calls"]
LEAST_COST = 1.0  # per cent that a cost must be higher, for an effect per cost
OF_START = ["level", "n_seed"]  # doses of cycle 0: settings that differ in them are not compared
NOTHING = "no setting changes anything of a loop that the study has without that change"
_KEY = ["setting", "twin", "changes", "trait", "measure"]
_MORE = [f"{cost}_more" for cost in COSTS]
_PER = [f"per_{cost}" for cost in COSTS]
COLUMNS = [*_KEY, "estimate", "se", "ci_low", "ci_high", "p", "n_panels", "n_chains",
           *_MORE, "ended_more", *_PER, "warnings"]  # fmt: skip


@dataclass(frozen=True)
class Defence:
    """A setting and its twin. changes: what it changes of the twin, in words.

    by_cell: whether their chains have cells in common; else each has one cell. comparable: whether
    one of both is so.
    """

    loop: Loop
    twin: Loop
    changes: str
    by_cell: bool
    comparable: bool = True


def find_defences(table: pd.DataFrame, loops: Loops) -> list[Defence]:
    """The settings of a table of trajectories that have a twin, in the order of the config.

    A twin has the same objective and start, and some of the setting's changes but no other: of
    several the one with most of them, and of those the first. Where both have one cell alone, it
    may be another one, which then counts as a change; then twins with the same changes count, if
    they come before the setting and begin with the same dose (`OF_START`).
    """
    cells = {name: rows[["cell", *DOSES]].drop_duplicates("cell").set_index("cell")
             for name, rows in table.groupby("setting")}  # fmt: skip
    there = [loop for loop in loops.loops if loop.name in cells]
    defences = []
    for place, loop in enumerate(there):
        own = {*_changes(loop)}
        before = {one.name for one in there[:place]}
        fitting = [
            _defence(loop, twin, cells[loop.name], cells[twin.name])
            for twin in there
            if (twin.objective, twin.start) == (loop.objective, loop.start)
            and ({*_changes(twin)} < own or {*_changes(twin)} == own and twin.name in before)
        ]
        fitting = [one for one in fitting if one.changes]
        if fitting:
            defences.append(max(fitting, key=_closeness))
    return defences


def _closeness(defence: Defence) -> tuple[bool, bool, int]:
    return defence.comparable, defence.by_cell, len(_changes(defence.twin))


def _changes(loop: Loop) -> list[str]:
    return [change for change in loop.changes.split("; ") if change]


def _defence(loop: Loop, twin: Loop, own: pd.DataFrame, others: pd.DataFrame) -> Defence:
    """A setting and a possible twin; without a change they are the same loop."""
    changes = [change for change in _changes(loop) if change not in _changes(twin)]
    if not own.index.intersection(others.index).empty:
        return Defence(loop, twin, "; ".join(changes), by_cell=True)
    one, other = own.iloc[0], others.iloc[0]
    # seed rows that a level was calibrated to are none of its own
    doses = [dose for dose in DOSES if dose != "n_seed" or np.isnan(one["level"])]
    differing = [dose for dose in doses if not _same(one[dose], other[dose])]
    single = len(own) == len(others) == 1 and not {*differing} & {*OF_START}
    if single:
        changes += [f"{dose} {one[dose]:g}" for dose in differing]
    return Defence(loop, twin, "; ".join(changes), by_cell=False, comparable=single)


def _same(one: float, other: float) -> bool:
    return bool(one == other or (np.isnan(one) and np.isnan(other)))


def defences(
    table: pd.DataFrame,
    training: pd.DataFrame,
    loops: Loops,
    peak_coherence: float,
    confidence: float,
) -> pd.DataFrame:
    """One row for each setting with a twin (`find_defences`), trait ("all" first) and measure.

    table: see `trajectories.trajectories`; training: see `training_log.gather`, without rows in an
    audit. Both loops count up to the last cycle that both have. Chains are paired by model, trait,
    seed and cell; estimate, with se, ci_low, ci_high, p (`panels.panel_mean`) and p_holm (over the
    traits of a setting), is the mean difference over panels, setting less twin, in points:

    - peak_delta, coherence_at_peak: the largest rise while coherent, and the coherence there; see
      `peak.rises`, whose bar is `peak_coherence`.
    - coherence_last: coherence at the last cycle; chains that ended have none.

    Costs are sums over all pairs. <cost>_more is how much more the setting took, in per cent of its
    twin; ended_more the difference of the shares of chains that ended, in percentage points;
    per_<cost> the estimate for each 100 % more (points), missing where the cost is less than
    `LEAST_COST` higher. See `_spent` for what each cost counts. Also n_panels, n_chains (pairs with
    the measure) and warnings. A setting whose pairs cannot be formed has a row with the reason, and
    so has a study without any twin.
    """
    rows: list[dict[str, Any]] = []
    for defence in find_defences(table, loops):
        key = {"setting": defence.loop.name, "twin": defence.twin.name, "changes": defence.changes}
        pairs = _pairs(table, training, defence, peak_coherence) if defence.comparable else None
        if pairs is None or pairs.empty:
            rows.append({**key, "trait": ALL, "warnings": "no two chains are a pair"})
            continue
        for trait, group in by_trait(pairs):
            for row in _rows(group, confidence):
                rows.append({**key, "trait": trait, **row})
    rows = rows or [{"trait": ALL, "warnings": NOTHING}]
    result = pd.DataFrame(rows, columns=COLUMNS)
    words = [*_KEY, "warnings"]
    counts = dict.fromkeys(["n_panels", "n_chains"], "Int64")
    numbers = dict.fromkeys(set(COLUMNS) - {*words, *counts}, float)
    result[words] = result[words].fillna("")
    return add_holm(result.astype({**counts, **numbers}), ["setting", "measure"])


def _rows(pairs: pd.DataFrame, confidence: float) -> Iterator[dict[str, Any]]:
    """The rows of some pairs, without their key."""
    more = {f"{cost}_more": _more(pairs, cost) for cost in COSTS}
    ended = 100 * float((pairs["ended"] - pairs["ended_twin"]).mean())
    for measure in EFFECTS:
        mean = panel_mean(pairs, f"{measure}_difference", confidence)
        lost = len(pairs) - mean["n_chains"]
        reasons = [mean["warnings"], f"{lost} of {len(pairs)} pairs lack it" if lost else ""]
        if np.isnan(more["rows_trained_more"]):
            reasons.append("costs are not known without a training log")
        per = {
            f"per_{cost}": mean["estimate"] / (more[f"{cost}_more"] / 100)
            for cost in COSTS
            if more[f"{cost}_more"] >= LEAST_COST
        }
        reason = "; ".join(filter(None, reasons))
        yield {"measure": measure, **mean, **more, "ended_more": ended, **per, "warnings": reason}


def _more(pairs: pd.DataFrame, cost: str) -> float:
    """How much more the settings took than their twins, in per cent of these."""
    own, others = (pairs[name].sum(skipna=False) for name in (cost, f"{cost}_twin"))
    return float(100 * (own / others - 1)) if others > 0 else float("nan")


def _pairs(
    table: pd.DataFrame, training: pd.DataFrame, defence: Defence, peak_coherence: float
) -> pd.DataFrame:
    """One row for each pair of chains: <name> and <name>_twin of effects, costs and ended."""
    both = [defence.loop, defence.twin]
    last = int(min(table.loc[table["setting"] == one.name, "cycle"].max() for one in both))
    table, training = table[table["cycle"] <= last], training[training["cycle"] <= last]
    own, others = (
        _chains(
            table[table["setting"] == one.name],
            training[training["setting"] == one.name],
            one,
            peak_coherence,
        )
        for one in both
    )
    on = [*PANEL, *(["cell"] if defence.by_cell else [])]
    pairs = own.merge(others, on=on, suffixes=("", "_twin"))
    for measure in EFFECTS:
        pairs[f"{measure}_difference"] = pairs[measure] - pairs[f"{measure}_twin"]
    return pairs


def _chains(
    table: pd.DataFrame, training: pd.DataFrame, loop: Loop, peak_coherence: float
) -> pd.DataFrame:
    """One row for each chain of a setting: `CHAIN`, effects, whether it has ended, and costs."""
    last = table[table["cycle"] == table["cycle"].max()].set_index(CHAIN)
    chains = rises(table, peak_coherence).set_index(CHAIN)
    chains["coherence_last"] = last["coherence"]
    chains["ended"] = last["status"].isin(DEAD).astype(float)
    return chains.join(_spent(table, training, loop)).reset_index()


def _spent(table: pd.DataFrame, training: pd.DataFrame, loop: Loop) -> pd.DataFrame:
    """What a setting's chains took after cycle 0, indexed by `CHAIN`.

    - rows_trained: rows (dpo: pairs) that later cycles trained on; missing without a training log.
    - samples: texts written for later cycles to train on, used or not: the model's own, for dpo the
      rejected ones, and those of the initial model (`initial_share`).
    - judge_calls: about the answers of later cycles, one for each criterion; where samples are
      filtered or chosen from, also those about the samples.

    A chain that has ended takes nothing. Cells are counted as if each were alone, though they share
    what the initial model writes.
    """
    alive = table[~table["status"].isin(DEAD)]
    dose = alive["n_sampled"].fillna(alive["pairs"]).where(alive["cycle"] < table["cycle"].max(), 0)
    share, own = _changed_to(loop, "initial_share"), dose * loop.candidates
    written = own + (dose if loop.method.pairs else 0) + (dose * share).round()
    answers = alive["n_responses"].where(alive["cycle"] > 0, 0)
    calls = len(CRITERIA) * answers + own * loop.judged
    spent = alive[CHAIN].assign(samples=written, judge_calls=calls)
    spent = spent.groupby(CHAIN).sum(min_count=1)
    runs = training.drop_duplicates(KEY)
    later = runs[runs["cycle"] > 0].groupby(CHAIN)["rows"].sum()
    return spent.assign(rows_trained=later.astype(float))


def _changed_to(loop: Loop, key: str) -> float:
    """The number that a loop changes a key to; 0 where it does not."""
    values = [change.split(" ", 1)[1] for change in _changes(loop) if change.startswith(f"{key} ")]
    return float(values[0]) if values else 0.0
