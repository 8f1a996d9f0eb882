"""Sample a panel's models: answers to the evaluation questions, and the next cycle's data."""

from pathlib import Path

from idempotence.jobs.loop import SampleJob


def sample(
    job: SampleJob,
    model: str,
    responses: Path,
    generated: Path | None = None,
    adapters: Path | None = None,
    before: Path | None = None,
) -> None:
    """Sample a panel's models: answers to the evaluation questions, and the next cycle's data.

    job: panel, cycle, and how answers and data are sampled.
    model: folder or hub name of the initial model.
    responses: answers to write, one per line.
    generated: the next cycle's data to write, one row per line; none where no cycle follows.
    adapters: folder of adapters, one folder per cell; without it the initial model answers.
    before: adapters of the cycle before, where those write the rejected replies.
    """
    from idempotence.engine.back_ends import open_engine
    from idempotence.engine.models import Weights
    from idempotence.engine.options import vllm_options
    from idempotence.sampling.panel import adapter_folders, write_samples

    about = job.panel.model
    weights = Weights(model, about.revision, about.dtype, about.chat_template_kwargs)
    folders = adapter_folders(job.panel.cells, adapters, before)
    engine = open_engine(job.engine, weights, folders, vllm_options())
    write_samples(job, engine, adapters, before, responses, generated)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(sample)
