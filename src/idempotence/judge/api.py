"""A judge behind an OpenAI-compatible endpoint."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.endpoint.client import Endpoint, EndpointOptions, answer_of
from idempotence.engine.base import added_up
from idempotence.errors import UserError
from idempotence.judge.protocol import Answer

ANSWER_TOKENS = 4  # enough to see whether a number goes on after its first token


class ApiJudge:
    """Asks rubric prompts over HTTP.

    model: its name at the endpoint. samples: answers per text where the endpoint gives no
    probabilities. options, cache, role: see `Endpoint`.
    """

    def __init__(
        self, model: str, samples: int, options: EndpointOptions, cache: Path, role: str = "judge"
    ):
        self.model, self.samples = model, samples
        self.endpoint = Endpoint(role, options, cache, _read)

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer per text, in order; equal texts are asked once. Raises as `Endpoint.ask`.

        top 0: probabilities are not asked for. A text without them is asked `samples` times more,
        at temperature 1.
        """
        likely = self._likely(texts, top) if top else [{"top": {}}] * len(texts)
        without = [text for text, answer in zip(texts, likely, strict=True) if not answer["top"]]
        requests = [self._sample(text, k) for text in without for k in range(self.samples)]
        sampled = iter(self.endpoint.ask(requests))
        return [
            Answer(answer["top"])
            if answer["top"]
            else Answer(sampled=tuple(next(sampled)["text"] for _ in range(self.samples)))
            for answer in likely
        ]

    def _likely(self, texts: Sequence[str], top: int) -> list[dict]:
        """Per text {"top": first token -> natural log-probability, "text": the answer}."""
        try:
            return self.endpoint.ask([self._request(text, top) for text in texts])
        except UserError as error:
            if "logprobs" in str(error):  # a server that refuses the question as such
                name = f"{self.endpoint.role}.top_logprobs"
                raise UserError(f"{error}. {name}: 0 has answers sampled instead") from None
            raise

    def _request(self, text: str, top: int) -> dict:
        probabilities = {"logprobs": True, "top_logprobs": top}
        return {**self._question(text), "temperature": 0, "seed": 0, **probabilities}

    def _sample(self, text: str, number: int) -> dict:
        return {**self._question(text), "temperature": 1, "seed": number}

    def _question(self, text: str) -> dict:
        messages = [{"role": "user", "content": text}]
        return {"model": self.model, "messages": messages, "max_tokens": ANSWER_TOKENS}


def _read(completion) -> dict:
    """{"top", "text"} of a completion; top is empty where no probability of a number is given.

    A first token that is blank is looked past: what may follow it has its probability.
    """
    choice, text = answer_of(completion)
    content = getattr(choice.logprobs, "content", None) or []
    blank = len(content) > 1 and content[0].token.isspace()
    answer = content[1:] if blank else content
    if not answer or not answer[0].top_logprobs or _goes_on([c.token for c in answer]):
        return {"top": {}, "text": text}
    tokens = [(c.token, c.logprob) for c in answer[0].top_logprobs]
    if blank:
        first = content[0]
        others = [(c.token, c.logprob) for c in first.top_logprobs if c.token != first.token]
        tokens = others + [(token, first.logprob + value) for token, value in tokens]
    return {"top": added_up(tokens), "text": text}


def _goes_on(tokens: list[str]) -> bool:
    """Whether a number goes on after the first token, whose probabilities are then not its own."""
    return len(tokens) > 1 and tokens[0].strip().isdigit() and tokens[1].isdigit()
