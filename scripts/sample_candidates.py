"""Sample further candidates to the prompts of a panel's next cycle."""

from pathlib import Path

from idempotence.jobs.loop import CandidatesJob


def sample_candidates(
    job: CandidatesJob, model: str, output: Path, adapters: Path | None = None
) -> None:
    """Sample further candidates to the prompts of a panel's next cycle.

    job: panel, cycle, and how many are sampled in which way.
    model: folder or hub name of the initial model.
    output: samples to write, one per line.
    adapters: folder of adapters, one folder per cell.
    """
    from idempotence.engine.back_ends import open_engine
    from idempotence.engine.models import Weights
    from idempotence.engine.options import vllm_options
    from idempotence.sampling.panel import adapter_folders, write_candidates

    about = job.panel.model
    weights = Weights(model, about.revision, about.dtype, about.chat_template_kwargs)
    folders = adapter_folders(job.panel.cells, adapters)
    engine = open_engine(job.engine, weights, folders, vllm_options())
    write_candidates(job, engine, adapters, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(sample_candidates)
