"""Choose each objective's learning rate from cycle-0 scores, by the config's rule."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="of every trait")
    parser.add_argument("--output", type=Path, required=True, help="table of all rates (CSV)")
    given = parser.parse_args(argv)
    from idempotence.cycle_zero.learning_rates import choose_learning_rates

    table = choose_learning_rates(given.inputs, given.output)
    print(table.to_string(index=False))
    for key, rows in table.groupby(["objective", "model"]):
        if not rows["chosen"].any():
            print(f"no rate passes for {' on '.join(key)}: try others in tuning.learning_rates")
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
