"""An audit on the front page: what was read, what was not, and the verdicts of the chains."""

from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.audit.reasons import kind_of_reason
from idempotence.figures.labels import cell_label
from idempotence.io import read_table
from idempotence.report.answers import MISSING
from idempotence.scores.schema import CHAIN, DOSES

SHOWN = 20  # kinds of bad rows, files, notes
NAMED = 8  # chains of a note
CHAINS = 60  # verdicts
COUNTS = ["read", "ok", "empty", "bad"]


def audited(rows: Path, bad_rows: Path, chains_read: Path, chains: pd.DataFrame) -> dict[str, Any]:
    """Counts over all files, reasons of bad rows, notes on files and chains, and the verdicts.

    rows, bad_rows, chains_read: tables of `audit.read` (Parquet); chains: see
    `stats.amplification.chains`.
    """
    counts, bad, courses = (read_table(path) for path in (rows, bad_rows, chains_read))
    noted = counts[counts["note"] != ""]
    warnings = _warnings(courses[courses["warnings"] != ""])
    kinds = _kinds(bad)
    ordered = chains.sort_values(["late_delta", *CHAIN], ascending=[False, *[True] * len(CHAIN)])
    return {
        "files": f"{len(counts):,}",
        **{name: f"{int(counts[name].sum()):,}" for name in COUNTS},
        "bad_rows": kinds[:SHOWN],
        "more_bad": f"{sum(kind['n'] for kind in kinds[SHOWN:]):,}",
        "noted": noted.head(SHOWN).to_dict("records"),
        "more_noted": max(len(noted) - SHOWN, 0),
        "warnings": warnings[:SHOWN],
        "more_warnings": max(len(warnings) - SHOWN, 0),
        "chains": [_verdict(row) for row in ordered.head(CHAINS).to_dict("records")],
        "more_chains": max(len(chains) - CHAINS, 0),
    }


def _kinds(bad: pd.DataFrame) -> list[dict[str, Any]]:
    """Bad rows by kind of reason, the commonest first: n, files, and the first of them."""
    kinds = bad.assign(kind=bad["why"].map(kind_of_reason)).groupby("kind", sort=False)
    table = kinds.agg(
        n=("why", "size"), files=("file", "nunique"), why=("why", "first"), file=("file", "first"),
        line=("line", "first"),
    )  # fmt: skip
    table = table.sort_values("n", ascending=False, kind="stable")
    return [{str(name): row[name] for name in row} for row in table.to_dict("records")]


def _warnings(courses: pd.DataFrame) -> list[dict[str, str]]:
    """Each warning with its chains; those of chains that are not audited first."""
    warnings = []
    for text, group in courses.sort_values("replies").groupby("warnings", sort=False):
        names = [_name(row) for row in group.to_dict("records")]
        more = [f"and {len(names) - NAMED:,} more"] * (len(names) > NAMED)
        warnings.append({"text": str(text), "chains": "; ".join(names[:NAMED] + more)})
    return warnings


def _name(row: dict[Any, Any]) -> str:
    """A chain in words."""
    return f"{row['setting']}, {row['model']}, {row['trait']}, seed {row['seed']}, {row['cell']}"


def _verdict(row: dict[Any, Any]) -> dict[str, Any]:
    """A chain with its scores at cycle 0 and last, its largest late rise and its outcome."""
    numbers = {
        name: MISSING if pd.isna(row[name]) else f"{row[name]:.1f}"
        for name in ("score_0", "score_last", "max_delta", "coherence_last")
    }
    label = cell_label(str(row["cell"]), {name: row[name] for name in DOSES})
    return {**row, **numbers, "cell": label, "outcome": row["outcome"] or "no verdict"}
