"""The instrument's quality: the initial models and the judge, beside their bars."""

from pathlib import Path


def tabulate_world(quality: Path, initial: Path, output_models: Path, output_judge: Path) -> None:
    """Tabulate the quality of the initial models and of the judge.

    quality: quality.json of the micro world.
    initial: the study's scores of the initial models (Parquet).
    output_models: table to write, the initial models (CSV; Parquet beside it).
    output_judge: table to write, the judge (CSV; Parquet beside it).
    """
    from idempotence.io import read_json, read_table, write_table
    from idempotence.stats.world_tables import judge_table, models_table

    measured = read_json(quality)
    write_table(models_table(measured, read_table(initial)), output_models)
    write_table(judge_table(measured), output_judge)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(tabulate_world)
