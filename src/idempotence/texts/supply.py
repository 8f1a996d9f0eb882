"""How many texts there are to make a study of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Supply:
    """traits: their names, None: any. prompts: distinct prompts by kind ("chat", "document"), None: no limit.

    questions, seed_rows: by kind and trait, where they are written and not taken from the prompts.
    combinations: by kind, what a generator of seed rows can be asked for.
    """

    traits: list[str] | None
    prompts: dict[str, int] | None = None
    questions: dict[str, dict[str, int]] | None = None
    seed_rows: dict[str, dict[str, int]] | None = None
    combinations: dict[str, int] | None = None
