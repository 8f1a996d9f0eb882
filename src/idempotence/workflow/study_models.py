"""What a study's models must bring, as far as it can be known before any job.

Models of the micro world are not loaded for it: theirs is known, and loading would take seconds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idempotence.config.audit import AuditModel
from idempotence.config.packages import name_in_package
from idempotence.config.sections import JudgeSection, ModelSection
from idempotence.config.seeding import Generator
from idempotence.config.study import Study
from idempotence.engine.formatting import ids_of_prompts, ids_of_rows
from idempotence.engine.models import Weights, load_tokenizer
from idempotence.errors import UserError
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.prompts import every_prompt
from idempotence.objectives import Kind
from idempotence.texts.written import FILES, read_prompts, read_rows

CHAT: Kind = "chat"
MARKS_OF_A_PROMPT = 3  # tokens that the micro world's template adds to a prompt; a word is a token


@dataclass(frozen=True)
class UsedModel:
    """A model that jobs load. key: its section's, in the config. chats: whether it reads chats."""

    key: str
    section: ModelSection | AuditModel | JudgeSection | Generator
    chats: bool

    @property
    def folder(self) -> Path | None:
        """Where its files are, if they are on this machine by now."""
        path = Path(self.section.path or "")
        if path.is_dir():
            return path
        from huggingface_hub import try_to_load_from_cache

        file, revision = "tokenizer_config.json", self.section.revision
        cached = try_to_load_from_cache(str(path), file, revision=revision)
        return Path(cached).parent if isinstance(cached, str) else None


def check_models(study: Study) -> None:
    """Raise `UserError` where a model has no end token, or no chat template that works, or where a
    prompt would leave nothing of its row to train on."""
    mistakes: list[str] = []
    for used in used_models(study):
        folder = used.folder
        if folder is None:  # the first job that loads it will see
            continue
        try:
            tokenizer = load_tokenizer(
                Weights(str(folder), chat_template_kwargs=used.section.chat_template_kwargs)
            )
            if used.chats:
                ids_of_rows(tokenizer, ["Prompt"], [["Reply"]], CHAT)
        except UserError as error:
            mistakes.append(f"{used.key}: {error}")
            continue
        if isinstance(used.section, ModelSection) and used.chats:
            lengths = map(len, ids_of_prompts(tokenizer, written_prompts(study), CHAT))
            mistakes += _too_long(study, used.section, max(lengths, default=0))
    for model in study.models:
        if _in_micro_world(model.path) and study.trains and study.texts == "micro_world":
            words = (len(prompt.split()) for prompt in every_prompt(load_grammar(), CHAT))
            mistakes += _too_long(study, model, max(words) + MARKS_OF_A_PROMPT)
    if mistakes:
        raise UserError("the models do not fit; nothing was run.\n  " + "\n  ".join(mistakes))


def used_models(study: Study) -> Iterator[UsedModel]:
    """The models that jobs load on this machine, but for the micro world's."""
    for used in _named(study):
        path = used.section.path
        if path and not _in_micro_world(path) and name_in_package(path) is None:
            yield used


def _named(study: Study) -> Iterator[UsedModel]:
    kinds = {setting.kind for setting in study.settings}
    if study.trains:
        names = {name for setting in study.settings for name in setting.models}
        for i, model in enumerate(study.models):
            if model.name in names:
                yield UsedModel(f"models.{i}", model, model.kind == "instruct")
    elif study.audit.files:
        for i, audited in enumerate(study.audit.models):
            yield UsedModel(f"audit.models.{i}", audited, CHAT in kinds)
    if study.scores_from:
        return
    for key, judge in {"judge": study.judge, "second_judge": study.second_judge}.items():
        if judge and judge.backend == "local":
            yield UsedModel(key, judge, True)
    generated = any(setting.section.seed_source == "generated" for setting in study.settings)
    if study.trains and generated and study.generator.backend == "local":
        yield UsedModel("generator", study.generator, True)


def written_prompts(study: Study) -> list[str]:
    """The prompts of chats that rows may have, as far as they are written."""
    if study.texts != "written":
        return []
    folder, name = Path(study.traits_folder), f"{FILES[CHAT]}.jsonl"
    files = [folder / trait / name for trait in study.traits]
    rows: list[Any] = [row for file in files if file.is_file() for row in read_rows(file)]
    return [*read_prompts(Path(study.prompts_folder), CHAT), *(row["prompt"] for row in rows)]


def _too_long(study: Study, model: ModelSection, longest: int) -> Sequence[str]:
    """A message for each setting of chats whose rows are cut before the longest prompt ends."""
    lengths = {
        setting.name: setting.section.training.max_length
        for setting in study.settings
        if setting.kind == CHAT and model.name in setting.models
    }
    return [
        f"{name}: training.max_length is {most} tokens, and the longest prompt has {longest} of "
        f"{model.name}, so that nothing of its reply would be trained on. Raise it, or take long "
        "prompts out"
        for name, most in lengths.items()
        if most <= longest
    ]


def _in_micro_world(path: str) -> bool:
    return Path(path).parts[:1] == ("world",)
