"""Likelihoods of an audit's replies under the initial model. Nothing here needs a judge."""

from collections.abc import Mapping

import pandas as pd

from idempotence.engine.base import Engine
from idempotence.engine.formatting import ids_of_rows
from idempotence.objectives import ObjectiveName, kind_of

ROW = ["setting", "model", "trait", "seed", "cell", "cycle", "question", "sample"]


def likelihoods(
    engine: Engine, replies: pd.DataFrame, objectives: Mapping[str, ObjectiveName]
) -> pd.DataFrame:
    """`ROW` and loglik_initial of the replies that are not empty and whose prompt is one message.

    loglik_initial: mean natural log-likelihood per token under the engine's model. replies: see
    `audit.read.replies_table`. objectives: setting -> objective.
    """
    weighed = replies[replies["one_turn"] & (replies["status"] == "ok")]
    parts = []
    for setting, group in weighed.groupby("setting"):
        prompts, texts = list(group["prompt"]), list(group["response"])
        kind = kind_of(objectives[str(setting)])
        heads, (tails,) = ids_of_rows(engine.tokenizer, prompts, [texts], kind)
        values = engine.log_likelihoods(heads, tails)
        parts.append(group[ROW].assign(loglik_initial=values))
    return pd.concat(parts) if parts else replies.iloc[:0][ROW].assign(loglik_initial=[])
