"""The front page: verdicts on the claims, figures, what was run and limits."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from docutils.core import publish_doctree
from docutils.nodes import system_message
from docutils.utils import Reporter

from idempotence.claims.power_words import in_words
from idempotence.claims.verdicts import CONTRADICTED, SUPPORTED, UNDECIDED, UNTESTED
from idempotence.errors import UserError
from idempotence.figures.labels import in_order, loop_of, percent, setting_title
from idempotence.io import read_arrow, read_json, read_table
from idempotence.jobs.parts import Loop, Loops
from idempotence.report.answers import (
    MISSING,
    estimate,
    of_authors,
    real_answers,
    verdict_and_test,
    with_interval,
    with_judges_error,
)
from idempotence.report.audit import audited
from idempotence.scores.schema import CRITERIA, DEAD, NO_JUDGE
from idempotence.scores.training_log import KEY
from idempotence.stats.amplification import OUTCOMES

REASONS = 3  # that are named
OF_SETTINGS = ("trajectories", "metrics")  # figures that a study has for each setting
LITTLE = 0.1  # share of replies without a score that the page begins with
LINE = 4000  # letters; docutils reads no line of more than 10,000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True)
class StudyFiles:
    """The files of a study that its front page shows.

    chains, training: tables (Parquet); scores: scores.parquet; figures: PNG files, each with its
    caption in a .txt file beside it; claims: claims.json, None where nothing was scored; audit: the
    tables of rows, bad rows and chains of an audit, none for a study of its own; power: the table
    of what the claims' tests would say, None for an audit; real_model: claims.json and
    corrected_claims.csv of a study of a real model, to stand beside; gold: tables of the judge's
    agreement with blind ratings, of corrected changes and of corrected claims, where replies
    were rated.
    """

    chains: Path
    training: Path
    scores: Path
    figures: tuple[Path, ...] = ()
    claims: Path | None = None
    audit: tuple[Path, ...] = ()
    power: Path | None = None
    real_model: tuple[Path, ...] = ()
    gold: tuple[Path, ...] = ()


def summary(study: str, files: StudyFiles, loops: Loops, confidence: float) -> dict[str, Any]:
    """What the templates `summary.html.j2` and `index.html.j2` show.

    The page of an audit leaves out claims that it cannot test. Raises `UserError` for a figure or
    caption that is absent.
    """
    chains = read_table(files.chains)
    claims = read_json(files.claims) if files.claims else []
    shown = [claim for claim in claims if not files.audit or claim["verdict"] != UNTESTED]
    power = in_words(read_table(files.power)) if files.power else {}
    real = real_answers(*files.real_model) if files.real_model else {}
    return {
        "study": study,
        "title": f"Study {study}: does a trait amplify when a model learns from its own outputs?",
        "audit": _audited(files.audit, chains) if files.audit else None,
        "counts": _counts(chains, files.training, files.scores),
        "settings": [
            _setting(loop_of(loops, name), chains[chains["setting"] == name])
            for name in in_order(chains["setting"], loops)
        ],
        "scored": files.claims is not None,
        "unscored": _unscored(files.scores) if files.claims else [],
        "claims": [
            {**_claim(claim), "power": power.get(claim["id"], []), "real": real.get(claim["id"])}
            for claim in shown
        ],
        "real_model": bool(real),
        "powered": bool(power),
        "gold": _gold(files.gold, loops) if files.gold else None,
        "tally": _tally(claims),
        "interval": percent(confidence),
        "figures": [_figure(path) for path in files.figures],
    }


def _audited(tables: tuple[Path, ...], chains: pd.DataFrame) -> dict[str, Any]:
    """What an audit read; tables: of rows, bad rows and chains."""
    rows, bad_rows, chains_read = tables
    return audited(rows, bad_rows, chains_read, chains)


def _gold(tables: tuple[Path, ...], loops: Loops) -> dict[str, Any]:
    """How far the judge agrees with blind ratings, and what is left of each setting's change.

    tables: see `judge_tuning.gold.gold_agreement`, `stats.corrected_changes` and
    `claims.corrected`.
    """
    agreement, changes, claims = map(read_table, tables)
    whole = agreement[agreement["setting"] == "all"]
    return {
        "n": f"{whole['n'].max():,}",
        "criteria": [
            {"criterion": row["criterion"], "spearman": f"{row['spearman']:z.2f}",
             "bias": f"{row['bias']:+.0f}"}
            for row in whole.to_dict("records")
        ],
        "changes": [
            {
                "setting": setting_title(loop_of(loops, row["setting"])),
                "criterion": row["criterion"],
                "judge": with_interval(row["change"], row["ci_low"], row["ci_high"], 0),
                "corrected": with_interval(
                    row["corrected"], row["corrected_low"], row["corrected_high"], 0
                ),
            }
            for row in changes.to_dict("records")
        ],
        "claims": [f"{claim} {verdict}" for claim, verdict in with_judges_error(claims).items()
                   if verdict != UNTESTED.removesuffix(" here")],
    }  # fmt: skip


def _counts(chains: pd.DataFrame, training: Path, scores: Path) -> dict[str, str]:
    """How much was trained and judged."""
    log, rows = read_table(training), read_arrow(scores, columns=["seed"]).num_rows
    # the training of a cycle 0 that was copied is there twice, with the same tokens and seconds
    runs = log.drop_duplicates(KEY).drop_duplicates([*KEY[1:], "tokens", "seconds"])
    return {
        "chains": f"{len(chains):,}",
        "traits": ", ".join(sorted(chains["trait"].unique())),
        "seeds": str(chains["seed"].nunique()),
        "models": f"{int(chains['n_cycles'].sum()):,}",
        "replies": f"{rows:,}",
        "tokens": f"{int(runs['tokens'].sum()):,}",
        "hours": f"{runs['seconds'].sum() / 3600:.1f}",
    }


def _unscored(scores: Path) -> list[dict[str, Any]]:
    """The criteria by which more than `LITTLE` of the replies have no score, with the reasons.

    Rows of chains that have ended hold no reply, and do not count; nor do criteria that no judge
    was asked for.
    """
    columns = ["status", *(f"{criterion}_missing" for criterion in CRITERIA)]
    rows = read_table(scores, columns=columns)
    replies = rows[~rows["status"].isin(DEAD)]
    unscored = []
    for criterion in CRITERIA:
        reasons = replies[f"{criterion}_missing"]
        reasons = reasons[~reasons.isin(["", NO_JUDGE])].value_counts()
        if len(replies) and reasons.sum() > LITTLE * len(replies):
            unscored.append(
                {
                    "criterion": criterion,
                    "n": f"{reasons.sum():,}",
                    "of": f"{len(replies):,}",
                    "all": reasons.sum() == len(replies),
                    "reasons": _reasons(reasons),
                }
            )
    return unscored


def _reasons(counts: pd.Series) -> str:
    """The commonest reasons with their counts."""
    shown = [f"{reason} ({n:,})" for reason, n in counts.head(REASONS).items()]
    more = counts.iloc[REASONS:]
    return ", ".join(
        [*shown, *([f"{len(more)} other reasons ({more.sum():,})"] if len(more) else [])]
    )


def _setting(loop: Loop, chains: pd.DataFrame) -> dict[str, Any]:
    """A row of the table of settings: chains and their outcomes."""
    outcomes, last = chains["outcome"].value_counts(), chains["last_cycle"].max()
    return {
        "title": setting_title(loop),
        "n": len(chains),
        "doses": chains["cell"].nunique(),
        "cycles": MISSING if pd.isna(last) else f"0-{last:.0f}",
        **{key: int(outcomes.get(key, 0)) for key in OUTCOMES},
        "undecided": int(chains["amplified"].isna().sum()),
    }


def _claim(claim: dict[str, Any]) -> dict[str, Any]:
    """A row of the table of claims; settings that a test cannot be of stand in its own table."""
    tested = {part["what"] for part in claim["parts"] if part["verdict"] != UNTESTED}
    shown = [p for p in claim["parts"] if p["verdict"] != UNTESTED or p["what"] not in tested]
    parts = [{**part, "numbers": estimate(part)} for part in shown]
    return {
        **claim,
        "authors": of_authors(claim),
        "test": verdict_and_test(claim)[1],
        "parts": parts,
        "class": claim["verdict"].split()[0],
    }


def _tally(claims: list[dict[str, Any]]) -> str:
    """How many claims have each verdict, in words."""
    verdicts = [claim["verdict"] for claim in claims]
    counts = {v: verdicts.count(v) for v in (SUPPORTED, CONTRADICTED, UNDECIDED, UNTESTED)}
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)


def _figure(path: Path) -> dict[str, str]:
    """Name, picture (a data address), caption and place in the methods of a figure."""
    try:
        picture = base64.b64encode(path.read_bytes()).decode("ascii")
        caption = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UserError(f"{path}: the figure or its caption is missing ({error})") from None
    # browsers leave the line ends out
    lines = "\n".join(picture[i : i + LINE] for i in range(0, len(picture), LINE))
    kinds = [kind for kind in OF_SETTINGS if path.stem.startswith(f"{kind}_")]
    return {
        "name": path.stem,
        "source": f"data:image/png;base64,{lines}",
        "caption": caption,
        "about": kinds[0] if kinds else path.stem,
    }


def as_rst(html: str) -> str:
    """HTML as a reStructuredText document, for a report that takes nothing else.

    Lines longer than `LINE` are broken at blanks, which HTML takes for the same. Raises `UserError`
    for a page that docutils refuses.
    """
    # control characters but for line ends: HTML has none, and docutils would take some for line
    # ends; the report fills in templates: braces in data must reach it unchanged
    html = _CONTROL.sub("\ufffd", html).replace("{%", "&#123;%")
    lines = [part for line in html.split("\n") for part in _broken(line)]
    text = ".. raw:: html\n\n" + "\n".join(f"   {line}" for line in lines) + "\n"
    quiet = {"report_level": Reporter.ERROR_LEVEL, "halt_level": 5, "warning_stream": ""}
    for problem in publish_doctree(text, settings_overrides=quiet).findall(system_message):
        raise UserError(f"the report cannot take its front page: {problem.astext()[:LINE]}")
    return "{% raw %}\n" + text + "{% endraw %}\n"


def _broken(line: str) -> list[str]:
    """A line in parts of at most `LINE` letters, where it has blanks."""
    parts = []
    while len(line) > LINE and (at := line.rfind(" ", 1, LINE)) > 0:
        parts.append(line[:at])
        line = line[at + 1 :]
    return [*parts, line]
