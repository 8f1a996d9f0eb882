"""What the front page says of an audit: what was read, what was not, and the chains' verdicts."""

from pathlib import Path

import pandas as pd

from idempotence.figures.labels import cell_label
from idempotence.report.tables import MISSING
from idempotence.scores.files import CHAIN, DOSES

SHOWN = 20  # bad rows
CHAINS = 60  # verdicts
COUNTS = ["read", "ok", "empty", "bad"]


def audited(rows: Path, bad: Path, found: Path, chains: pd.DataFrame) -> dict:
    """Counts over all files, the first bad rows, warnings of chains and their verdicts.

    rows, bad, found: see `audit.read` (`COUNTS`, `BAD`, `chains_table`); chains: see
    `stats.amplification.chains`.
    """
    counts, wrong = pd.read_csv(rows), pd.read_csv(bad, keep_default_na=False)
    courses = pd.read_csv(found, keep_default_na=False, dtype={"cell": str})
    warned = courses[courses["warnings"] != ""]
    ordered = chains.sort_values(["late_delta", *CHAIN], ascending=[False, *[True] * len(CHAIN)])
    return {
        "files": f"{len(counts):,}",
        **{name: f"{int(counts[name].sum()):,}" for name in COUNTS},
        "any_bad": len(wrong) > 0,
        "bad_rows": wrong.head(SHOWN).to_dict("records"),
        "more_bad": f"{max(len(wrong) - SHOWN, 0):,}",
        "without": counts.loc[counts["read"] == 0, "file"].tolist(),
        "warnings": [
            {"what": text, "chains": ", ".join(_name(row) for row in group.to_dict("records"))}
            for text, group in warned.groupby("warnings")
        ],
        "chains": [_verdict(row) for row in ordered.head(CHAINS).to_dict("records")],
        "more_chains": max(len(chains) - CHAINS, 0),
    }


def _name(row: dict) -> str:
    return f"{row['setting']}, {row['model']}, {row['trait']}, seed {row['seed']}, {row['cell']}"


def _verdict(row: dict) -> dict:
    """A chain with its scores at cycle 0 and last, its largest late rise and what the rule says."""
    numbers = {
        name: MISSING if pd.isna(row[name]) else f"{row[name]:.1f}"
        for name in ("score_0", "score_last", "max_delta", "coherence_last")
    }
    label = cell_label(str(row["cell"]), {name: row[name] for name in DOSES})
    outcome = row["outcome"] if isinstance(row["outcome"], str) and row["outcome"] else "no verdict"
    return {**row, **numbers, "cell": label, "outcome": outcome}
