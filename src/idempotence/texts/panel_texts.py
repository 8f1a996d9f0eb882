"""The texts of a study, from the micro world's grammar or from written files.

Both give the same things: evaluation questions, seed rows, prompts of each cycle, rubrics.
"""

from pathlib import Path
from typing import Protocol

from idempotence.texts import micro, written
from idempotence.texts.rubric import load_rubrics


class PanelTexts(Protocol):
    """The texts of one panel; no prompt comes twice."""

    def evaluation(self) -> list[str]:
        """The evaluation questions, the same for every seed."""

    def seed_rows(self) -> list[dict]:
        """Rows `{"prompt", "response"}` plainly in the trait."""

    def for_cycle(self, cycle: int) -> list[str]:
        """The prompts of the data that cycle `cycle` (from 1 on) trains on."""


def panel_texts(settings: dict, kind: str) -> PanelTexts:
    """The texts of a panel.

    settings: study_seed, trait, seed, questions, seed_rows, per_cycle; texts (folders) where they
    are written.
    """
    return written.Written(settings, kind) if "texts" in settings else micro.Micro(settings, kind)


def rubrics(settings: dict, kind: str) -> dict[str, str]:
    """Templates "trait" and "coherence" of what a judge is asked of a text."""
    if "texts" in settings:
        return written.rubrics(Path(settings["texts"]["traits"]), settings["trait"], kind)
    return load_rubrics()
