"""Read the replies of a loop that ran elsewhere; account for every row."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: files, columns")
    parser.add_argument("--from-cycle", type=int, required=True, help="the rule's first cycle")
    parser.add_argument("--output-replies", type=Path, required=True, help="Parquet to write")
    parser.add_argument("--output-rows", type=Path, required=True, help="CSV: counts of each file")
    parser.add_argument("--output-bad", type=Path, required=True, help="CSV: the bad rows")
    parser.add_argument("--output-chains", type=Path, required=True, help="CSV: the chains")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.audit.read import BAD, COUNTS, ReplyReader, chains_table, replies_table
    from idempotence.io import write_csv, write_parquet

    account = ReplyReader(given.settings).read()
    replies = replies_table(account.replies)
    write_parquet(replies, given.output_replies)
    write_csv(pd.DataFrame(account.counts, columns=COUNTS), given.output_rows)
    write_csv(pd.DataFrame(account.bad, columns=BAD), given.output_bad)
    write_csv(chains_table(replies, given.from_cycle), given.output_chains)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
