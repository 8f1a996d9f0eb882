"""Do two judges agree on the same replies?"""

from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import cohens_kappa

from idempotence.errors import UserError
from idempotence.scores.schema import CHAIN, CRITERIA, DEAD
from idempotence.stats.amplification import chains
from idempotence.stats.arrays import Floats
from idempotence.stats.groups import ALL
from idempotence.stats.intervals import wilson
from idempotence.stats.panels import jackknifed
from idempotence.stats.trajectories import OF_SCORES, mean_scores

REPLY = [*CHAIN, "cycle", "question", "sample"]
NEEDED = [*OF_SCORES, "sample", "response"]


def icc(ratings: Floats) -> float:
    """Intraclass correlation: two-way random effects, absolute agreement, a single rater.

    ratings: shape (n targets, k raters), none missing. With the mean squares of targets MSR, of
    raters MSC and of the rest MSE it is (MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n):
    ICC(2,1) of Shrout and Fleiss (1979), ICC(A,1) of McGraw and Wong (1996). NaN for fewer than
    two targets or raters, or where nothing varies.
    """
    n, k = ratings.shape
    if n < 2 or k < 2:
        return float("nan")
    grand, rows, columns = ratings.mean(), ratings.mean(axis=1), ratings.mean(axis=0)
    targets = k * np.sum((rows - grand) ** 2) / (n - 1)
    raters = n * np.sum((columns - grand) ** 2) / (k - 1)
    rest = np.sum((ratings - rows[:, None] - columns + grand) ** 2) / ((n - 1) * (k - 1))
    below = targets + (k - 1) * rest + k * (raters - rest) / n
    return float((targets - rest) / below) if below > 0 else float("nan")


def paired(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Each reply with both judges' scores: `REPLY`, status, <column>_first, <column>_second.

    first, second: scores with the columns `NEEDED`. Raises `UserError` unless both are of the
    same replies.
    """
    columns = [*REPLY, "response", *CRITERIA.values()]
    both = first[[*columns, "status"]].merge(
        second[columns], on=REPLY, how="outer", suffixes=("_first", "_second"), indicator=True
    )
    odd = both[(both["_merge"] != "both") | (both["response_first"] != both["response_second"])]
    if len(odd):
        reply = ", ".join(f"{name} {odd.iloc[0][name]}" for name in REPLY)
        raise UserError(
            f"the two judges did not score the same replies: {len(odd)} differ, the first at "
            f"{reply}; make both files from the same responses"
        )
    return both.drop(columns=["_merge", "response_first", "response_second"])


def judge_agreement(both: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row for each setting ("all" for all) and criterion.

    both: see `paired`. Returns setting, criterion, n_responses (put to the judges), n (with a
    score of both), missing_first, missing_second (shares without a score), icc (see `icc`), bias
    (mean of second less first) and mae (mean absolute difference; both points, 0-100), for icc
    and bias an interval (_low, _high) by a jackknife over panels (see `jackknifed`), n_panels and
    warnings.
    """
    judged = both[~both["status"].isin(DEAD)]
    return pd.DataFrame(
        [
            {"setting": setting, "criterion": criterion, **_agreement(group, column, confidence)}
            for setting, group in [*judged.groupby("setting"), (ALL, judged)]
            for criterion, column in CRITERIA.items()
        ]
    )


def _agreement(judged: pd.DataFrame, column: str, confidence: float) -> dict[str, Any]:
    names = [f"{column}_first", f"{column}_second"]
    known = judged.dropna(subset=names)
    known = known.assign(difference=known[names[1]] - known[names[0]])
    alike = jackknifed(known, lambda frame: icc(frame[names].to_numpy()), confidence)
    bias = jackknifed(known, lambda frame: float(frame["difference"].mean()), confidence)
    warnings = dict.fromkeys([*alike["warnings"].split("; "), *bias["warnings"].split("; ")])
    return {
        "n_responses": len(judged),
        "n": len(known),
        "missing_first": judged[names[0]].isna().mean(),
        "missing_second": judged[names[1]].isna().mean(),
        "icc": alike["estimate"], "icc_low": alike["ci_low"], "icc_high": alike["ci_high"],
        "bias": bias["estimate"], "bias_low": bias["ci_low"], "bias_high": bias["ci_high"],
        "mae": known["difference"].abs().mean(),
        "n_panels": alike["n_panels"],
        "warnings": "; ".join(filter(None, warnings)),
    }  # fmt: skip


def verdict_confusion(
    first: pd.DataFrame, second: pd.DataFrame, points: float, from_cycle: int, confidence: float
) -> pd.DataFrame:
    """Does the published rule call the same chains amplified by either judge's scores?

    first, second: scores with the columns `NEEDED`; points, from_cycle: see `chains`. One row for
    each setting ("all" for all): n_chains, n_undecided (by either judge), n, and of these both,
    first_only, second_only and neither amplified; share_same with Wilson's interval ci_low,
    ci_high, and Cohen's (1960) kappa, missing where a judge has one verdict for all.
    """
    verdicts = [
        chains(mean_scores(scores, confidence), points, from_cycle).set_index(CHAIN)["amplified"]
        for scores in (first, second)
    ]
    table = pd.concat(verdicts, axis=1, keys=["first", "second"]).reset_index()
    groups = [*table.groupby("setting"), (ALL, table)]
    return pd.DataFrame(
        [{"setting": setting, **_confusion(group, confidence)} for setting, group in groups]
    )


def _confusion(group: pd.DataFrame, confidence: float) -> dict[str, Any]:
    known = group.dropna(subset=["first", "second"])
    one, other = (known[name].to_numpy(bool) for name in ("first", "second"))
    counts = np.array(
        [[sum(one & other), sum(one & ~other)], [sum(~one & other), sum(~one & ~other)]]
    )
    same = int(np.trace(counts))
    low, high = wilson(same, len(known), confidence)
    varied = len(known) > 0 and counts.sum(axis=0).all() and counts.sum(axis=1).all()
    return {
        "n_chains": len(group), "n_undecided": len(group) - len(known), "n": len(known),
        "both": counts[0, 0], "first_only": counts[0, 1], "second_only": counts[1, 0],
        "neither": counts[1, 1],
        "share_same": same / len(known) if len(known) else float("nan"),
        "ci_low": low, "ci_high": high,
        "kappa": cohens_kappa(counts, return_results=False) if varied else float("nan"),
    }  # fmt: skip
