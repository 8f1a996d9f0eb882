"""What the generator of seed rows will do: texts and tokens, for each trait and kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from idempotence.config.grid import StudyPanel
from idempotence.cost_estimate.lengths import Lengths, MeasuredTexts
from idempotence.cost_estimate.steps import LONGEST, TRANSFORMERS_ROWS, Decoding, Ways
from idempotence.jobs.preparation import GenerateSeedDataJob
from idempotence.objectives import Kind
from idempotence.texts.generation import read_generation
from idempotence.texts.written import read_trait
from idempotence.workflow.study_jobs import StudyJobs

RULE = "generate_seed_data"
GENERATOR = "generator"  # section of the config, and the model's name in the plan


def generated_for(jobs: StudyJobs) -> dict[tuple[Kind, str], StudyPanel]:
    """(kind, trait) of seed rows that a larger model writes -> a panel that trains on them."""
    return {
        (panel.setting.kind, panel.trait): panel
        for panel in jobs.study.panels()
        if jobs.generated_rows(panel.setting, panel.trait)
    }


def writing_jobs(jobs: StudyJobs, lengths: MeasuredTexts, ways: Ways) -> Iterator[dict[str, Any]]:
    """A row per job, see `work.LoopWork.rows`. Each text is requested once: dropped ones cost more.

    Texts are taken to be as long as the written rows, in tokens of a model that trains on them.
    """
    for (kind, trait), panel in generated_for(jobs).items():
        job, reading = jobs.generate_seed_data(kind, trait), jobs.seed_data(panel)
        texts, tokens_in, tokens_out = _row(job, lengths(reading.panel, reading.prompts))
        mean, engine = tokens_out / texts, ways.sampling or job.writer.engine
        longest = min(LONGEST * mean, job.writer.max_new_tokens)
        steps = Decoding(engine, TRANSFORMERS_ROWS, 1).steps([job.rows], mean, longest)
        yield {
            "rule": RULE, "setting": "", "model": GENERATOR, "jobs": 1,
            "written": job.rows * texts, "written_tokens_in": job.rows * tokens_in,
            "written_tokens_out": job.rows * tokens_out,
            **{name: texts * n for name, n in steps.items()},
        }  # fmt: skip


def _row(job: GenerateSeedDataJob, lengths: Lengths) -> tuple[int, float, float]:
    """(texts, tokens that the generator reads, tokens that it writes) of one row."""
    requests, count = read_generation(job.kind), lengths.count
    prompt, reply = lengths.seed_row
    trait = read_trait(Path(job.texts.traits), job.trait)
    examples = job.examples * (prompt + reply)
    tokens_in = count(requests["text"]) + count(trait["description"]) + examples
    tokens_out = min(reply, job.writer.max_new_tokens)
    if job.kind == "document":
        return 1, tokens_in, tokens_out
    return 2, tokens_in + count(requests["message"]) + prompt, tokens_out + prompt
