"""What the workflow asks about a study's texts before any job.

It stands apart because it knows the config's models: were jobs to import it, an edit of the config
would make every one of them run again.
"""

from pathlib import Path
from typing import Any

from idempotence.config.study import Study
from idempotence.texts import micro, written
from idempotence.texts.supply import Supply


def supply(raw: dict[str, Any]) -> Supply:
    """What there is for a raw config, right or wrong elsewhere."""
    audit, judge = raw.get("audit"), raw.get("judge")
    if isinstance(audit, dict) and audit.get("files"):
        return _judged(raw, isinstance(judge, dict) and judge.get("backend") == "none")
    if raw.get("texts") != "written":
        return micro.supply()
    return written.supply(_folder(raw, "traits_folder"), _folder(raw, "prompts_folder"))


def _judged(raw: dict[str, Any], by_nobody: bool) -> Supply:
    """Traits that an audit may name: it makes no texts, and needs rubrics where there is a judge."""
    if raw.get("texts") != "written":
        return Supply(micro.supply().traits)
    return Supply(None if by_nobody else written.names(_folder(raw, "traits_folder")))


def _folder(raw: dict[str, Any], key: str) -> Path:
    folder = raw.get(key, Study.model_fields[key].default)
    return Path(folder) if isinstance(folder, str) else Path()


def check_rubrics(study: Study) -> None:
    """Raise `UserError` for a rubric that is missing or broken, of any trait of a study."""
    if study.texts == "written":
        for kind in sorted({setting.kind for setting in study.settings}):
            for trait in study.traits:
                written.rubrics(Path(study.traits_folder), trait, kind)


def data_files(study: Study, trait: str) -> list[Path]:
    """The files that decide a study's texts of a trait."""
    if study.texts != "written":
        return micro.data_files()
    return written.data_files(Path(study.traits_folder), Path(study.prompts_folder), trait)
