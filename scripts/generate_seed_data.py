"""Have a larger model write a trait's seed rows; filter and count them."""

from pathlib import Path

from idempotence.jobs.preparation import GenerateSeedDataJob


def generate_seed_data(
    job: GenerateSeedDataJob, model: str, output_rows: Path, output_counts: Path
) -> None:
    """Have a larger model write a trait's seed rows; filter and count them.

    job: trait, number of rows, bounds of their length, and the writer.
    model: folder or hub name of the writer, or its name at its endpoint.
    output_rows: seed rows to write, one per line.
    output_counts: how many texts were kept, and why others were not (JSON).
    """
    from idempotence.seed_rows.generate import generate_seed_data as generate
    from idempotence.seed_rows.writers import open_writer

    generate(job, open_writer(job.writer, model), output_rows, output_counts)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(generate_seed_data)
