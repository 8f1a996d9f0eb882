"""The README's tables, made from files that are shipped with the project."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.claims.definition import LIMITS, OVER_PANELS
from idempotence.claims.power_words import in_words
from idempotence.errors import UserError
from idempotence.io import read_json
from idempotence.jobs.parts import Loops
from idempotence.report.tables import MISSING
from idempotence.stats.groups import ALL

MARK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def fill_in(page: str, tables: dict[str, str]) -> str:
    """A page with each `<!-- table: NAME -->` ... `<!-- end of table -->` filled in.

    Raises `UserError` where the page has no such marks for a table, or marks for another one.
    """
    marks = [name for _, name, _ in MARK.findall(page)]
    if sorted(marks) != sorted(tables):
        raise UserError(f"the page has marks of {marks or 'no table'}, not of {', '.join(tables)}")
    return MARK.sub(lambda mark: f"{mark[1]}\n{tables[mark[2]]}\n\n{mark[3]}", page)


def readme_tables(shipped: Path, rates: Path) -> dict[str, str]:
    """Name -> table in Markdown: outcomes of settings, claims, the chosen regime.

    shipped: folder of rule ship_scores; rates: table of rule choose_learning_rates (CSV).
    """
    power = in_words(pd.read_csv(shipped / "power.csv", keep_default_na=False))
    claims, first = (read_json(shipped / name) for name in ("claims.json", "claims_first.json"))
    return {
        "outcomes": _outcomes(shipped),
        "claims": _claims(claims, first, power),
        "regime": _regime(pd.read_csv(rates)),
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _outcomes(shipped: Path) -> str:
    """A row for each setting."""
    amplification = pd.read_csv(shipped / "amplification.csv")
    course = pd.read_csv(shipped / "course.csv")
    rises = course[(course["estimand"] == "peak_delta") & (course["trait"] == ALL)]
    rises = rises.set_index("setting")
    settings = Loops.from_json((shipped / "loops.json").read_text(encoding="utf-8")).loops
    of_all = amplification[amplification["trait"] == ALL].set_index("setting")
    rows = []
    for loop in settings:
        row, rise = of_all.loc[loop.name], rises.loc[loop.name]
        share = _number(row["share"], row["panel_low"], row["panel_high"], 2)
        peak = _number(rise["estimate"], rise["ci_low"], rise["ci_high"], 0)
        counts = [f"{row[name]:.0f}" for name in ("n", "n_decay", "n_constancy", "n_amplified")]
        rows.append([f"`{loop.name}`", *counts, share, peak, f"{row['n_panels']:.0f}"])
    head = ["setting", "chains", "decay", "constancy", "amplification", "share amplified",
            "largest rise while coherent, points", "panels"]  # fmt: skip
    return _table(head, rows)


def _claims(claims: list[Any], first: list[Any], power: dict[str, list[str]]) -> str:
    """A row for each claim."""
    before = {claim["id"]: claim["verdict"] for claim in first}
    rows = []
    for claim in claims:
        tests = [_test(part) for part in claim["parts"] if part["decides"] and _tested(part)]
        authors = [n["text"] for n in claim["published"]["numbers"] if n["where"] != "abstract"]
        rows.append(
            [
                f"**{claim['id']}** {claim['claim']}",
                "<br>".join([claim["published"]["says"], *authors]),
                f"**{claim['verdict'].removesuffix(' here')}**",
                "<br>".join(tests) or MISSING,
                before[claim["id"]].removesuffix(" here"),
                "<br>".join(power.get(claim["id"], [])) or MISSING,
            ]
        )
    head = ["claim", "published", "verdict", "tests: estimate (95 %)", "first version", "power"]
    return _table(head, rows)


def _tested(part: dict[str, Any]) -> bool:
    return part["estimate"] is not None


def _test(part: dict[str, Any]) -> str:
    """A test with its numbers and verdict."""
    low, high = (
        part.get(name) for name in (OVER_PANELS if part["rests_on"] == "panels" else LIMITS)
    )
    setting = f", `{part['setting']}`" if "setting" in part else ""
    numbers = _number(part["estimate"], low, high, 2)
    return f"{part['what']}{setting}: {numbers}, {part['verdict'].removesuffix(' here')}"


def _regime(rates: pd.DataFrame) -> str:
    """The rows that the rule chose."""
    rows = []
    for row in rates[rates["chosen"]].to_dict("records"):
        beta = MISSING if pd.isna(row["beta"]) else f"{row['beta']:g}"
        scores = [f"{row[name]:.1f}" for name in ("trait_score", "lowest_trait", "coherence")]
        rows.append([row["objective"], f"{row['learning_rate']:g}", beta, *scores])
    head = ["objective", "learning rate", "beta", "score at cycle 0", "lowest trait", "coherence"]
    return _table(head, rows)


def _number(estimate: Any, low: Any, high: Any, digits: int) -> str:
    """An estimate and its interval."""
    if pd.isna(estimate):
        return MISSING
    text = f"{estimate:.{digits}f}"
    known = low is not None and high is not None and not pd.isna(low)
    return f"{text} ({low:.{digits}f} to {high:.{digits}f})" if known else text
