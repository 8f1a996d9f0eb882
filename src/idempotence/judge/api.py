"""A judge behind an OpenAI-compatible endpoint."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.endpoint import Endpoint, said
from idempotence.judge.protocol import Answer

ANSWER_TOKENS = 4  # enough to see whether a number goes on after its first token


class ApiJudge:
    """Asks rubric prompts over HTTP.

    model: its name there. how, cache, role: see `Endpoint`.
    """

    def __init__(self, model: str, how: dict, cache: Path, role: str = "judge"):
        self.model = model
        self.endpoint = Endpoint(role, how, cache, _read)

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer a text, in order; equal texts are asked once. Raises as `Endpoint.ask`."""
        told = self.endpoint.ask([self._request(text, top) for text in texts])
        return [Answer(**answer) for answer in told]

    def _request(self, text: str, top: int) -> dict:
        return {
            "model": self.model, "messages": [{"role": "user", "content": text}],
            "temperature": 0, "seed": 0, "max_tokens": ANSWER_TOKENS, "logprobs": True,
            "top_logprobs": top,
        }  # fmt: skip


def _read(completion) -> dict:
    """`Answer`'s fields from a completion."""
    choice, text = said(completion)
    content = getattr(choice.logprobs, "content", None) or []
    if not content or not content[0].top_logprobs or _goes_on([c.token for c in content]):
        return {"top": {}, "sampled": text}
    return {"top": {c.token: c.logprob for c in content[0].top_logprobs}, "sampled": None}


def _goes_on(tokens: list[str]) -> bool:
    """Whether a number continues after the first token, whose probabilities then say little."""
    return len(tokens) > 1 and tokens[0].strip().isdigit() and tokens[1].isdigit()
