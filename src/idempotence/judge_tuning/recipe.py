"""The recipe of a tuned judge, read strictly."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from idempotence.strict_yaml import Strict, read_strictly


class Broken(Strict):
    """Texts that the initial model writes at a temperature at which most of them make no sense."""

    chats: int = Field(gt=0)
    documents: int = Field(gt=0)
    temperature: float = Field(gt=0)


class Replies(Strict):
    """Neutral texts that the initial model writes: `chats` replies, `documents` passages.

    broken: further texts, for stages with `collapsed`.
    """

    chats: int = Field(gt=0)
    documents: int = Field(gt=0)
    max_new_tokens: int = Field(gt=0)
    temperature: float = Field(gt=0)
    broken: Broken | None = None


class Counts(Strict):
    """How many texts of each kind are rated, for each trait or for coherence."""

    chat: int = Field(gt=0)
    document: int = Field(gt=0)


class Fit(Strict):
    """LoRA and AdamW; `texts_per_step` share one rubric, which is read once.

    modules: names of the linear layers that are adapted. threads: of the processor, since results
    depend on their number.
    """

    rank: int = Field(gt=0)
    alpha: float = Field(gt=0)
    modules: list[str] = Field(min_length=1)
    warmup_steps: int = Field(ge=1)
    weight_decay: float = Field(ge=0)
    texts_per_step: int = Field(gt=0)
    threads: int = Field(gt=0)


class Stage(Strict):
    """One pass over so many texts, from the adapter that the stage before it left.

    learning_rate: the highest; it rises linearly and falls as a cosine. collapsed: share of the
    sentences without a trait, and of the texts for coherence, that are as collapsed models write.
    rated_passes: how many times each rated reply comes beside those texts.
    """

    learning_rate: float = Field(gt=0)
    trait_texts: Counts
    coherence_texts: Counts
    collapsed: float = Field(0, ge=0, le=1)
    rated_passes: int = Field(0, ge=0)


class JudgeRecipe(Strict):
    """Everything that decides a tuned judge, next to the traits' texts, the model and the code.

    held_out: share of the seed rows and of the model's texts that no training text is made of; the
    judge is tested on texts made of these, and on such a share of the rated replies. rated: folder
    of replies that somebody rated (`rated.read_rated`), beside the recipe.
    """

    seed: int = Field(ge=0)
    traits: list[str] = Field(min_length=1)
    held_out: float = Field(gt=0, lt=1)
    replies: Replies
    rated: str | None = None
    fit: Fit
    stages: list[Stage] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_what_its_stages_need(self) -> Self:
        if self.replies.broken is None and any(stage.collapsed for stage in self.stages):
            raise ValueError("stages with `collapsed` need replies.broken")
        if self.rated is None and any(stage.rated_passes for stage in self.stages):
            raise ValueError("stages with `rated_passes` need `rated`, a folder of rated replies")
        return self


def load_judge_recipe(path: Path) -> JudgeRecipe:
    """Read a recipe; raises `UserError` naming file and key."""
    return read_strictly(path, JudgeRecipe, "judge_recipe")


def rated_files(path: Path) -> list[str]:
    """Files of the rated replies that a recipe names; raises as `load_judge_recipe`."""
    folder = load_judge_recipe(path).rated
    if folder is None:
        return []
    return [str(path.parent / folder / name) for name in ("replies.jsonl", "ratings.csv")]
