"""Draw replies to be rated blind, without a trace of where they are from."""

from collections.abc import Sequence
from pathlib import Path


def draw_gold(scores: Sequence[Path], count: int, seed: int, output: Path) -> None:
    """Draw replies to be rated blind, without a trace of where they are from.

    scores: the study's scores.parquet, and initial.parquet for replies of the initial model.
    count: how many replies.
    seed: of the draw.
    output: folder to write: replies.jsonl (to rate), key.csv (where each is from).
    """
    from idempotence.io import write_csv, write_jsonl
    from idempotence.judge_tuning import gold
    from idempotence.scores.files import read_all_scores

    needed = [*gold.WHERE, "objective", "status", "prompt", "response"]
    replies, key = gold.draw_gold(read_all_scores(scores, needed), count, seed)
    output.mkdir(parents=True, exist_ok=True)
    write_jsonl(output / "replies.jsonl", replies.to_dict("records"))
    write_csv(key, output / "key.csv")


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(draw_gold)
