"""CSV tables as one page: a heading, an explanation and rounded numbers for each."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from idempotence.errors import UserError

# file name without .csv -> (heading, explanation)
EXPLANATIONS = {
    "amplification": (
        "Amplification",
        (
            "Share of chains in which the trait amplified: at some cycle from the rule's first "
            "one on, the mean trait score stands at least the rule's number of points above cycle "
            "0. The interval is Wilson's and takes chains as independent. A chain that ended "
            "before that cycle has no verdict (n_undecided). A largest value of noisy cycles is "
            "biased upward, so that some chains would pass by chance."
        ),
    ),
    "slopes": (
        "Slopes",
        (
            "Points that the score moves a cycle: regression of the chains' cycle means on cycle, "
            "an own intercept for each chain, standard errors clustered by chain, t distribution "
            "with chains - 1 degrees of freedom. Trait 'all' takes a setting's traits together. "
            "The tests are not corrected for their number. A warning says why a value is missing "
            "or approximate."
        ),
    ),
    "chains": (
        "Chains",
        (
            "One row for each chain: doses, trait score at cycle 0 and last, the largest and the "
            "mean difference from cycle 0 over the late cycles (max_delta, late_delta), the "
            "verdict, the least-squares slope, coherence, and where and why a chain ended. "
            "Outcome: amplification by the rule; otherwise decay if the late cycles lost, on "
            "average, the rule's points or half of the score at cycle 0, whichever is less; "
            "otherwise constancy."
        ),
    ),
    "judge": (
        "The judge against exact truth",
        (
            "Agreement on the study's own replies: rank correlation (Spearman), mean absolute "
            "error and bias (judge less truth) in points, the share of replies that got no score, "
            "and the median probability that the judge put on numbers. Replies without known "
            "truth have no agreement."
        ),
    ),
    "trajectories": (
        "Trajectories",
        (
            "One row for each chain and cycle: means over its replies with standard errors "
            "clustered by question and t intervals (questions - 1 degrees of freedom), missing "
            "scores, exact truth where known, and measures of the text. loglik_initial is the "
            "mean log-likelihood a token under the initial model, in natural units."
        ),
    ),
}
MISSING = "–"
_SMALLEST_P = 0.001
_WORDS = {"True": "yes", "False": "no"}


def tables_page(paths: Sequence[str | Path], title: str) -> dict:
    """What the template `tables.html.j2` shows, tables in the order of `paths`.

    Raises `UserError` for a file that is absent or has no header.
    """
    return {"title": title, "tables": [_table(Path(path)) for path in paths]}


def _table(path: Path) -> dict:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except FileNotFoundError:
        raise UserError(f"{path}: no such table") from None
    if not header:
        raise UserError(f"{path}: the table has no header")
    uneven = [i for i, row in enumerate(rows, start=2) if len(row) != len(header)]
    if uneven:
        raise UserError(f"{path}: row {uneven[0]} has another number of values than the header")
    heading, explanation = EXPLANATIONS.get(path.stem, (path.stem.replace("_", " "), ""))
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    numeric = [bool(any(column)) and all(map(_is_number, column)) for column in columns]
    return {
        "name": path.name,
        "anchor": path.stem,
        "heading": heading,
        "explanation": explanation,
        "columns": list(zip(header, numeric, strict=True)),
        "rows": [
            [rounded(value, name) for name, value in zip(header, row, strict=True)] for row in rows
        ],
        "numeric": numeric,
    }


def _is_number(text: str) -> bool:
    """Whether a cell holds a number or nothing; "nan" is a status, not a number."""
    if not text:
        return True
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def rounded(text: str, column: str) -> str:
    """A cell as shown: whole numbers as they are, others to 2 decimals or 2 significant digits."""
    if not text:
        return MISSING
    if text in _WORDS:
        return _WORDS[text]
    if not _is_number(text) or text.lstrip("-").isdigit():
        return text
    value = float(text)
    if column == "p":
        return f"< {_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.3f}"
    if value.is_integer():
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
