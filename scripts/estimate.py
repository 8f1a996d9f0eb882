"""What a study will do and about what it will cost: jobs, tokens, calls, disk, hours, money."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="the merged config, JSON")
    parser.add_argument("--snakefile", type=Path, required=True, help="the workflow's Snakefile")
    parser.add_argument("--world", type=Path, required=True, help="folder of world/... models")
    parser.add_argument("--output-table", type=Path, required=True, help="plan.csv")
    parser.add_argument("--output-text", type=Path, required=True, help="plan.txt")
    given = parser.parse_args(argv)
    from idempotence.config.load import load_study
    from idempotence.cost_estimate.jobs import count_jobs
    from idempotence.cost_estimate.plan import estimate
    from idempotence.io import write_csv, write_text
    from idempotence.workflow.study_texts import supply

    study = load_study(given.config, [], supply(given.config))
    table, text = estimate(study, count_jobs(given.config, given.snakefile), given.world)
    write_csv(table, given.output_table)
    write_text(given.output_text, text)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
