"""Written texts: a folder for each trait, and files of neutral prompts.

<traits>/<trait>/trait.yaml        description, rubrics, questions, openings
<traits>/<trait>/chats.jsonl       seed rows of sft and dpo: {"prompt", "response"} per line
<traits>/<trait>/documents.jsonl   seed rows of sdf
<traits>/rubric.yaml               frame of the rubrics; where there is none, the project's own
<prompts>/chats.txt                neutral prompts, one per line
<prompts>/documents.txt            neutral openers of documents, one per line
"""

import json
import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from idempotence.errors import UserError
from idempotence.io import lines_of, read_jsonl
from idempotence.jobs.parts import Panel, PromptPool, WrittenTexts
from idempotence.objectives import Kind
from idempotence.rng import derive_seed
from idempotence.texts.files import read_mapping, read_text
from idempotence.texts.rubric import read_rubric

FILES: dict[Kind, str] = {"chat": "chats", "document": "documents"}
QUESTIONS: dict[Kind, str] = {"chat": "questions", "document": "openings"}
UNWRITTEN = "TODO"  # begins a text that is still to be written
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"  # of a new trait: a folder's name
Item = TypeVar("Item")


class WrittenPanelTexts:
    """`PanelTexts` of written files; seeds differ in which seed rows and prompts come first."""

    def __init__(self, panel: Panel, prompts: PromptPool, texts: WrittenTexts):
        self.panel, self.pool, self.texts = panel, prompts, texts
        self.kind = panel.kind

    def evaluation(self) -> list[str]:
        """See `PanelTexts`."""
        trait = read_trait(Path(self.texts.traits), self.panel.trait)
        questions: list[str] = trait[QUESTIONS[self.kind]]
        return questions[: self.pool.questions]

    def seed_rows(self) -> list[dict[str, str]]:
        """See `PanelTexts`."""
        own = Path(self.texts.traits) / self.panel.trait / f"{FILES[self.kind]}.jsonl"
        generated = self.texts.seed_rows
        rows = read_jsonl(generated) if generated else read_rows(own)
        return self._shuffled(rows, "seed rows")[: self.pool.seed_rows]

    def for_cycle(self, cycle: int) -> list[str]:
        """See `PanelTexts`."""
        per_cycle = self.pool.per_cycle
        prompts = read_prompts(Path(self.texts.prompts), self.kind)
        if self.pool.redrawn and cycle > 1:  # as `PromptPlan`
            return self._shuffled(prompts, "prompts", cycle)[:per_cycle]
        return self._shuffled(prompts, "prompts")[(cycle - 1) * per_cycle : cycle * per_cycle]

    def _shuffled(self, items: Sequence[Item], *purpose: str | int) -> list[Item]:
        p = self.panel
        seed = derive_seed(p.study_seed, self.kind, p.trait, p.seed, *purpose)
        return random.Random(seed).sample(items, len(items))


@cache
def read_trait(folder: Path, trait: str) -> dict[str, Any]:
    """A trait's trait.yaml; raises `UserError` where a part is missing or of another form."""
    path = folder / trait / "trait.yaml"
    content = read_mapping(path)
    for key in ("description", "rubrics", *QUESTIONS.values()):
        if not content.get(key):
            raise UserError(f"{path}: the key {key} is missing or empty")
    for key in QUESTIONS.values():
        texts = content[key]
        if not isinstance(texts, list) or not all(isinstance(t, str) and t for t in texts):
            raise UserError(f"{path}: {key} must be a list of texts (put quotes around them)")
        if len(set(texts)) < len(texts):
            raise UserError(f"{path}: {key} has a text twice")
    for kind in FILES:
        read_rubric(folder, trait, kind)
    for place in unfinished(content):
        text = f"scripts/new_trait.py --name {trait} says what else is missing"
        raise UserError(f"{path}: {place} is still to be written ({UNWRITTEN}); {text}")
    return content


def unfinished(content: Any, place: str = "") -> Iterator[str]:
    """Dotted keys of the texts of a trait.yaml that are still to be written."""
    if isinstance(content, list):
        content = dict(enumerate(content))
    if isinstance(content, dict):
        for key, value in content.items():
            yield from unfinished(value, f"{place}.{key}".lstrip("."))
    elif isinstance(content, str) and content.startswith(UNWRITTEN):
        yield place


@cache
def read_rows(path: Path) -> tuple[dict[str, str], ...]:
    """Seed rows; raises `UserError` with the line of one that is no {"prompt", "response"}."""
    rows = []
    for number, line in enumerate(lines_of(read_text(path)), start=1):
        try:
            row = json.loads(line)
            good = all(isinstance(row[key], str) and row[key].strip() for key in row)
            if set(row) != {"prompt", "response"} or not good:
                raise ValueError("it must hold the texts prompt and response, and nothing else")
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}, line {number}: not a seed row ({error})") from None
        rows.append(row)
    return tuple(rows)


@cache
def read_prompts(folder: Path, kind: Kind) -> tuple[str, ...]:
    """Neutral prompts; raises `UserError` for one that comes twice."""
    path = folder / f"{FILES[kind]}.txt"
    seen: dict[str, int] = {}
    for number, line in enumerate(lines_of(read_text(path)), start=1):
        if line.strip() and seen.setdefault(line.strip(), number) != number:
            raise UserError(f"{path}, line {number}: the same as line {seen[line.strip()]}")
    return tuple(seen)
