"""What the workflow has to know about a study's texts before any job."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idempotence.config.study import Study
from idempotence.micro_world.grammar import GRAMMAR_FOLDER, load_grammar, shipped_words, trait_names
from idempotence.micro_world.prompts import available
from idempotence.texts.generation import combination_count
from idempotence.texts.rubric import RUBRICS, rubric_file, written_rubrics
from idempotence.texts.supply import Supply
from idempotence.texts.written import FILES, QUESTIONS, read_prompts, read_rows, read_trait


def supply(raw: dict[str, Any]) -> Supply:
    """What there is for a raw config, right or wrong elsewhere."""
    audit, judge = raw.get("audit"), raw.get("judge")
    if isinstance(audit, dict) and audit.get("files"):
        return _for_audit(raw, isinstance(judge, dict) and judge.get("backend") == "none")
    if raw.get("texts") != "written":
        return Supply(trait_names(), available(), unknown_words=_unknown_words(raw))
    named = raw.get("traits")
    used = [each for each in named if isinstance(each, str)] if isinstance(named, list) else None
    return written_supply(_folder(raw, "traits_folder"), _folder(raw, "prompts_folder"), used)


def _unknown_words(raw: dict[str, Any]) -> dict[str, list[str]]:
    """See `Supply`; none where the models are built from the grammar as it is."""
    if raw.get("world") == "build":
        return {}
    known, grammar = shipped_words(), load_grammar()
    own = {trait.name: {trait.name, *trait.vocabulary()} for trait in grammar.traits.values()}
    own[""] = set(grammar.vocabulary()).difference(*own.values())
    unknown = {name: sorted(words - known) for name, words in own.items()}
    return {name: words for name, words in unknown.items() if words}


def written_supply(traits: Path, prompts: Path, used: Sequence[str] | None = None) -> Supply:
    """What folders of written texts hold.

    used: the traits that are read; None: all. Files that are absent count as empty, broken ones
    raise `UserError`.
    """
    there_are = trait_folders(traits)
    names = [name for name in there_are if used is None or name in used]
    return Supply(
        there_are,
        {kind: len(read_prompts(prompts, kind)) if (prompts / f"{file}.txt").is_file() else 0
         for kind, file in FILES.items()},
        {kind: {name: len(read_trait(traits, name)[key]) for name in names}
         for kind, key in QUESTIONS.items()},
        {kind: {name: _rows_in(traits / name / f"{file}.jsonl") for name in names}
         for kind, file in FILES.items()},
        {kind: combination_count(kind) for kind in FILES},
    )  # fmt: skip


def trait_folders(folder: Path) -> list[str]:
    """The names of the traits in a folder."""
    return sorted(path.parent.name for path in folder.glob("*/trait.yaml"))


def check_rubrics(study: Study) -> None:
    """Raise `UserError` for a rubric that is missing or broken, of any trait of a study."""
    if study.texts == "written":
        for kind in sorted({setting.kind for setting in study.settings}):
            for trait in study.traits:
                written_rubrics(Path(study.traits_folder), trait, kind)


def data_files(study: Study, trait: str) -> list[Path]:
    """The files that decide a study's texts of a trait."""
    if study.texts != "written":
        return [*sorted(GRAMMAR_FOLDER.rglob("*.yaml")), RUBRICS]
    traits, prompts = Path(study.traits_folder), Path(study.prompts_folder)
    files = [rubric_file(traits), *traits.glob(f"{trait}/*"), *prompts.glob("*.txt")]
    return sorted(path for path in files if path.is_file())


def _for_audit(raw: dict[str, Any], unjudged: bool) -> Supply:
    """Traits that an audit may name. It writes no texts; a judge needs their rubrics."""
    if raw.get("texts") != "written":
        return Supply(trait_names(), unknown_words=_unknown_words(raw))
    return Supply(None if unjudged else trait_folders(_folder(raw, "traits_folder")))


def _folder(raw: dict[str, Any], key: str) -> Path:
    folder = raw.get(key, Study.model_fields[key].default)
    return Path(folder) if isinstance(folder, str) else Path()


def _rows_in(path: Path) -> int:
    return len(read_rows(path)) if path.is_file() else 0
