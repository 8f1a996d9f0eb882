"""Page to read replies: setting, trait, cell and cycle to choose from."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def show_replies(scores: Path, loops: Loops, output: Path, replies: int = 2) -> None:
    """Write a page to read replies: setting, trait, cell and cycle to choose from.

    scores: the study's scores.parquet.
    loops: the study's settings.
    output: HTML page to write.
    replies: how many are shown for each cell and cycle.
    """
    from idempotence.report.pages import script, write_page
    from idempotence.report.replies import NEEDED, replies_page
    from idempotence.scores.files import read_scores

    page = replies_page(read_scores(scores, NEEDED), replies, loops)
    write_page(output, "replies.html.j2", script=script("choose.js"), **page)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(show_replies)
