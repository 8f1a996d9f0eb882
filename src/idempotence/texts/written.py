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
from collections import Counter
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
ROW_KEYS = ("prompt", "response")  # of a seed row
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
    for mistake in trait_mistakes(folder, trait, content):
        raise UserError(mistake)
    for place in unfinished(content):
        text = f"scripts/new_trait.py --name {trait} says what else there is to do"
        raise UserError(f"{path}: {place} is still to be written ({UNWRITTEN}); {text}")
    return content


def trait_mistakes(folder: Path, trait: str, content: dict[str, Any]) -> Iterator[str]:
    """What is missing or of another form in a trait.yaml, a line each. content: of that file."""
    path = folder / trait / "trait.yaml"
    known = ("description", "rubrics", *QUESTIONS.values())
    for key in known:
        if not content.get(key):
            yield f"{path}: the key {key} is missing or empty"
    for key in content:
        if key not in known:
            yield f"{path}: there is no key {key}; the keys are {', '.join(known)}"
    for key in QUESTIONS.values():
        if content.get(key):
            yield from (f"{path}: {mistake}" for mistake in _list_mistakes(key, content[key]))
    for kind in FILES if content.get("rubrics") else ():
        try:
            read_rubric(folder, trait, kind)
        except UserError as error:
            yield str(error)


def _list_mistakes(key: str, texts: Any) -> Iterator[str]:
    """What is wrong with a list of texts."""
    if not isinstance(texts, list):
        yield f"{key} must be a list of texts"
        return
    for text, n in Counter(text for text in texts if isinstance(text, str)).items():
        if n > 1 and text.strip() and not text.startswith(UNWRITTEN):
            yield f"{key} has the text '{text}' {'twice' if n == 2 else f'{n} times'}"
    for number, text in enumerate(texts, start=1):
        if text is None or (isinstance(text, str) and not text.strip()):
            yield f"text {number} of {key} is empty"
        elif not isinstance(text, str):
            quotes = "is no text for YAML; put quotes around it"
            yield f"text {number} of {key}, '{_as_written(text)}', {quotes}"


def _as_written(value: Any) -> str:
    """A value that YAML made of a text without quotes, as near to that text as it can be known."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {text}" for key, text in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


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
    rows, mistakes = rows_by_line(path)
    if mistakes:
        more = len(mistakes) - 1
        lines = f"{more} more {'line is' if more == 1 else 'lines are'} wrong"
        raise UserError(f"{mistakes[0]}; {lines}" if more else mistakes[0])
    return tuple(rows.values())


def rows_by_line(path: Path) -> tuple[dict[int, dict[str, str]], list[str]]:
    """The seed rows of a file by their lines' numbers, and what is wrong with its other lines.

    Raises `UserError` where the file cannot be read.
    """
    rows, mistakes = {}, []
    for number, line in enumerate(lines_of(read_text(path)), start=1):
        row, why = _seed_row(line)
        if why:
            mistakes.append(f"{path}, line {number}: not a seed row ({why})")
        else:
            rows[number] = row
    return rows, mistakes


def _seed_row(line: str) -> tuple[Any, str]:
    """The JSON of a line, and why that is no seed row; "" where it is one."""
    if not line.strip():
        return None, "the line is empty"
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        return None, f"no JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:  # a number, or a nesting, without end
        return None, f"no JSON: {error}"
    return row, _row_mistake(row)


def _row_mistake(row: Any) -> str:
    if not isinstance(row, dict):
        return 'it is no {"prompt": ..., "response": ...}'
    if lacking := [f"no {key}" for key in ROW_KEYS if key not in row]:
        return f"it has {' and '.join(lacking)}"
    if more := [key for key in row if key not in ROW_KEYS]:
        return f"it has {', '.join(more)} beside {' and '.join(ROW_KEYS)}"
    for key in ROW_KEYS:
        if not isinstance(row[key], str):
            return f"its {key} is no text"
        if not row[key].strip():
            return f"its {key} is empty"
    return ""


@cache
def read_prompts(folder: Path, kind: Kind) -> tuple[str, ...]:
    """Neutral prompts; raises `UserError` for one that comes twice."""
    path = folder / f"{FILES[kind]}.txt"
    seen: dict[str, int] = {}
    for number, line in enumerate(lines_of(read_text(path)), start=1):
        if line.strip() and seen.setdefault(line.strip(), number) != number:
            raise UserError(f"{path}, line {number}: the same as line {seen[line.strip()]}")
    return tuple(seen)
