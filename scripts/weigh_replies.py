"""Likelihood of an audit's replies under the initial model."""

from pathlib import Path

from idempotence.jobs.audit import WeighRepliesJob


def weigh_replies(job: WeighRepliesJob, model: str, replies: Path, output: Path) -> None:
    """Write the likelihood of an audit's replies under the initial model.

    job: the model's name in the replies, and the settings.
    model: folder or hub name of the initial model.
    replies: replies of all models (Parquet).
    output: likelihoods (Parquet) to write.
    """
    from idempotence.audit.weigh import likelihoods
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.io import read_table, write_parquet

    table = read_table(replies, filters=[("model", "==", job.model.name)])
    about = job.model
    weights = Weights(model, about.revision, about.dtype, about.chat_template_kwargs)
    engine = TransformersEngine(weights)
    write_parquet(likelihoods(engine, table, job.objectives), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(weigh_replies)
