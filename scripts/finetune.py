"""Train every cell of a panel for one cycle: seed data or generated data in, adapters out."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: panel, training")
    parser.add_argument("--model", required=True, help="folder or hub name of the initial model")
    parser.add_argument("--seed-data", type=Path, help="seed rows (cycle 0)")
    parser.add_argument("--calibration", type=Path, help="doses of calibrated levels (cycle 0)")
    parser.add_argument("--generated", type=Path, help="the last cycle's samples (later cycles)")
    parser.add_argument("--previous", type=Path, help="the last cycle's adapters (continual)")
    parser.add_argument("--output", type=Path, required=True, help="folder of adapters")
    given = parser.parse_args(argv)
    from idempotence.finetune.panel import finetune_panel

    finetune_panel(
        given.settings,
        given.model,
        given.seed_data,
        given.generated,
        given.previous,
        given.calibration,
        given.output,
    )
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
