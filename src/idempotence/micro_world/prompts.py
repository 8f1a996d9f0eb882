"""Which prompt is used where: evaluation, seed rows and cycles draw from disjoint parts."""

import random
from dataclasses import dataclass
from functools import cached_property

from idempotence.micro_world.corpus import every_prompt
from idempotence.micro_world.grammar import load_grammar
from idempotence.rng import derive_seed


@dataclass(frozen=True)
class PromptPlan:
    """The prompts of one panel; no text twice, but for cycles that are redrawn.

    kind: "chat" or "document". questions: evaluation prompts of the trait, the same for every
    seed. seed_rows, per_cycle: how many prompts the seed rows and each cycle need. redrawn: each
    cycle draws from all prompts that questions and seed rows leave; else cycles share none. The
    first draw is the same either way, since cycle 0 samples it, which such settings share.
    """

    kind: str
    trait: str
    study_seed: int
    seed: int
    questions: int
    seed_rows: int
    per_cycle: int
    redrawn: bool = False

    def evaluation(self) -> list[str]:
        """The evaluation prompts."""
        return self._shuffled[: self.questions]

    def for_seed_rows(self) -> list[str]:
        """The prompts of the seed rows."""
        return self._rest[: self.seed_rows]

    def for_cycle(self, cycle: int) -> list[str]:
        """The prompts of the data that cycle `cycle` (from 1 on) trains on."""
        left = self._rest[self.seed_rows :]
        if self.redrawn and cycle > 1:
            return self._shuffler("prompts", cycle).sample(left, self.per_cycle)
        return left[(cycle - 1) * self.per_cycle : cycle * self.per_cycle]

    @cached_property
    def _shuffled(self) -> list[str]:
        prompts = every_prompt(load_grammar(), self.kind)
        random.Random(derive_seed(self.study_seed, self.kind, self.trait, "questions")).shuffle(
            prompts
        )
        return prompts

    @cached_property
    def _rest(self) -> list[str]:
        rest = self._shuffled[self.questions :]
        self._shuffler("prompts").shuffle(rest)
        return rest

    def _shuffler(self, *purpose: str | int) -> random.Random:
        """Random numbers of the panel's own for one purpose."""
        own = (self.study_seed, self.kind, self.trait, self.seed)
        return random.Random(derive_seed(*own, *purpose))


def available() -> dict[str, int]:
    """How many distinct prompts there are of each kind."""
    return {kind: len(every_prompt(load_grammar(), kind)) for kind in ("chat", "document")}
