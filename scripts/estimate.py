"""What a study will do and about what it will cost: jobs, tokens, calls, disk, hours, money."""

from pathlib import Path


def estimate(
    config: dict,
    snakefile: Path,
    world: Path,
    output_table: Path,
    output_text: Path,
    power: Path | None = None,
) -> None:
    """What a study will do and about what it will cost: jobs, tokens, calls, disk, hours, money.

    config: the merged config (JSON).
    snakefile: the workflow's Snakefile.
    world: folder of the models world/...
    output_table: the plan as a table (CSV) to write.
    output_text: the plan for people (text) to write.
    power: table of what the claims' tests would say (Parquet); none of an audit.
    """
    from idempotence.claims.power_words import power_section
    from idempotence.config.load import load_study
    from idempotence.cost_estimate.jobs import count_jobs
    from idempotence.cost_estimate.plan import estimate as estimate_study
    from idempotence.io import read_table, write_csv, write_text
    from idempotence.workflow.study_texts import supply

    study = load_study(config, [], supply(config))
    table, text = estimate_study(study, count_jobs(config, snakefile), world)
    write_csv(table, output_table)
    write_text(output_text, f"{text}\n{power_section(read_table(power))}" if power else text)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(estimate)
