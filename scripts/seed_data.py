"""A panel's seed rows; for DPO each with the initial model's own reply as the rejected one."""

from pathlib import Path

from idempotence.jobs.preparation import SeedDataJob


def seed_data(job: SeedDataJob, model: str, output: Path) -> None:
    """Write a panel's seed rows; for DPO each with the initial model's reply as the rejected one.

    job: panel, prompts, and how rejected replies are sampled.
    model: folder or hub name of the initial model.
    output: seed rows to write, one per line.
    """
    from idempotence.engine.back_ends import open_engine
    from idempotence.engine.models import Weights
    from idempotence.engine.options import vllm_options
    from idempotence.io import write_jsonl
    from idempotence.sampling.panel import PanelSampler

    about = job.panel.model
    weights = Weights(model, about.revision, about.dtype, about.chat_template_kwargs)
    engine = open_engine(job.engine, weights, options=vllm_options())
    sampler = PanelSampler(job.panel, job.prompts, 0, engine)
    write_jsonl(output, sampler.seed_data(job.generation))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(seed_data)
