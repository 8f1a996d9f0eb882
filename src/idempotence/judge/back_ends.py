"""Who can judge: one interface, a model here or one behind an endpoint."""

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.protocol import Answer


class Judge(Protocol):
    """Answers rubric prompts."""

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer per text, in order; top: how many of the likeliest first tokens to look at."""


def open_judge(
    spec: JudgeSpec, model: str, role: str = "judge", environment: Mapping[str, str] = os.environ
) -> Judge:
    """The judge that a job names.

    model: folder or hub name, or the name at the endpoint. role: its section in the config.
    environment: how an endpoint is asked, and vLLM's options, which decide no result. Raises
    `UserError` where they are missing, or the model cannot be loaded.
    """
    if spec.endpoint is not None:
        from idempotence.endpoint.options import endpoint_options
        from idempotence.judge.api import ApiJudge

        options, cache = endpoint_options(role, environment)
        asked = spec.endpoint
        return ApiJudge(
            model, asked.samples, options, cache, role, asked.answer_tokens, asked.leave_out
        )
    from idempotence.engine.back_ends import open_engine
    from idempotence.engine.models import Weights
    from idempotence.engine.options import vllm_options
    from idempotence.judge.local import LocalJudge

    weights = Weights(model, spec.revision, spec.dtype, spec.chat_template_kwargs)
    return LocalJudge(open_engine(spec.engine, weights, options=vllm_options(environment)))
