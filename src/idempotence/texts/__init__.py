"""The texts of a study, from the micro world's grammar or from written files.

Both give the same things: evaluation questions, seed rows, prompts of each cycle, rubrics.
"""

from pathlib import Path
from typing import Protocol

from idempotence.config.panels import PROMPT_KIND, SETTINGS
from idempotence.config.supply import Supply
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


def supply(raw: dict) -> Supply:
    """What there is for a raw config, right or wrong elsewhere."""
    audit, judge = raw.get("audit"), raw.get("judge")
    if isinstance(audit, dict) and audit.get("files"):
        return _judged(raw, isinstance(judge, dict) and judge.get("backend") == "none")
    if raw.get("texts") != "written":
        return micro.supply()
    return written.supply(_folder(raw, "traits_folder"), _folder(raw, "prompts_folder"))


def _judged(raw: dict, by_nobody: bool) -> Supply:
    """Traits that an audit may name: it makes no texts, and needs rubrics where there is a judge."""
    if raw.get("texts") != "written":
        return Supply(micro.supply().traits)
    return Supply(None if by_nobody else written.names(_folder(raw, "traits_folder")))


def _folder(raw: dict, key: str) -> Path:
    from idempotence.config.models import Study  # here: jobs do without it, and faster

    folder = raw.get(key, Study.model_fields[key].default)
    return Path(folder) if isinstance(folder, str) else Path()


def check_rubrics(study) -> None:
    """Raise `UserError` for a rubric that is missing or broken, of any trait of a study."""
    if study.texts == "written":
        for kind in sorted({PROMPT_KIND[SETTINGS[setting][0]] for setting in study.settings}):
            for trait in study.traits:
                written.rubrics(Path(study.traits_folder), trait, kind)


def data_files(study, trait: str) -> list[Path]:
    """The files that decide a study's texts of a trait."""
    if study.texts != "written":
        return micro.data_files()
    return written.data_files(Path(study.traits_folder), Path(study.prompts_folder), trait)
