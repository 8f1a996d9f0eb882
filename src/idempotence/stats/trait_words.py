"""How a trait's words come and go over the cycles, beside the judge's scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from scipy.stats import spearmanr

from idempotence.scores.schema import CHAIN, DEAD
from idempotence.stats.groups import ALL
from idempotence.stats.panels import panel_mean
from idempotence.texts.trait_words import word_share

NEEDED = [*CHAIN, "cycle", "status", "response", "trait_score"]


def trait_words(
    scores: pd.DataFrame, words: Mapping[str, Sequence[str]], confidence: float
) -> pd.DataFrame:
    """One row for each setting, trait (and all) and cycle.

    scores: a scores table, `NEEDED`. words: trait -> beginnings of its words; traits without any
    are left out. A chain's share at a cycle is the mean over its replies; chains that have ended
    have none. Returns setting, trait, cycle, share (percent of words, mean over panels), ci_low,
    ci_high (t interval over panels), n_panels, n_replies, and spearman: the rank correlation of
    share and judge's score over the chains and cycles of that setting and trait, the same in all
    their rows; NaN for fewer than three, or where one of both never varies.
    """
    alive = scores[~scores["status"].isin(DEAD) & scores["trait"].isin([*words])]
    texts = zip(alive["response"], alive["trait"], strict=True)
    alive = alive.assign(share=[100 * word_share(text, words[trait]) for text, trait in texts])
    means = alive.groupby([*CHAIN, "cycle"], as_index=False).agg(
        share=("share", "mean"), trait_score=("trait_score", "mean"), n=("share", "size")
    )
    rows: list[dict[str, Any]] = []
    for setting, of_setting in means.groupby("setting"):
        for trait in [ALL, *sorted(of_setting["trait"].unique())]:
            own = of_setting if trait == ALL else of_setting[of_setting["trait"] == trait]
            agreement = _spearman(own)
            for cycle, now in own.groupby("cycle"):
                mean = panel_mean(now, "share", confidence)
                rows.append({
                    "setting": setting, "trait": trait, "cycle": cycle, "share": mean["estimate"],
                    "ci_low": mean["ci_low"], "ci_high": mean["ci_high"],
                    "n_panels": mean["n_panels"], "n_replies": int(now["n"].sum()),
                    "spearman": agreement,
                })  # fmt: skip
    columns = ["setting", "trait", "cycle", "share", "ci_low", "ci_high", "n_panels", "n_replies",
               "spearman"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _spearman(means: pd.DataFrame) -> float:
    both = means.dropna(subset=["share", "trait_score"])
    if len(both) < 3 or both["share"].nunique() < 2 or both["trait_score"].nunique() < 2:
        return float("nan")
    return float(spearmanr(both["share"], both["trait_score"]).statistic)
