"""Likelihood of an audit's replies under the initial model."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def weigh_replies(
    replies: Path,
    name: str,
    model: str,
    loops: Loops,
    output: Path,
    revision: str | None = None,
    dtype: str = "float32",
) -> None:
    """Write the likelihood of an audit's replies under the initial model.

    replies: replies of all models (Parquet).
    name: the model's name in the replies.
    model: folder or hub name of the initial model.
    loops: the settings of the study.
    output: likelihoods (Parquet) to write.
    revision: commit of a hub model.
    dtype: weights in memory, float32 or bfloat16.
    """
    import pandas as pd

    from idempotence.audit.weigh import likelihoods
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.io import write_parquet

    table = pd.read_parquet(replies, filters=[("model", "==", name)])
    engine = TransformersEngine(Weights(model, revision, dtype))
    objectives = {loop.name: loop.objective for loop in loops.loops}
    write_parquet(likelihoods(engine, table, objectives), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(weigh_replies)
