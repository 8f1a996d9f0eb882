"""Write down which run this was: the whole config, versions, commit, machine."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=json.loads, required=True, help="the merged config, JSON")
    parser.add_argument("--claims", type=Path, required=True, help="the tests of the claims")
    parser.add_argument("--files", type=Path, help="CSV: an audit's files and their hashes")
    parser.add_argument("--output-config", type=Path, required=True, help="config.yaml")
    parser.add_argument("--output-run", type=Path, required=True, help="run.json")
    parser.add_argument("--output-table", type=Path, required=True, help="environment.csv")
    given = parser.parse_args(argv)
    import yaml

    from idempotence.io import write_csv, write_json, write_text
    from idempotence.report.provenance import as_table, describe_files, describe_run

    write_text(given.output_config, yaml.safe_dump(given.config, sort_keys=False))
    run = describe_run(given.claims)
    write_json(given.output_run, run | (describe_files(given.files) if given.files else {}))
    write_csv(as_table(run), given.output_table)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
