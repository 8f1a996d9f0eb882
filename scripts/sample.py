"""Sample a panel's models: answers to the evaluation questions, and the next cycle's data."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: panel, sampling")
    parser.add_argument("--model", required=True, help="folder or hub name of the initial model")
    parser.add_argument("--adapters", type=Path, help="adapters by cell; none: the initial model")
    parser.add_argument(
        "--before", type=Path, help="adapters of the cycle before, if they write rejected replies"
    )
    parser.add_argument("--responses", type=Path, required=True, help="answers, one a line")
    parser.add_argument("--generated", type=Path, help="the next cycle's data; none at the end")
    given = parser.parse_args(argv)
    from idempotence.engine.back_ends import open_engine
    from idempotence.sampling.panel import write_samples

    settings, model = given.settings, given.settings["model"]
    folders = [
        parent / cell["name"]
        for parent in (given.adapters, given.before)
        if parent
        for cell in settings["cells"]
    ]
    engine = open_engine(settings, given.model, model["revision"], model["dtype"], folders)
    outputs = given.responses, given.generated
    write_samples(settings, engine, given.adapters, given.before, *outputs)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
