"""CSV tables as one page: a heading, an explanation and rounded numbers for each."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from idempotence.errors import UserError

# file name without .csv -> explanation
EXPLANATIONS = {
    "amplification": (
        "Share of chains in which the trait amplified: at some cycle from the rule's first one "
        "on, the mean trait score stands at least the rule's number of points above cycle 0. The "
        "interval is Wilson's and takes chains as independent. A chain that ended before that "
        "cycle has no verdict (n_undecided). A largest value of noisy cycles is biased upward, so "
        "that some chains would pass by chance."
    ),
    "slopes": (
        "Points that the score moves a cycle: regression of the chains' cycle means on cycle, an "
        "own intercept for each chain, standard errors clustered by chain, t distribution with "
        "chains - 1 degrees of freedom. Trait 'all' takes a setting's traits together. The tests "
        "are not corrected for their number. A warning says why a value is missing or "
        "approximate."
    ),
    "chains": (
        "One row for each chain: doses, trait score at cycle 0 and last, the largest and the mean "
        "difference from cycle 0 over the late cycles (max_delta, late_delta), the verdict, the "
        "least-squares slope, coherence, and where and why a chain ended. Outcome: amplification "
        "by the rule; otherwise decay if the late cycles lost, on average, the rule's points or "
        "half of the score at cycle 0, whichever is less; otherwise constancy."
    ),
    "judge": (
        "Agreement on the study's own replies: rank correlation (Spearman), mean absolute error "
        "and bias (judge less truth) in points, the share of replies that got no score, and the "
        "median probability that the judge put on numbers. Replies without known truth have no "
        "agreement."
    ),
    "trajectories": (
        "One row for each chain and cycle: means over its replies with standard errors clustered "
        "by question and t intervals (questions - 1 degrees of freedom), missing scores, exact "
        "truth where known, and measures of the text. loglik_initial is the mean log-likelihood a "
        "token under the initial model, in natural units. Status nan is the word: the chain's "
        "training gave numbers that are none."
    ),
    "training": (
        "One row for each logged step of each chain's training: loss, gradient norm, learning "
        "rate and, for DPO, reward margin and accuracy; with them the rows trained on, the rows "
        "dropped as too short, and the run's tokens and seconds. A status other than ok ends the "
        "chain, for the reason beside it."
    ),
    "claims": (
        "The paper's claims as tests that were fixed before any run, with this study's "
        "estimates, intervals and verdicts beside the published words. A claim is supported "
        "when all of its tested parts are."
    ),
    "rules": (
        "How many chains each rule calls amplified. published: the largest rise over cycle 0 "
        "among the late cycles; anchor1: the same over cycle 1; last_minus_first: 10 points or "
        "more at the last cycle; mean_slope: 1.67 points a cycle or more. With the gate, "
        "coherence must hold at the cycle that counts. Wilson intervals over chains; chains of "
        "a panel share their seed data, so that they are too narrow rather than too wide."
    ),
    "null_rate": (
        "How often each rule would fire if nothing changed: every cycle drawn anew from one "
        "model's own replies (rescored: of cycle 0; resampled_late: of the late cycles). This "
        "is the luck of sampling and judging alone; the luck of training again comes on top."
    ),
    "mixed_model": (
        "Slope of the trait score on cycle by three models that should agree: mixed with a "
        "random line for each chain, least squares clustered by panel, GEE. agree says whether "
        "they do."
    ),
    "equivalence": (
        "Do further cycles do nothing? Two one-sided t tests over panels of the change within "
        "the bound: late_minus_first is what all training did, slope_total what the cycles "
        "after the first did. smallest_bound: the bound at which equivalence would just hold."
    ),
    "contraction": (
        "Does a cycle bring scores nearer to each other? Regression of each cycle's score on "
        "the one before. A rate under 1 is a contraction to its fixed point; corrected allows "
        "for the noise of the scores. Intervals: jackknife over panels."
    ),
    "dose": (
        "Log odds of amplification for a doubling of each dose: logistic regression with "
        "Firth's penalty and an intercept for each trait; profile intervals over chains."
    ),
    "dose_flips": (
        "Share of pairs of chains with different verdicts: doses, one step of one dose apart; "
        "seeds, alike in all but the seed. If seeds flip as often as doses, it is luck rather "
        "than dose."
    ),
    "tradeoff": (
        "What a point of trait costs: slope of the change of coherence, sentence length, "
        "distinct bigrams, share of the commonest opening and likelihood under the initial "
        "model on the change of the trait, among chains. Intervals: jackknife over panels."
    ),
    "continual": (
        "Continual chains less their re-initialised twins (same seed rows, doses and random "
        "numbers): slope, late change of the trait, change of coherence. t intervals over "
        "panels."
    ),
    "world_models": (
        "The initial models: mean exact coherence of their replies and their highest trait, as "
        "measured when they were built and on this study's prompts, beside the bars they have to "
        "reach."
    ),
    "world_judge": (
        "The judge against exact truth on held-out texts, by kind of damage: rank correlation "
        "(Spearman; none where the truth does not vary), mean absolute error, bias (judge less "
        "truth) and share without a score. The bars hold for all texts together."
    ),
}
MISSING = "–"
_SMALLEST_P = 0.001
_WORDS = {"True": "yes", "False": "no"}


def titled(text: str) -> tuple[str, Path]:
    """(heading, path) of a table named on the command line as HEADING=PATH.

    Raises `UserError` when either is missing.
    """
    heading, _, path = text.partition("=")
    if not heading.strip() or not path.strip():
        raise UserError(
            f"table '{text}': write it as HEADING=PATH, such as Chains=tables/chains.csv"
        )
    return heading.strip(), Path(path.strip())


def tables_page(tables: Sequence[tuple[str, str | Path]], title: str) -> dict:
    """What the template `tables.html.j2` shows.

    tables: (heading, path of a CSV file), in the order of the page; files of known names get their
    explanation. Raises `UserError` for a file that is absent, has no header or is uneven.
    """
    shown = [
        {"anchor": f"table-{place}", **_table(heading, Path(path))}
        for place, (heading, path) in enumerate(tables, start=1)
    ]
    return {"title": title, "tables": shown}


def _table(heading: str, path: Path) -> dict:
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
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    numeric = [bool(any(column)) and all(map(_is_number, column)) for column in columns]
    return {
        "name": path.name,
        "heading": heading,
        "explanation": EXPLANATIONS.get(path.stem, ""),
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
