"""Where each chain stands at each cycle, and the mean course over seeds."""

import numpy as np
import pandas as pd

from idempotence.scores.schema import ALIVE, CHAIN, DEAD, DOSES
from idempotence.stats.intervals import MIN_CLUSTERS, clustered_means, t_half_width
from idempotence.stats.text_metrics import MEANS, POOLED, text_metrics

SHORT = {"trait_score": "trait", "coherence": "coherence"}
MEASURES = list(SHORT)
ERRORS = ("se", "ci_low", "ci_high")
LIKELIHOOD = "loglik_initial"
OWN = "loglik_own"
KNOWN = ["truth_trait", "truth_coherence", LIKELIHOOD, OWN]  # of which means are taken alone
DIVERGENCE = "divergence"
TEXT_METRICS = [*MEANS, *POOLED, LIKELIHOOD]
KEY = [*CHAIN, "cycle"]
FIXED = ["objective", "start", *DOSES]
OF_SCORES = [*FIXED, *KEY, "question", "status", "reason", *MEASURES, *KNOWN]
NEEDED = [*OF_SCORES, "response"]


def trajectories(scores: pd.DataFrame, confidence: float, least: int = 1) -> pd.DataFrame:
    """One row for each chain and cycle: `mean_scores`, and the columns of `text_metrics`.

    scores: one row for each response, with the columns `NEEDED`. least: see `enough`.
    """
    table = enough(mean_scores(scores, confidence), least)
    return table.join(text_metrics(scores, KEY), on=KEY)


def enough(table: pd.DataFrame, least: int) -> pd.DataFrame:
    """The table without means of fewer than `least` scored replies.

    table: see `mean_scores`. Such a mean, with its error and interval, becomes missing, and so do
    exact scores. Where it is the trait's, the reason of the row says so; its status stays.
    """
    table = table.copy()
    for measure, short in SHORT.items():
        n = table["n_responses"] - table[f"n_missing_{short}"]
        few = (n > 0) & (n < least)
        table.loc[few, [measure, *(f"{measure}_{name}" for name in ERRORS), f"truth_{short}"]] = (
            np.nan
        )
        if measure == "trait_score":
            why = "scored replies: " + n.astype(str) + f", fewer than {least}"
            table["reason"] = table["reason"].mask(few, why)
    return table


def mean_scores(scores: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row for each chain and cycle, without what is read from the replies' text.

    scores: one row for each response, with the columns `OF_SCORES`.
    Returns the chain's identity and doses; cycle; status and reason (see `chain_status`);
    n_responses, n_questions, n_missing_trait, n_missing_coherence; for trait_score and coherence
    the mean (points, 0-100), its standard error clustered by question and the t interval
    (`_se`, `_ci_low`, `_ci_high`; see `clustered_means`); the means of `KNOWN` over the responses
    where they are known, missing for a dead chain, and n_loglik_initial, their number; divergence
    (nats per token), the mean of loglik_own - loglik_initial over the responses that have both: an
    estimate of the Kullback-Leibler divergence of the model from the initial one, per token, on
    replies at the evaluation's temperature. It is missing where a loop ran elsewhere.
    """
    grouped = scores.groupby(KEY, sort=True)
    table = grouped[FIXED].first()
    table[["status", "reason"]] = chain_status(scores)
    table["n_responses"] = grouped.size()
    table["n_questions"] = grouped["question"].nunique()
    for measure, short in SHORT.items():
        table[f"n_missing_{short}"] = table["n_responses"] - grouped[measure].count()
    for measure in MEASURES:
        means = clustered_means(scores, KEY, measure, "question", confidence)
        table[measure] = means["mean"]
        for name in ERRORS:
            table[f"{measure}_{name}"] = means[name]
    living = scores[KNOWN].mask(scores["status"].isin(DEAD))
    living[DIVERGENCE] = living[OWN] - living[LIKELIHOOD]
    known = living.groupby([scores[name] for name in KEY])
    table[[*KNOWN, DIVERGENCE]] = known.mean()
    table[f"n_{LIKELIHOOD}"] = known[LIKELIHOOD].count()
    return table.reset_index()[[*CHAIN, *FIXED, "cycle", *table.columns[len(FIXED) :]]]


def chain_status(scores: pd.DataFrame) -> pd.DataFrame:
    """Status and reason of each chain and cycle, indexed by `KEY`.

    "nan" or "ended" when a response has that status (the whole chain is then dead), "empty" when
    every reply is empty, otherwise "ok". The reason is the first one given; none while "ok".
    """
    by = [scores[name] for name in KEY]
    status = pd.Series(ALIVE, index=scores.groupby(KEY).size().index)
    is_status = {name: scores["status"].eq(name).groupby(by) for name in ("empty", "ended", "nan")}
    status[is_status["empty"].all()] = "empty"
    status[is_status["ended"].any()] = "ended"
    status[is_status["nan"].any()] = "nan"
    given = scores["reason"].where(scores["reason"].fillna("") != "")
    reason = given.groupby(by).first().fillna("").where(status != ALIVE, "")
    return pd.DataFrame({"status": status, "reason": reason})


def over_seeds(table: pd.DataFrame, measure: str, confidence: float) -> pd.DataFrame:
    """Mean course of each setting, model, trait and cell: the chain, not the response, counts.

    table: see `trajectories`. Returns those four columns, cycle, mean, ci_low, ci_high (t
    interval over the seeds' cycle means, seeds - 1 degrees of freedom; NaN under `MIN_CLUSTERS`)
    and n_seeds, the chains with a score at that cycle.
    """
    by = ["setting", "model", "trait", "cell", "cycle"]
    return _t_means(table[table[measure].notna()], by, measure, "n_seeds", confidence)


def over_panels(table: pd.DataFrame, measure: str, confidence: float) -> pd.DataFrame:
    """Mean course of each setting and trait over panels, each the mean of its cells.

    As `over_seeds`, with setting, trait, cycle and n, the panels with a value at that cycle.
    """
    by = ["setting", "trait", "cycle"]
    panels = table[table[measure].notna()].groupby([*by, "model", "seed"])[measure].mean()
    return _t_means(panels.reset_index(), by, measure, "n", confidence)


def _t_means(
    known: pd.DataFrame, by: list[str], measure: str, count: str, confidence: float
) -> pd.DataFrame:
    """`by`, mean, ci_low, ci_high (t interval over the rows of a group) and their number."""
    means = known.groupby(by)[measure].agg(mean="mean", sd="std", n="size").reset_index()
    half = t_half_width(means["sd"] / means["n"] ** 0.5, means["n"] - 1, confidence)
    half = np.where(means["n"] >= MIN_CLUSTERS, half, np.nan)
    means["ci_low"], means["ci_high"] = means["mean"] - half, means["mean"] + half
    return means.rename(columns={"n": count})[[*by, "mean", "ci_low", "ci_high", count]]


def last_alive(table: pd.DataFrame) -> pd.DataFrame:
    """For each chain that ended: its row of the last cycle in which it was alive and had scores.

    A chain that never had one is a row in which all but its identity is missing.
    """
    ended = table[table["status"] != ALIVE][CHAIN].drop_duplicates()
    lived = table[(table["status"] == ALIVE) & table["trait_score"].notna()]
    last = lived.sort_values("cycle").groupby(CHAIN, as_index=False).tail(1)
    return ended.merge(last, on=CHAIN, how="left").sort_values(CHAIN, ignore_index=True)
