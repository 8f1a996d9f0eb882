"""The recipe of the micro world's models, read strictly."""

from pathlib import Path

from pydantic import Field

from idempotence.strict_yaml import Strict, read_strictly


class Shape(Strict):
    """Shape of the transformer that all three models share."""

    hidden_size: int = Field(gt=0)
    intermediate_size: int = Field(gt=0)
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)


class Pass(Strict):
    """One pass of training over `texts` texts."""

    texts: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=1)
    tokens_per_batch: int = Field(ge=256)
    weight_decay: float = Field(ge=0)


class BasePass(Pass):
    """Pretraining; `trait_share` of the texts hold a trait."""

    trait_share: float = Field(ge=0, le=1)


class JudgePass(Pass):
    """Training of the judge; `model_texts` of the texts are written by a model.

    The judge has `layers` layers, the first of them the base model's.
    """

    model_texts: int = Field(ge=0)
    layers: int = Field(ge=4)


class Quality(Strict):
    """How much is looked at when the built models are checked."""

    prompts: int = Field(gt=0)
    samples: int = Field(gt=0)
    judged: int = Field(gt=0)
    collapsed: int = Field(gt=0)


class Recipe(Strict):
    """Everything that decides the bytes of the built models, next to the grammar and the code."""

    seed: int = Field(ge=0)
    shape: Shape
    base: BasePass
    instruct: Pass
    judge: JudgePass
    quality: Quality


def load_recipe(path: Path) -> Recipe:
    """Read a recipe; raises UserError naming file and key."""
    return read_strictly(path, Recipe, "world_recipe")
