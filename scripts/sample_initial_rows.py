"""Sample the initial model's replies to the prompts of a panel's next cycle."""

from pathlib import Path

from idempotence.jobs.loop import InitialRowsJob


def sample_initial_rows(job: InitialRowsJob, model: str, output: Path) -> None:
    """Sample the initial model's replies to the prompts of a panel's next cycle.

    job: panel, cycle, and how many are sampled in which way.
    model: folder or hub name of the initial model.
    output: replies to write, one per line.
    """
    from idempotence.engine.back_ends import open_engine
    from idempotence.engine.models import Weights
    from idempotence.engine.options import vllm_options
    from idempotence.sampling.panel import write_initial_rows

    about = job.panel.model
    weights = Weights(model, about.revision, about.dtype, about.chat_template_kwargs)
    write_initial_rows(job, open_engine(job.engine, weights, [], vllm_options()), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(sample_initial_rows)
