"""Verdicts on the paper's claims: their tests applied to a study's tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from idempotence.claims.definition import LIMITS, OVER_PANELS, Claim, Part
from idempotence.errors import UserError
from idempotence.jobs.parts import Loop, Loops
from idempotence.published.numbers import Number

SUPPORTED, CONTRADICTED = "supported", "contradicted"
UNDECIDED, UNTESTED = "not decided here", "not tested here"
WHOLE = "all tests"  # in the table of power: a claim's own verdict, beside those of its tests
OF_SETTING = ("setting", "changes")  # only where a part has several settings, or one with changes
NO_ROW = "the study has no such setting"
DIGITS, DECIMALS = 6, 6  # of numbers: significant digits as in the tables' CSV, and decimals


@dataclass(frozen=True)
class Subject:
    """A setting or a pair of settings that fits a part.

    name: for people. where: columns of the part's table that pick its rows. settings: its names in
    the table of chains. changes: what it changes of its objective's section; "" for a plain loop.
    """

    name: str
    where: dict[str, str]
    settings: tuple[str, ...]
    changes: str


def judge_claims(
    claims: Sequence[Claim],
    tables: Mapping[str, pd.DataFrame],
    chains: pd.DataFrame,
    loops: Loops,
    numbers: Sequence[Number] = (),
) -> list[dict[str, Any]]:
    """Each claim with its verdict and the results of its parts (see `judge_part`).

    tables: name -> table; chains: see `stats.amplification.chains`. numbers: published ones, which
    decide nothing. The result of a part has published_value: the numbers of the same quantity as
    text, "" without one and for a setting that is not the paper's loop. Those that no part
    estimates stand in the claim's `published`, as `numbers` (text and where). A claim is supported
    when all of its tested parts are, contradicted when any is, untested when none is tested.
    Settings that change something of their objective's section, and parts that are shown only,
    decide nothing.
    Raises `UserError` when a table or column that a part names does not exist.
    """
    judged = []
    for claim in claims:
        own = [number for number in numbers if number.claim == claim.id]
        parts = [
            {**row, "published_value": "" if "changes" in row else _values(own, test)}
            for test, part in enumerate(claim.parts, start=1)
            for row in judge_part(part, tables, chains, loops)
        ]
        verdicts = {row["verdict"] for row in parts if row["decides"]}
        text = claim.model_dump(include={"id", "claim", "published"})
        text["published"]["numbers"] = [
            {"text": f"{number.quantity}: {number.as_text()}", "where": number.where}
            for number in own
            if number.test is None
        ]
        judged.append({**text, "verdict": _verdict_of(verdicts - {UNTESTED}), "parts": parts})
    return judged


def _values(numbers: Sequence[Number], test: int) -> str:
    """The published numbers of what a claim's test estimates, as text."""
    return "; ".join(number.as_text() for number in numbers if number.test == test)


def _verdict_of(tested: set[str]) -> str:
    """A claim's verdict from those of its tested parts."""
    if not tested:
        return UNTESTED
    if CONTRADICTED in tested:
        return CONTRADICTED
    return SUPPORTED if tested == {SUPPORTED} else UNDECIDED


def judge_part(
    part: Part, tables: Mapping[str, pd.DataFrame], chains: pd.DataFrame, loops: Loops
) -> list[dict[str, Any]]:
    """The results of one test: one for each plain setting (or pair) that fits, then the others.

    Each has what, estimate, ci_low, ci_high, rests_on ("panels" where the verdict rests on
    panel_low and panel_high, which a share has beside them; else "ci"), verdict, why (the reason
    without a verdict, else "") and decides (whether the claim's verdict hangs on it).
    Where several plain settings fit, each result names its setting. Settings that change something
    of their objective's section follow with setting and changes; where there is no plain one, an
    untested result before them says what they change.
    """
    subjects = subjects_of(part, loops)
    plain = [subject for subject in subjects if not subject.changes]
    changed = [subject for subject in subjects if subject.changes]
    results = [_result(part, tables, chains, subject) for subject in plain]
    if len(plain) > 1:
        names = [{"setting": subject.name} for subject in plain]
        results = [{**row, **name} for row, name in zip(results, names, strict=True)]
    if not plain:
        differ = [f"{each.name} differs from the paper's loop: {each.changes}" for each in changed]
        _rows_of(part, tables)  # a table that is wrong is an error without a setting too
        results = [_untested(part, "; ".join(differ) or NO_ROW)]
    for subject in changed:
        of_setting = {"setting": subject.name, "changes": subject.changes, "decides": False}
        results.append({**_result(part, tables, chains, subject), **of_setting})
    return results


def subjects_of(part: Part, loops: Loops) -> list[Subject]:
    """The settings or pairs of settings of a part, in the config's order."""
    if part.loop:
        recipe = (part.loop.objective, part.loop.start)
        fitting = [loop for loop in loops.loops if (loop.objective, loop.start) == recipe]
        return [
            Subject(loop.name, {"setting": loop.name}, (loop.name,), loop.changes)
            for loop in fitting
        ]
    by_name = {loop.name: loop for loop in loops.loops}
    pairs = [tuple(by_name[name] for name in pair) for pair in loops.twins]
    return [
        _pair(*pair) for pair in pairs if part.twins and pair[0].objective == part.twins.objective
    ]


