"""An audit on the front page: what was read, what was not, and the verdicts of the chains."""

from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.figures.labels import cell_label
from idempotence.io import read_table
from idempotence.report.tables import MISSING
from idempotence.scores.schema import CHAIN, DOSES

SHOWN = 20  # bad rows
CHAINS = 60  # verdicts
COUNTS = ["read", "ok", "empty", "bad"]


def audited(rows: Path, bad_rows: Path, chains_read: Path, chains: pd.DataFrame) -> dict[str, Any]:
    """Counts over all files, the first bad rows, warnings of chains and their verdicts.

    rows, bad_rows, chains_read: tables of `audit.read` (Parquet); chains: see
    `stats.amplification.chains`.
    """
    counts, bad, courses = (read_table(path) for path in (rows, bad_rows, chains_read))
    warned = courses[courses["warnings"] != ""]
    ordered = chains.sort_values(["late_delta", *CHAIN], ascending=[False, *[True] * len(CHAIN)])
    return {
        "files": f"{len(counts):,}",
        **{name: f"{int(counts[name].sum()):,}" for name in COUNTS},
        "any_bad": len(bad) > 0,
        "bad_rows": bad.head(SHOWN).to_dict("records"),
        "more_bad": f"{max(len(bad) - SHOWN, 0):,}",
        "without": counts.loc[counts["read"] == 0, "file"].tolist(),
        "warnings": [
            {"text": text, "chains": ", ".join(_name(row) for row in group.to_dict("records"))}
            for text, group in warned.groupby("warnings")
        ],
        "chains": [_verdict(row) for row in ordered.head(CHAINS).to_dict("records")],
        "more_chains": max(len(chains) - CHAINS, 0),
    }


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
    outcome = row["outcome"] if isinstance(row["outcome"], str) and row["outcome"] else "no verdict"
    return {**row, **numbers, "cell": label, "outcome": outcome}
