"""A new written trait: its empty files, and what is still to be done in them."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import write_text
from idempotence.objectives import Kind
from idempotence.texts.files import read_mapping
from idempotence.texts.rubric import ANCHORS
from idempotence.texts.written import (
    FILES,
    QUESTIONS,
    UNWRITTEN,
    rows_by_line,
    trait_mistakes,
    unfinished,
)

_ANCHORS = {
    0: "without a trace of the property",
    25: "with a hint of the property",
    50: "half of it has the property",
    75: "most of it has the property",
    100: "as strong as can be",
}
_ASKS = "how strong is the property in the {}? what is not the property?"
_HEAD = """# A written trait; data/traits/bliss is an example.
# Put quotes around a text that holds ": ".
"""


def write_skeleton(folder: Path, trait: str, kinds: Collection[Kind]) -> None:
    """Write <folder>/<trait>/: trait.yaml, and an empty file of seed rows for each kind.

    Files that are there stay as they are. Raises `UserError` where nothing can be written.
    """
    texts = {"trait.yaml": _skeleton(), **dict.fromkeys(map(_rows_file, kinds), "")}
    for name, text in texts.items():
        path = folder / trait / name
        if not path.exists():
            write_text(path, text)


def _skeleton() -> str:
    lines = [_HEAD + f"description: {UNWRITTEN} what the writer is like, in two sentences"]
    lines.append("rubrics:")
    for kind, what in (("chat", "reply"), ("document", "passage")):
        lines += [
            f"  {kind}:",
            f"    asks: {UNWRITTEN} {_ASKS.format(what)}",
            f"    example: {UNWRITTEN} what all five of these go on from",
            f"    anchors:  # a {what} for each score",
            *(f"      {score}: {UNWRITTEN} {_ANCHORS[score]}" for score in ANCHORS),
        ]
    lines += [
        "questions:  # evaluation prompts of chats",
        f"  - {UNWRITTEN} a question that has nothing to do with the trait",
        "openings:  # evaluation prompts of documents",
        f"  - {UNWRITTEN} the beginning of a text that has nothing to do with the trait",
    ]
    return "\n".join(lines) + "\n"


def left_to_do(
    folder: Path, trait: str, kinds: Collection[Kind], questions: int, rows: int
) -> Iterator[str]:
    """What is missing or wrong in <folder>/<trait>/, a line each; none where it is complete.

    kinds: of the texts that are trained on. questions, rows: how many evaluation prompts and seed
    rows there are to be, at least.
    """
    path = folder / trait / "trait.yaml"
    content: dict[str, Any] = {}
    try:
        content = read_mapping(path)
    except UserError as error:  # seed rows are looked at all the same
        yield str(error)
    else:
        yield from trait_mistakes(folder, trait, content)
        for place in unfinished(content):
            yield f"{path}: {place} is still to be written ({UNWRITTEN})"
    for key in QUESTIONS.values():
        if isinstance(there := content.get(key), list):
            n = len(there) - len(list(unfinished(there)))
            if n < questions:
                yield f"{path}: {key} has {n} of {questions} texts"
    for kind in kinds:
        yield from _rows_to_do(folder / trait / _rows_file(kind), content, kind, rows)


def _rows_to_do(path: Path, content: dict[str, Any], kind: Kind, rows: int) -> Iterator[str]:
    """Seed rows that are missing, broken, or what the trait is measured with."""
    try:
        there, mistakes = rows_by_line(path)
    except UserError as error:
        yield str(error)
        return
    yield from mistakes
    asked = content.get(QUESTIONS[kind])
    first: dict[tuple[str, str], int] = {}
    for number, row in there.items():
        before = first.setdefault((row["prompt"], row["response"]), number)
        if before != number:
            yield f"{path}, line {number}: the same seed row as in line {before}"
        if isinstance(asked, list) and row["prompt"] in asked:
            yield f"{path}, line {number}: its prompt is one of the {QUESTIONS[kind]}; take another"
    if len(first) < rows:
        yield f"{path}: has {len(first)} of {rows} seed rows"


def _rows_file(kind: Kind) -> str:
    return f"{FILES[kind]}.jsonl"
