"""Recipes: a setting is an objective, a start, and what it changes of the objective's section."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, Field, create_model

from idempotence.config.layers import Content, merged
from idempotence.config.sections import (
    FirstObjective,
    GenerationSection,
    LoraSection,
    TrainingSection,
)
from idempotence.config.seeding import OwnCalibration, Prompts
from idempotence.config.values import (
    BelowOne,
    Count,
    Counts,
    Criteria,
    Level,
    Levels,
    Names,
    Section,
    Several,
    SomeCounts,
    SomeStrengths,
)
from idempotence.doses import exact
from idempotence.objectives import OBJECTIVES, ObjectiveName

# keys of a recipe that lie over the objective's section
OF_SECTION = (
    "seed_rows", "seed_source", "prompts", "calibration", "cycle_0", "cells", "training",
    "generation",
)  # fmt: skip
# keys that make a setting another loop than its objective's plain one
OF_LOOP = ("restart_at", "rejected_from", "seed_share", "initial_share", "accumulate",
           "min_coherence", "selection", "seed_rows", "seed_source", "prompts", "calibration",
           "cycle_0", "training", "generation")  # fmt: skip
# but for these, which decide the last bits of a result alone
SAME_LOOP = ("training.way", "training.tokens_at_once")


def _changes(name: str, section: type[BaseModel], doc: str, **nested: Any) -> Any:
    """A section whose keys are those of `section`, each of which may be left out."""
    fields: dict[str, Any] = {
        key: (
            nested.get(key, field.rebuild_annotation()) | None,
            Field(None, description=field.description),
        )
        for key, field in section.model_fields.items()
    }
    return create_model(name, __base__=Section, __module__=__name__, __doc__=doc, **fields)


if TYPE_CHECKING:
    TrainingChanges: TypeAlias = Section
    GenerationChanges: TypeAlias = Section
else:
    TrainingChanges = _changes(
        "TrainingChanges",
        TrainingSection,
        "What a setting changes of finetuning.",
        lora=_changes("LoraChanges", LoraSection, "What a setting changes of the adapter."),
    )
    GenerationChanges = _changes(
        "GenerationChanges", GenerationSection, "What a setting changes of sampling."
    )


class CellChanges(Section):
    """Doses of a setting, instead of its objective's; those of another objective are refused."""

    levels: Levels | None = Field(None, description="sft, sdf: instead of the objective's.")
    n_seed: Counts | Count | None = Field(
        None, description="sft, sdf: a list, instead of levels; dpo: a number."
    )
    n_sampled: SomeCounts | None = Field(None, description="sft, sdf: instead of the objective's.")
    beta: SomeStrengths | None = Field(None, description="dpo: instead of the objective's.")
    pairs: SomeCounts | None = Field(None, description="dpo: instead of the objective's.")


class Selection(Section):
    """How an objective that chooses (best_of_n) finds the sample of a prompt to train on."""

    candidates: Several = Field(4, description="Samples of each prompt; one is trained on.")
    by: Criteria = Field(
        ["trait"], description="Scores of the judge: the sample with the highest mean is chosen."
    )


class Recipe(Section):
    """A setting: how its loop runs. Every key but objective and start may be left out.

    Two settings that differ in nothing but the start are twins: they are compared chain by chain.
    """

    objective: ObjectiveName = Field(
        description="What is trained: "
        + "; ".join(f"{each.name}: {each.meaning}" for each in OBJECTIVES.values())
        + "."
    )
    start: Literal["initial", "previous"] = Field(
        description="The weights that each cycle's training begins from: "
        "the initial model's or the previous cycle's."
    )
    models: Names = Field([], description="Only these of `models`, by name; []: all of its kind.")
    traits: Names = Field([], description="Only these of `traits`; []: all.")
    seeds: Count | None = Field(None, description="Replications, instead of `seeds`.")
    cycles: Count | None = Field(None, description="The last cycle, instead of `cycles`.")
    restart_at: Counts = Field(
        [], description="With start previous: these cycles start from the initial model again."
    )
    rejected_from: Literal["initial", "two_back"] = Field(
        "initial",
        description="dpo: the model that writes the rejected replies: M_initial or M_{j-2}; "
        "M_{j-1} writes the chosen ones.",
    )
    seed_share: BelowOne = Field(
        0, description="Share of a later cycle's rows that are seed rows, in place of own samples."
    )
    initial_share: BelowOne = Field(
        0,
        description="Share of a later cycle's own samples that the initial model writes instead, "
        "to the same prompts.",
    )
    accumulate: bool = Field(
        False,
        description="Each later cycle trains on the seed rows of cycle 0 and on all own samples "
        "until then, not on the last samples alone.",
    )
    min_coherence: Level | None = Field(
        None,
        description="Own samples with a coherence below this are not trained on; null: all are.",
    )
    selection: Selection | None = Field(
        None, description="best_of_n: which of several samples is trained on; null: the defaults."
    )
    seed_rows: Count | None = Field(None, description="Seed rows, instead of the objective's.")
    seed_source: Literal["written", "generated"] | None = Field(
        None, description="The source of seed rows, instead of the objective's."
    )
    prompts: Prompts | None = Field(None, description="Instead of the objective's.")
    calibration: OwnCalibration | None = Field(
        None, description="The search for doses, where it differs from the objective's."
    )
    cycle_0: FirstObjective | None = Field(
        None, description="dpo: how the first model is trained, instead of the objective's."
    )
    cells: CellChanges | None = Field(None, description="The doses, where they differ.")
    training: TrainingChanges | None = Field(None, description="Finetuning, where it differs.")
    generation: GenerationChanges | None = Field(None, description="Sampling, where it differs.")


def laid_over(section: Content, recipe: Content) -> Content:
    """An objective's section with a recipe's own keys on it; what is null there is not changed.

    levels and n_seed are alternatives: a recipe that gives one drops the other.
    """
    own = _given({key: recipe.get(key) for key in OF_SECTION})
    whole: Content = merged(section, own)
    if not OBJECTIVES[recipe["objective"]].pairs:  # where n_seed is no alternative
        cells = own.get("cells", {})
        for given, dropped in (("n_seed", "levels"), ("levels", "n_seed")):
            if cells.get(given) and not cells.get(dropped):
                whole["cells"].pop(dropped, None)
    return whole


def _given(section: Content) -> Content:
    """A section without its keys that are null, at any depth."""
    return {
        key: _given(value) if isinstance(value, dict) else value
        for key, value in section.items()
        if value is not None
    }


def changed_keys(recipe: Content, section: Content) -> tuple[tuple[str, str], ...]:
    """(dotted key, value) of all that makes a recipe another loop than its objective's plain one.

    section: what the objective's settings have where a recipe does not change it.
    """
    return tuple(
        (place, _shown(value))
        for key in OF_LOOP
        for place, value in _leaves(key, recipe.get(key), section.get(key))
        if place not in SAME_LOOP
    )


def _leaves(key: str, value: Any, plain: Any) -> Iterator[tuple[str, Any]]:
    """Dotted key and value of what is given and differs from `plain`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner, (plain or {}).get(name))
    elif value is not None and value != plain:
        yield key, value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return exact(value) if isinstance(value, float) else str(value)
