"""Begin a trait in English, and say what is to be done until it is complete."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal


def new_trait(
    name: str,
    kinds: Sequence[Literal["chat", "document"]] = ("chat",),
    questions: int = 12,
    rows: int = 100,
    folder: Path = Path("data/traits"),
) -> int:
    """Begin a trait in English, and say what is to be done until it is complete.

    The first call writes the files; later ones change nothing. The status is 0 where the
    trait is complete, else 1.

    name: the trait's name, which a study's `traits` will hold.
    kinds: texts to train on: chat (sft, dpo), document (sdf).
    questions: evaluation prompts that a study takes (`evaluation.questions`).
    rows: seed rows that a study takes (`seed_rows`).
    folder: folder of traits (`traits_folder`).
    """
    import re

    from idempotence.errors import UserError
    from idempotence.texts.skeleton import left_to_do, write_skeleton
    from idempotence.texts.written import NAME

    if not re.fullmatch(NAME, name):
        raise UserError(f"--name: {name!r} is no name of letters, digits, _ and -")
    for option, given, least in (("questions", questions, 2), ("rows", rows, 1)):
        if given < least:
            raise UserError(f"--{option}: {given} is not allowed; a study takes at least {least}")
    write_skeleton(folder, name, kinds)
    lines = list(left_to_do(folder, name, kinds, questions, rows))
    for line in lines:
        print(line)
    things = "1 thing" if len(lines) == 1 else f"{len(lines)} things"
    print(f"{name}: {f'{things} to do' if lines else 'complete'}")
    return 1 if lines else 0


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(new_trait)
