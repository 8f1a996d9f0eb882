"""Telling a logger that shows progress what the study is."""

from collections.abc import Iterable
from typing import Any

from idempotence.config.study import Study
from idempotence.workflow.paths import StudyPaths


def announce(handlers: Iterable[Any], study: Study, paths: StudyPaths) -> None:
    """Hand the study's size and files to those of Snakemake's log handlers that take them.

    They get a mapping: name; results (folder); chains, panels (their numbers); scores (the files
    of every panel and cycle); least_coherence (0-100; a chain below it has collapsed). A study
    without a loop has no chains, panels and scores.
    """
    panels = study.panels() if study.trains else []
    facts = {
        "name": study.study,
        "results": paths.results,
        "chains": sum(len(panel.cells) for panel in panels),
        "panels": len(panels),
        "scores": paths.of_cycles("scores.parquet") if study.trains else [],
        "least_coherence": study.analysis.peak_coherence,
    }
    for handler in handlers:
        if hasattr(handler, "take_study"):
            handler.take_study(facts)
