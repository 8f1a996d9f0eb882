"""Write down which run this was: the whole config, versions, commit, machine."""

from pathlib import Path


def write_run(
    config: dict,
    claims: Path,
    training: Path,
    output_config: Path,
    output_run: Path,
    output_table: Path,
    files: Path | None = None,
) -> None:
    """Write down which run this was: the whole config, versions, commit, machine.

    config: the merged config.
    claims: the tests of the claims, data/claims.yaml.
    training: the study's training log (Parquet).
    output_config: config.yaml to write.
    output_run: run.json to write.
    output_table: the same as a table to write (CSV; Parquet beside it).
    files: table of an audit's files with their hashes (Parquet).
    """
    import yaml

    from idempotence.io import write_json, write_table, write_text
    from idempotence.report.provenance import (
        as_table,
        describe_files,
        describe_run,
        describe_training,
    )

    write_text(output_config, yaml.safe_dump(config, sort_keys=False))
    run = describe_run(claims) | describe_training(training)
    write_json(output_run, run | (describe_files(files) if files else {}))
    write_table(as_table(run), output_table)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_run)
