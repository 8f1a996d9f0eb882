"""How many texts there are to make a study of."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Supply:
    """Numbers of texts. Kinds are "chat" and "document".

    traits: their names, None: any. prompts: distinct prompts by kind, None: no limit.
    questions, seed_rows: by kind and trait, where they are written and not taken from the prompts.
    combinations: by kind, how many requests a generator of seed rows can get. unknown_words: words
    that the shipped models of the micro world do not know, by the trait that they are of; "" for
    those of no trait.
    """

    traits: list[str] | None
    prompts: dict[str, int] | None = None
    questions: dict[str, dict[str, int]] | None = None
    seed_rows: dict[str, dict[str, int]] | None = None
    combinations: dict[str, int] | None = None
    unknown_words: dict[str, list[str]] = field(default_factory=dict)
