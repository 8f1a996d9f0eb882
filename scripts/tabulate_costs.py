"""What the loop's jobs cost: seconds, memory, tokens and replies by stage and setting."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.jobs.parts import Loops


def tabulate_costs(
    scores: Path,
    training: Path,
    benchmarks: Path,
    endpoints: dict,
    loops: Loops,
    output: Path,
    copied: Sequence[str] = (),
) -> None:
    """Tabulate what the loop's jobs cost: seconds, memory, tokens and replies.

    scores: the study's scores.parquet.
    training: the training log (Parquet).
    benchmarks: folder of the jobs' usage files, <stage>/<panel and cycle>.tsv.
    endpoints: role -> cache, price_in and price_out of the endpoint that it has.
    loops: the study's settings.
    output: table to write (CSV; Parquet beside it).
    copied: settings whose cycle 0 is copied from another setting.
    """
    from idempotence.io import write_table
    from idempotence.report.costs import costs

    write_table(costs(scores, training, benchmarks, endpoints, loops, copied), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(tabulate_costs)
