"""The paper's claims as tests fixed in advance: data/claims.yaml applied to a study's tables."""

import math
from pathlib import Path
from typing import Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from idempotence.errors import UserError
from idempotence.stats.continual import TWINS

CLAIMS = Path(__file__).parents[3] / "data" / "claims.yaml"
SUPPORTED, CONTRADICTED = "supported", "contradicted"
UNDECIDED, UNTESTED = "not decided here", "not tested here"
LIMITS = ("ci_low", "ci_high")
OVER_PANELS = ("panel_low", "panel_high")  # told beside those, where a table has them


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Section):
    """What a confidence limit must be."""

    above: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value is beyond every bound given; NaN never is."""
        over = self.above is None or value > self.above
        return over and (self.below is None or value < self.below)


class Part(_Section):
    """One test: a row of a table and conditions on its confidence limits."""

    what: str
    table: str
    where: dict[str, str | bool]
    estimate: str
    supported: dict[Literal["ci_low", "ci_high"], Limit]
    contradicted: dict[Literal["ci_low", "ci_high"], Limit]
    needs_amplified: int = 0
    needs_cells: int = 0
    needs_cycles: int = 0


class Published(_Section):
    """The paper's words or number, and the part of the paper they stand in."""

    says: str
    where: str


class Claim(_Section):
    """A claim of the paper, in our words, and its tests."""

    id: str
    claim: str
    published: Published
    parts: list[Part]


def load_claims(path: Path = CLAIMS) -> list[Claim]:
    """The claims of a YAML file; raises UserError with every mistake."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [Claim.model_validate(claim) for claim in told["claims"]]
    except (OSError, TypeError, KeyError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as a list `claims:` ({error})") from None
    except ValidationError as error:
        places = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)
        ]
        raise UserError(f"{path}: " + "; ".join(places)) from None


def judge_claims(
    claims: list[Claim],
    tables: dict[str, pd.DataFrame],
    chains: pd.DataFrame,
    arms: dict[str, str] | None = None,
) -> list[dict]:
    """Each claim with its verdict and, for each part, estimate, interval, verdict and reason.

    tables: name -> table; chains: see `stats.amplification.chains`; arms: setting -> the extra
    arms it has, in words: a loop that the claims do not speak of, so they are untested. A claim is supported when all
    of its tested parts are, contradicted when any is, untested when none is tested.
    Raises UserError when a table or column that a part names does not exist.
    """
    told = []
    for claim in claims:
        parts = [judge_part(part, tables, chains, arms or {}) for part in claim.parts]
        tested = {part["verdict"] for part in parts} - {UNTESTED}
        if not tested:
            verdict = UNTESTED
        elif CONTRADICTED in tested:
            verdict = CONTRADICTED
        else:
            verdict = SUPPORTED if tested == {SUPPORTED} else UNDECIDED
        told.append({**claim.model_dump(include={"id", "claim", "published"}), "verdict": verdict,
                     "parts": parts})  # fmt: skip
    return told


def judge_part(
    part: Part, tables: dict[str, pd.DataFrame], chains: pd.DataFrame, arms: dict[str, str]
) -> dict:
    """What one test found: what, estimate, ci_low, ci_high, verdict and, without one, why.

    A share that is known over panels too has panel_low and panel_high; they decide nothing.
    """
    blank = {"what": part.what, "estimate": None, "ci_low": None, "ci_high": None}
    row = _row(part, tables)
    lacking = "the study has no such setting"
    if row is not None:
        lacking = _changed(part, arms) or _lacking(part, chains)
    if lacking:
        return {**blank, "verdict": UNTESTED, "why": lacking}
    values = {"estimate": _number(row[part.estimate])}
    values |= {limit: _number(row[limit]) for limit in LIMITS}
    beside = {name: _number(row[name]) for name in OVER_PANELS if name in row}
    found = {**blank, **values, **beside}
    if any(values[limit] is None for limit in LIMITS):
        told = row.get("warnings")  # a table without any reads as a column of NaN
        why = told if isinstance(told, str) and told else "no interval"
        return {**found, "verdict": UNTESTED, "why": why}
    verdict = UNDECIDED
    if all(limit.holds(values[name]) for name, limit in part.contradicted.items()):
        verdict = CONTRADICTED
    elif all(limit.holds(values[name]) for name, limit in part.supported.items()):
        verdict = SUPPORTED
    return {**found, "verdict": verdict, "why": ""}


def _row(part: Part, tables: dict[str, pd.DataFrame]) -> pd.Series | None:
    if part.table not in tables:
        raise UserError(f"claims name the table '{part.table}'; there are {', '.join(tables)}")
    table = tables[part.table]
    missing = {*part.where, part.estimate, *LIMITS} - set(table.columns)
    if missing:
        raise UserError(f"the table '{part.table}' has no column {', '.join(sorted(missing))}")
    chosen = table
    for column, value in part.where.items():
        chosen = chosen[chosen[column] == value]
    if len(chosen) > 1:
        raise UserError(
            f"{part.where} fits {len(chosen)} rows of the table '{part.table}', not one"
        )
    return None if chosen.empty else chosen.iloc[0]


def _changed(part: Part, arms: dict[str, str]) -> str:
    """Which setting of a part has an extra arm; empty when none has."""
    about = [part.where.get("setting"), *TWINS.get(part.where.get("objective"), ())]
    return "; ".join(f"{s} has an extra arm: {arms[s]}" for s in about if s in arms)


def _lacking(part: Part, chains: pd.DataFrame) -> str:
    """Why the study cannot decide a part; empty when it can."""
    setting = part.where.get("setting")
    mine = chains[chains["setting"] == setting] if setting else chains
    amplified = int(mine["amplified"].fillna(False).sum())
    if amplified < part.needs_amplified:
        return f"{amplified} chains amplified; it takes {part.needs_amplified}"
    cells = mine["cell"].nunique()
    if cells < part.needs_cells:
        return f"{cells} doses a panel; it takes {part.needs_cells}"
    cycles = mine["last_cycle"].max()
    if part.needs_cycles and not cycles >= part.needs_cycles:
        return f"{cycles} cycles; it takes {part.needs_cycles}"
    return ""


def _number(value) -> float | None:
    """A finite number for JSON, else null."""
    value = float(value)
    return round(value, 6) if math.isfinite(value) else None


def as_table(told: list[dict]) -> pd.DataFrame:
    """One row for each part: claim, its verdict, the part's numbers, the published words."""
    rows = [
        {
            "id": claim["id"], "claim": claim["claim"], "verdict": claim["verdict"],
            "test": part["what"], "estimate": part["estimate"], "ci_low": part["ci_low"],
            "ci_high": part["ci_high"], **{name: part.get(name) for name in OVER_PANELS},
            "test_verdict": part["verdict"], "why": part["why"],
            "published": claim["published"]["says"], "where": claim["published"]["where"],
        }
        for claim in told
        for part in claim["parts"]
    ]  # fmt: skip
    return pd.DataFrame(rows)
