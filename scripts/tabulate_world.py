"""Tabulate the instrument's quality: the initial models and the judge, beside the bars."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quality", type=Path, required=True, help="quality.json of the world")
    parser.add_argument("--initial", type=Path, required=True, help="initial.parquet of the study")
    parser.add_argument("--output-models", type=Path, required=True, help="table of the models")
    parser.add_argument("--output-judge", type=Path, required=True, help="table of the judge")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.io import read_json, write_csv
    from idempotence.stats.world_tables import judge_table, models_table

    quality = read_json(given.quality)
    write_csv(models_table(quality, pd.read_parquet(given.initial)), given.output_models)
    write_csv(judge_table(quality), given.output_judge)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
