"""How long a study's texts are, in tokens of the models that read them."""

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from statistics import fmean

from idempotence.engine.formatting import kind_of
from idempotence.texts.panel_texts import panel_texts, rubrics
from idempotence.workflow.study_jobs import Plan

Count = Callable[[str], float]


def counter(folder: Path | None, characters_a_token: float) -> tuple[Count, str]:
    """(tokens of a text, how they are counted): by the folder's tokenizer, else by characters."""
    file = folder / "tokenizer.json" if folder else None
    if file is None or not file.is_file():
        return lambda text: len(text) / characters_a_token, "rates.characters_a_token"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    count = cache(lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids))
    return count, f"the tokenizer in {folder}"


class Lengths:
    """Mean tokens of the texts of an objective and trait, without a chat template's own.

    settings: those of a panel's texts; count: of the model; judged: of each judge. A text is read
    when its length is asked for: not every trait has every kind.
    """

    def __init__(self, settings: dict, count: Count, judged: dict[str, Count]):
        self.settings, self.kind = settings, kind_of(settings["objective"])
        self.count, self.judged = count, judged
        self.texts = panel_texts(settings, self.kind)

    @cached_property
    def question(self) -> float:
        """An evaluation prompt."""
        return fmean(map(self.count, self.texts.evaluation()))

    @cached_property
    def seed_row(self) -> tuple[float, float]:
        """(prompt, reply) of a seed row."""
        rows = self.texts.seed_rows()
        return tuple(fmean(self.count(row[key]) for row in rows) for key in ("prompt", "response"))

    @cached_property
    def prompt(self) -> float:
        """A prompt that a cycle's data are sampled from."""
        return fmean(map(self.count, self.texts.for_cycle(1)))

    @cached_property
    def rubrics(self) -> dict[str, float]:
        """Of each judge: both of its questions together, without the text that is judged."""
        asked = rubrics(self.settings, self.kind).values()
        return {role: sum(map(count, asked)) for role, count in self.judged.items()}


class Measured:
    """The lengths of the texts that a job is told of, each objective, model and trait once.

    plan: the study's; counts: of each model by name; judged: of each judge by
    its section's name.
    """

    def __init__(self, plan: Plan, counts: dict[str, Count], judged: dict[str, Count]):
        self.plan, self.counts, self.judged = plan, counts, judged
        self._known: dict[tuple[str, str, str], Lengths] = {}

    def __call__(self, told: dict) -> Lengths:
        """told: settings with objective, model and trait."""
        key = told["objective"], told["model"]["name"], told["trait"]
        if key not in self._known:
            settings = self.plan.tune(*key)  # rows and prompts that no chain sees
            # generated rows are not there yet, and are to be like the written ones
            settings.get("texts", {}).pop("seed_rows", None)
            self._known[key] = Lengths(settings, self.counts[key[1]], self.judged)
        return self._known[key]
