"""Who can judge: one interface, a model here or one behind an endpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from idempotence.judge.protocol import Answer


class Judge(Protocol):
    """Answers rubric prompts."""

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer a text, in order; top: how many of the likeliest first tokens to look at."""


def open_judge(
    settings: dict, model: str, api: dict | None, cache: Path | None, role: str = "judge"
) -> Judge:
    """The judge that the config names.

    settings: revision and engine (of a local one), samples (of one behind an endpoint).
    model: folder or hub name, or the name at the endpoint.
    api: `Endpoint`'s `how`, None for a local judge; cache: its file; role: its section.
    """
    if api is not None:
        from idempotence.judge.api import ApiJudge

        return ApiJudge(model, settings["samples"], api, cache, role)
    from idempotence.engine.back_ends import open_engine
    from idempotence.judge.local import LocalJudge

    return LocalJudge(open_engine(settings, model, settings["revision"], "float32"))
