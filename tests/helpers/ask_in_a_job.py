"""A judge's job in a process of its own, against an endpoint of the tests."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from make_asking import KEY
from make_endpoint import options

from idempotence.errors import UserError
from idempotence.judge.api import ApiJudge

CACHE = "answers.sqlite"


def ask_in_a_job(url: str, folder: Path, k: int, how: dict, texts: list[str]) -> None:
    """Ask a judge about texts; writes text -> answer, or the error that ended it, to k.json.

    how: options of the endpoint. The answers are kept in folder/CACHE.
    """
    os.environ["SOME_KEY"] = KEY
    try:
        answers = ApiJudge("m", 2, options(url, **how), folder / CACHE).answers(texts, 20)
        told = {text: asdict(answer) for text, answer in zip(texts, answers, strict=True)}
    except UserError as error:
        told = str(error)
    (folder / f"{k}.json").write_text(json.dumps(told))
