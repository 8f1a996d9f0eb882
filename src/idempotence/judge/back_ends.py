"""Who can judge: one interface, a model here or one behind an endpoint."""

from collections.abc import Sequence
from typing import Protocol

from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.protocol import Answer


class Judge(Protocol):
    """Answers rubric prompts."""

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer per text, in order; top: how many of the likeliest first tokens to look at."""


def open_judge(spec: JudgeSpec, model: str, role: str = "judge") -> Judge:
    """The judge that a job names.

    model: folder or hub name, or the name at the endpoint. role: the config's section, by which
    the options of an endpoint are known.
    """
    if spec.endpoint is not None:
        from idempotence.endpoint.client import endpoint_options
        from idempotence.judge.api import ApiJudge

        return ApiJudge(model, spec.endpoint.samples, *endpoint_options(role), role)
    from idempotence.engine.back_ends import open_engine
    from idempotence.engine.models import Weights
    from idempotence.engine.options import vllm_options
    from idempotence.judge.local import LocalJudge

    return LocalJudge(open_engine(spec.engine, Weights(model, spec.revision), options=vllm_options()))
