"""Apply the tests of the paper's claims to a study's tables."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=Path, required=True, help="the tests (YAML)")
    parser.add_argument("--chains", type=Path, required=True, help="chains.csv")
    parser.add_argument(
        "--tables", type=Path, nargs="+", required=True, help="the tables they name"
    )
    parser.add_argument("--arms", type=json.loads, help="JSON: setting -> its extra arms, in words")
    parser.add_argument("--output-json", type=Path, required=True, help="claims with all parts")
    parser.add_argument("--output-csv", type=Path, required=True, help="the same, a part a row")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.claims.verdicts import as_table, judge_claims, load_claims
    from idempotence.io import write_csv, write_json

    tables = {path.stem: pd.read_csv(path, keep_default_na=True) for path in given.tables}
    chains = pd.read_csv(given.chains)
    told = judge_claims(load_claims(given.claims), tables, chains, given.arms)
    write_json(given.output_json, told)
    write_csv(as_table(told), given.output_csv)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