def _pair(continual: Loop, reinit: Loop) -> Subject:
    """Twins as the subject of a part; what they change they have in common."""
    names = {"continual": continual.name, "reinit": reinit.name}
    changes = continual.changes or reinit.changes
    return Subject(f"{continual.name} and {reinit.name}", names, tuple(names.values()), changes)


def _result(
    part: Part, tables: Mapping[str, pd.DataFrame], chains: pd.DataFrame, subject: Subject
) -> dict[str, Any]:
    """One test of one setting or pair; see `judge_part`."""
    rows = _rows_of(part, tables, subject.where)
    if len(rows) > 1:
        where = subject.where | part.where
        raise UserError(f"{where} fits {len(rows)} rows of the table '{part.table}', not one")
    of_subject = chains[chains["setting"].isin(subject.settings)]
    lacking = _lacking(part, of_subject) if len(of_subject) else NO_ROW
    if lacking or rows.empty:
        return _untested(part, lacking or NO_ROW)
    row = rows.iloc[0]
    numbers = {str(name): _number(row[name]) for name in (*LIMITS, *OVER_PANELS) if name in row}
    result = _about(part) | {"estimate": _number(row[part.estimate])} | numbers
    if any(numbers[name] is None for name in part.interval):
        warnings = row.get("warnings")  # missing where a table has none
        why = warnings if isinstance(warnings, str) and warnings else "no interval"
        return {**result, "verdict": UNTESTED, "why": why}
    return {**result, "verdict": _verdict(part, numbers), "why": ""}


def _about(part: Part) -> dict[str, Any]:
    """What all results of a part have in common."""
    rests_on = "panels" if part.interval == OVER_PANELS else "ci"
    return {"what": part.what, "rests_on": rests_on, "decides": part.decides}


def _untested(part: Part, why: str) -> dict[str, Any]:
    """The result of a test that the study cannot decide."""
    blank = {"estimate": None, "ci_low": None, "ci_high": None}
    return {**_about(part), **blank, "verdict": UNTESTED, "why": why}


def _verdict(part: Part, limits: Mapping[Any, float | None]) -> str:
    """Where the confidence limits stand; none of them is missing."""

    def hold(conditions: Mapping[Any, Any]) -> bool:
        return all(limit.holds(limits[name]) for name, limit in conditions.items())

    if hold(part.contradicted):
        return CONTRADICTED
    return SUPPORTED if hold(part.supported) else UNDECIDED


def _rows_of(
    part: Part, tables: Mapping[str, pd.DataFrame], where: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """The rows of a part's table that its `where` and that of a setting pick."""
    if part.table not in tables:
        raise UserError(f"claims name the table '{part.table}'; there are {', '.join(tables)}")
    rows = tables[part.table]
    conditions = {**(where or {}), **part.where}
    missing = {*conditions, part.estimate, *LIMITS, *part.interval} - set(rows.columns)
    if missing:
        raise UserError(f"the table '{part.table}' has no column {', '.join(sorted(missing))}")
    picked = np.ones(len(rows), bool)
    for column, value in conditions.items():
        picked &= (rows[column] == value).to_numpy(bool)
    return rows[picked]


def _lacking(part: Part, chains: pd.DataFrame) -> str:
    """Why the chains of a setting or pair cannot decide a part; empty when they can."""
    amplified = int(chains["amplified"].fillna(False).sum())
    if amplified < part.needs_amplified:
        return f"{amplified} chains amplified; it takes {part.needs_amplified}"
    last = chains["last_cycle"].max()
    return too_small(part, chains["cell"].nunique(), 0 if pd.isna(last) else int(last))


def too_small(part: Part, cells: int, cycles: int) -> str:
    """Why a setting with so many doses and cycles cannot decide a part; empty when it can."""
    if cells < part.needs_cells:
        return f"{cells} {'dose' if cells == 1 else 'doses'} a panel; it takes {part.needs_cells}"
    if cycles < part.needs_cycles:
        return f"{cycles} cycles; it takes {part.needs_cycles}"
    return ""


def _number(value: Any) -> float | None:
    """A finite number for JSON, with as many digits as the table's CSV shows; else None."""
    value = float(value)
    return round(float(f"{value:.{DIGITS}g}"), DECIMALS) if math.isfinite(value) else None


def as_table(judged: list[dict[str, Any]]) -> pd.DataFrame:
    """One row for each result: claim, its verdict, the numbers, the published words and numbers.

    judged: see `judge_claims`. published_value: the published number of what the test estimates;
    where there is none, those of the claim with what they are of. The columns `OF_SETTING` are
    there only where a result has them.
    """
    of_setting = [
        name
        for name in OF_SETTING
        if any(name in part for claim in judged for part in claim["parts"])
    ]
    rows = [
        {
            "id": claim["id"], "claim": claim["claim"], "verdict": claim["verdict"],
            "test": part["what"], **{name: part.get(name, "") for name in of_setting},
            "estimate": part["estimate"], "ci_low": part["ci_low"], "ci_high": part["ci_high"],
            **{name: part.get(name) for name in OVER_PANELS}, "rests_on": part["rests_on"],
            "decides": part["decides"], "test_verdict": part["verdict"], "why": part["why"],
            "published": claim["published"]["says"], "where": claim["published"]["where"],
            "published_value": part["published_value"]
            or "; ".join(number["text"] for number in claim["published"]["numbers"]),
        }
        for claim in judged
        for part in claim["parts"]
    ]  # fmt: skip
    return pd.DataFrame(rows)
