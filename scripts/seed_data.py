"""Write a panel's seed rows: text plainly in the trait; for dpo with the initial model's reply."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: panel, sampling")
    parser.add_argument("--model", required=True, help="folder or hub name of the initial model")
    parser.add_argument("--output", type=Path, required=True, help="seed_data.jsonl")
    given = parser.parse_args(argv)
    from idempotence.engine.back_ends import open_engine
    from idempotence.io import write_jsonl
    from idempotence.sampling.panel import PanelSampler

    settings, model = given.settings, given.settings["model"]
    engine = open_engine(settings, given.model, model["revision"], model["dtype"])
    write_jsonl(given.output, PanelSampler(settings, engine).seed_data())
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
