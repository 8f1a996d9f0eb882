"""What a study will do and about what it will cost: jobs, tokens, calls, disk, hours, money."""

from pathlib import Path


def estimate(
    config: dict, snakefile: Path, world: Path, output_table: Path, output_text: Path
) -> None:
    """What a study will do and about what it will cost: jobs, tokens, calls, disk, hours, money.

    config: the merged config (JSON).
    snakefile: the workflow's Snakefile.
    world: folder of the models world/...
    output_table: the plan as a table (CSV) to write.
    output_text: the plan for people (text) to write.
    """
    from idempotence.config.load import load_study
    from idempotence.cost_estimate.jobs import count_jobs
    from idempotence.cost_estimate.plan import estimate as estimate_study
    from idempotence.io import write_csv, write_text
    from idempotence.workflow.study_texts import supply

    study = load_study(config, [], supply(config))
    table, text = estimate_study(study, count_jobs(config, snakefile), world)
    write_csv(table, output_table)
    write_text(output_text, text)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(estimate)
