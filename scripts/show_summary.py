"""The report's front page: the verdicts on the claims, figures, what was run, limits."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.jobs.parts import Loops


def show_summary(
    study: str,
    chains: Path,
    training: Path,
    scores: Path,
    loops: Loops,
    confidence: float,
    output: Path,
    output_page: Path,
    figures: Sequence[Path] = (),
    claims: Path | None = None,
    power: Path | None = None,
    audit: Sequence[Path] = (),
    real_model: Sequence[Path] = (),
    gold: Sequence[Path] = (),
) -> None:
    """Write the report's front page: verdicts on the claims, figures, what was run, limits.

    study: the study's name.
    chains: table of the chains (Parquet).
    training: the training log (Parquet).
    scores: the study's scores.parquet.
    loops: the study's settings.
    confidence: of the intervals in the claims' tests, as 0.95.
    output: reStructuredText to write, for Snakemake's report.
    output_page: the same as a page of its own (HTML).
    figures: PNG files in their order, each with its caption in a .txt file beside it.
    claims: claims.json, where there are scores.
    power: table of what the tests would say (Parquet); none of an audit.
    audit: of an audit, the tables of rows, bad rows and chains that were read (Parquet).
    real_model: claims.json and corrected_claims.csv of a study of a real model, to stand beside.
    gold: where replies were rated blind, tables of agreement, of corrected changes and of corrected
        claims (Parquet).
    """
    from idempotence.io import write_text
    from idempotence.report.pages import render, write_page
    from idempotence.report.summary import StudyFiles, as_rst, summary

    files = StudyFiles(
        chains,
        training,
        scores,
        tuple(figures),
        claims,
        tuple(audit),
        power,
        tuple(real_model),
        tuple(gold),
    )
    page = summary(study, files, loops, confidence)
    write_text(output, as_rst(render("summary.html.j2", **page)))
    write_page(output_page, "index.html.j2", **page)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(show_summary)
