"""Have a larger model write a trait's seed rows; filter and count them."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import endpoint_arguments


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: trait, generator")
    parser.add_argument(
        "--model", required=True, help="folder or hub name of the generator, or its name at --api"
    )
    endpoint_arguments(parser, "generator")
    parser.add_argument("--output-rows", type=Path, required=True, help="seed rows, one a line")
    parser.add_argument("--output-counts", type=Path, required=True, help="what was kept and why")
    given = parser.parse_args(argv)
    from idempotence.seed_rows.generate import generate_seed_data
    from idempotence.seed_rows.writers import open_writer

    writer = open_writer(given.settings, given.model, given.api, given.cache)
    generate_seed_data(given.settings, writer, given.output_rows, given.output_counts)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
