"""Likelihood of an audit's replies under the initial model."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=Path, required=True, help="what read_replies.py wrote")
    parser.add_argument("--name", required=True, help="the model's name in the replies")
    parser.add_argument("--model", required=True, help="folder or hub name of the initial model")
    parser.add_argument("--revision", help="commit of a hub model")
    parser.add_argument("--dtype", default="float32", help="weights in memory")
    parser.add_argument("--output", type=Path, required=True, help="Parquet to write")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.audit.score import likelihoods
    from idempotence.engine.hf import TransformersEngine
    from idempotence.io import write_parquet

    replies = pd.read_parquet(given.replies, filters=[("model", "==", given.name)])
    engine = TransformersEngine(given.model, given.revision, given.dtype)
    write_parquet(likelihoods(engine, replies), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
