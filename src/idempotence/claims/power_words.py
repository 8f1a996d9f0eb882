"""The table of power in words, for the front page and the plan."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from idempotence.claims.verdicts import WHOLE


def in_words(power: pd.DataFrame) -> dict[str, list[str]]:
    """Claim -> what its tests would say: a line for each scenario.

    power: see `power.power`. A verdict that falls in 0 % of the draws is left out.
    """
    lines: dict[str, list[str]] = {}
    for row in power[power["test"] == WHOLE].to_dict("records"):
        lines.setdefault(str(row["id"]), []).append(f"if the paper is {_line(row)}")
    return lines


def _line(row: dict[Hashable, Any]) -> str:
    """A scenario and its verdicts, as "right: supported 93 %, not decided 7 %"."""
    if not row["draws"]:
        return f"{row['scenario']}: not tested, {row['warnings']}"
    names = {
        "supported": "supported", "contradicted": "contradicted",
        "undecided": "not decided", "untested": "not tested",
    }  # fmt: skip
    percents = {name: round(100 * row[key]) for key, name in names.items()}
    shares = [
        f"{name} {percent}\N{NO-BREAK SPACE}%" for name, percent in percents.items() if percent
    ]
    return f"{row['scenario']}: {', '.join(shares)}"


def power_section(power: pd.DataFrame) -> str:
    """What the claims' tests would say, for people, before a study runs."""
    head = (
        "What the claims' tests would say of such studies (simulated; docs/statistics.md, Power):"
    )
    lines = [f"  {claim}  {line}" for claim, mine in in_words(power).items() for line in mine]
    error = power["error"].max()
    note = "" if pd.isna(error) else f"  (Monte-Carlo standard error at most {100 * error:.0f} %)\n"
    return "\n".join([head, *lines]) + f"\n{note}"
