"""The front page: what was asked, what was run, the claims' verdicts, figures and limits."""

import base64
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from idempotence.claims.verdicts import UNTESTED
from idempotence.errors import UserError
from idempotence.figures.labels import in_order, percent, setting_title
from idempotence.io import read_json
from idempotence.report.audit import audited
from idempotence.report.tables import MISSING
from idempotence.scores.training_log import CHAIN
from idempotence.stats.amplification import OUTCOMES

LINE = 4000  # letters; docutils reads no line of more than 10,000


def summary(
    study: str,
    claims: Path | None,
    chains: Path,
    training: Path,
    scores: Path,
    figures: Sequence[Path],
    confidence: float,
    audit: Sequence[Path] | None = None,
) -> dict:
    """What the template `summary.html.j2` shows; all numbers come from the study's own files.

    claims: claims.json, none where nothing was scored; chains, training: tables; scores:
    scores.parquet; figures: PNG files, each with its caption in a .txt beside it; audit: the tables
    of rows, bad rows and chains of an audit, whose page leaves out claims that it cannot test. Raises `UserError` for a figure or caption that is absent.
    """
    table = pd.read_csv(chains)
    told = read_json(claims) if claims else []
    shown = [claim for claim in told if not audit or claim["verdict"] != UNTESTED]
    return {
        "study": study,
        "title": f"Study {study}: does a trait amplify when a model learns from its own outputs?",
        "audit": audited(*audit, table) if audit else None,
        "counts": _counts(table, training, scores),
        "settings": [
            _setting(name, table[table["setting"] == name]) for name in in_order(table["setting"])
        ],
        "scored": claims is not None,
        "claims": [_claim(claim) for claim in shown],
        "tally": _tally(told),
        "interval": percent(confidence),
        "figures": [_figure(Path(path)) for path in figures],
    }


def _counts(table: pd.DataFrame, training: Path, scores: Path) -> dict[str, str]:
    """How much was trained and judged."""
    logged = pd.read_csv(training)
    # a training that a twin's first cycle was copied from is there again, to the millisecond
    runs = logged.drop_duplicates(CHAIN).drop_duplicates([*CHAIN[1:], "tokens", "seconds"])
    return {
        "chains": f"{len(table):,}",
        "traits": ", ".join(sorted(table["trait"].unique())),
        "seeds": str(table["seed"].nunique()),
        "models": f"{int(table['n_cycles'].sum()):,}",
        "replies": f"{pq.ParquetFile(scores).metadata.num_rows:,}",
        "tokens": f"{int(runs['tokens'].sum()):,}",
        "hours": f"{runs['seconds'].sum() / 3600:.1f}",
    }


def _setting(name: str, group: pd.DataFrame) -> dict:
    """A row of the table of settings: chains and their outcomes."""
    outcomes, last = group["outcome"].value_counts(), group["last_cycle"].max()
    return {
        "title": setting_title(name),
        "n": len(group),
        "doses": group["cell"].nunique(),
        "cycles": MISSING if pd.isna(last) else f"0-{last:.0f}",
        **{key: int(outcomes.get(key, 0)) for key in OUTCOMES},
        "undecided": int(group["amplified"].isna().sum()),
    }


def _claim(claim: dict) -> dict:
    parts = [{**part, "numbers": _numbers(part)} for part in claim["parts"]]
    return {**claim, "parts": parts, "class": claim["verdict"].split()[0]}


def _numbers(part: dict) -> str:
    """Estimate and interval as people write them."""
    if part["estimate"] is None:
        return MISSING
    estimate = f"{part['estimate']:.2f}"
    if part["ci_low"] is None:
        return estimate
    told = f"{estimate} ({part['ci_low']:.2f} to {part['ci_high']:.2f}"
    if part.get("panel_low") is not None:
        told += f"; over panels {part['panel_low']:.2f} to {part['panel_high']:.2f}"
    return told + ")"


def _tally(told: list[dict]) -> str:
    """How many claims have each verdict, in words."""
    verdicts = pd.Series([claim["verdict"] for claim in told], dtype=object).value_counts()
    return ", ".join(f"{n} {verdict}" for verdict, n in verdicts.sort_index().items())


def _figure(path: Path) -> dict:
    try:
        picture = base64.b64encode(path.read_bytes()).decode("ascii")
        caption = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UserError(f"{path}: the figure or its caption is missing ({error})") from None
    # browsers leave the line ends out
    lines = "\n".join(picture[i : i + LINE] for i in range(0, len(picture), LINE))
    return {"name": path.stem, "source": f"data:image/png;base64,{lines}", "caption": caption}


def as_rst(html: str) -> str:
    """HTML as a reStructuredText document, for a report that takes nothing else."""
    # the report fills in templates: braces that are data must reach it as they are, and end nothing
    html = html.replace("{%", "&#123;%")
    lines = "\n".join(f"   {line}" for line in html.splitlines())
    return "{% raw %}\n.. raw:: html\n\n" + lines + "\n{% endraw %}\n"
