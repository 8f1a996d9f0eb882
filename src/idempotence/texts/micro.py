"""Texts of the micro world: written by its grammar, in any number."""

from functools import cached_property
from pathlib import Path

from idempotence.config.supply import Supply
from idempotence.micro_world.corpus import seed_rows
from idempotence.micro_world.grammar import GRAMMAR_FOLDER, load_grammar, trait_names
from idempotence.micro_world.prompts import PromptPlan, available
from idempotence.rng import derive_seed
from idempotence.texts.rubric import RUBRICS


class Micro:
    """`PanelTexts` of the micro world: questions, seed rows and cycles share one pool of prompts."""

    def __init__(self, settings: dict, kind: str):
        self.settings, self.kind = settings, kind

    def evaluation(self) -> list[str]:
        return self._plan.evaluation()

    def seed_rows(self) -> list[dict]:
        # one row set per trait, kind and seed, whatever the objective or the model
        s = self.settings
        seed = derive_seed(s["study_seed"], self.kind, s["trait"], s["seed"], "seed rows")
        prompts = self._plan.for_seed_rows()
        return seed_rows(load_grammar(), s["trait"], self.kind, prompts, seed)

    def for_cycle(self, cycle: int) -> list[str]:
        return self._plan.for_cycle(cycle)

    @cached_property
    def _plan(self) -> PromptPlan:
        s = self.settings
        return PromptPlan(
            self.kind, s["trait"], s["study_seed"], s["seed"], s["questions"], s["seed_rows"],
            s["per_cycle"],
        )  # fmt: skip


def supply() -> Supply:
    """All traits of the grammar, and its prompts."""
    return Supply(trait_names(), available())


def data_files() -> list[Path]:
    """The grammar's files, and the rubrics'."""
    return [*sorted(GRAMMAR_FOLDER.rglob("*.yaml")), RUBRICS]
