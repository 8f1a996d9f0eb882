"""How long a study's texts are, in tokens of the models that read them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from statistics import fmean

from idempotence.jobs.parts import Panel, PromptPool
from idempotence.texts.panel_texts import panel_texts
from idempotence.texts.rubric import rubrics
from idempotence.workflow.preparation_jobs import CALIBRATION_SEED

Count = Callable[[str], float]  # text -> its tokens


def counter(folder: Path | None, characters_per_token: float) -> tuple[Count, str]:
    """(tokens of a text, how they are counted): by the folder's tokenizer, else by characters."""
    file = folder / "tokenizer.json" if folder else None
    if file is None or not file.is_file():
        return lambda text: len(text) / characters_per_token, "rates.characters_per_token"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))

    @cache
    def count(text: str) -> float:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count, f"the tokenizer in {folder}"


class Lengths:
    """Mean tokens of a panel's texts, without what a chat template adds.

    count: tokens by the panel's model; judges: role of each judge -> tokens by its own. A text is
    read when its length is needed: not every trait has every kind.
    """

    def __init__(
        self, panel: Panel, prompts: PromptPool, count: Count, judges: Mapping[str, Count]
    ):
        self.panel, self.count, self.judges = panel, count, judges
        self.texts = panel_texts(panel, prompts)

    @cached_property
    def question(self) -> float:
        """An evaluation prompt."""
        return fmean(map(self.count, self.texts.evaluation()))

    @cached_property
    def seed_row(self) -> tuple[float, float]:
        """(prompt, reply) of a seed row."""
        rows = self.texts.seed_rows()
        prompt, reply = (fmean(self.count(row[key]) for row in rows) for key in _ROW)
        return prompt, reply

    @cached_property
    def prompt(self) -> float:
        """A prompt that a cycle's data are sampled from."""
        return fmean(map(self.count, self.texts.for_cycle(1)))

    @cached_property
    def rubrics(self) -> dict[str, float]:
        """Role of each judge -> both of its questions together, without the text that is judged."""
        panel = self.panel
        templates = rubrics(panel.texts, panel.trait, panel.kind).values()
        return {role: sum(map(count, templates)) for role, count in self.judges.items()}


_ROW = ("prompt", "response")


class MeasuredTexts:
    """The lengths of the texts of a study's panels, each different set of texts measured once.

    counts: name of a model -> its count; judges: see `Lengths`.
    """

    def __init__(self, counts: Mapping[str, Count], judges: Mapping[str, Count]):
        self.counts, self.judges = counts, judges
        self._known: dict[tuple[Panel, PromptPool], Lengths] = {}

    def __call__(self, panel: Panel, prompts: PromptPool) -> Lengths:
        """The lengths of a panel's texts, on rows and prompts that no chain sees.

        Generated seed rows are not there yet, and should be like the written ones: those are read.
        """
        texts = panel.texts and replace(panel.texts, seed_rows=None)
        plain = replace(panel, texts=texts, seed=CALIBRATION_SEED, cells=())
        if (plain, prompts) not in self._known:
            count = self.counts[panel.model.name]
            self._known[plain, prompts] = Lengths(plain, prompts, count, self.judges)
        return self._known[plain, prompts]
