"""Texts of the micro world: written by its grammar, in any number."""

from functools import cached_property

from idempotence.jobs.parts import Panel, PromptPool
from idempotence.micro_world.corpus import seed_rows
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.prompts import PromptPlan
from idempotence.rng import derive_seed


class MicroTexts:
    """`PanelTexts` of the micro world: one pool of prompts for questions, seed rows and cycles."""

    def __init__(self, panel: Panel, prompts: PromptPool):
        self.panel, self.prompts = panel, prompts

    def evaluation(self) -> list[str]:
        """See `PanelTexts`."""
        return self._plan.evaluation()

    def seed_rows(self) -> list[dict[str, str]]:
        """See `PanelTexts`."""
        # one row set per trait, kind and seed, whatever the objective or the model
        p = self.panel
        seed = derive_seed(p.study_seed, p.kind, p.trait, p.seed, "seed rows")
        return seed_rows(load_grammar(), p.trait, p.kind, self._plan.for_seed_rows(), seed)

    def for_cycle(self, cycle: int) -> list[str]:
        """See `PanelTexts`."""
        return self._plan.for_cycle(cycle)

    @cached_property
    def _plan(self) -> PromptPlan:
        panel, pool = self.panel, self.prompts
        return PromptPlan(
            panel.kind, panel.trait, panel.study_seed, panel.seed, pool.questions, pool.seed_rows,
            pool.per_cycle, pool.redrawn,
        )  # fmt: skip
