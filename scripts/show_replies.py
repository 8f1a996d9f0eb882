"""Page to read replies: setting, trait, dose, seed, question and two cycles to choose from."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def show_replies(scores: Path, loops: Loops, output: Path) -> None:
    """Write a page to read replies: setting, trait, dose, seed, question, cycles to choose from.

    scores: the study's scores.parquet.
    loops: the study's settings.
    output: HTML page to write.
    """
    from idempotence.io import write_text
    from idempotence.report.replies import NEEDED, replies_html
    from idempotence.scores.files import read_scores

    write_text(output, replies_html(read_scores(scores, NEEDED), loops))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(show_replies)
