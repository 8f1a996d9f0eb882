"""A judge behind an OpenAI-compatible endpoint."""

from collections.abc import Collection, Sequence
from pathlib import Path

from idempotence.endpoint.asking import MISSING
from idempotence.endpoint.client import Endpoint
from idempotence.endpoint.options import EndpointOptions
from idempotence.endpoint.replies import check_likeliest, check_text, text_of, tokens_of
from idempotence.engine.base import added_up
from idempotence.errors import UserError
from idempotence.judge.protocol import LEAST_BLANK, Answer, score_of


class ApiJudge:
    """Asks rubric prompts over HTTP.

    model: its name at the endpoint. samples: answers per text where the endpoint gives no
    probabilities. answer_tokens: most tokens of an answer. options, cache, role, leave_out: see
    `Endpoint`.
    """

    def __init__(
        self,
        model: str,
        samples: int,
        options: EndpointOptions,
        cache: Path,
        role: str = "judge",
        answer_tokens: int = 4,
        leave_out: Collection[str] = (),
    ):
        self.model, self.samples, self.answer_tokens = model, samples, answer_tokens
        self.endpoint = Endpoint(role, options, cache, _read, _check, leave_out)

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer per text, in order; equal texts are asked once. Raises as `Endpoint.ask`.

        top 0: probabilities are not asked for. A text without them is asked `samples` times more,
        at temperature 1. The answer to a text that the endpoint does not take is why.
        """
        likely = self._likely(texts, top) if top else [{"top": {}}] * len(texts)
        without = [
            text for text, answer in zip(texts, likely, strict=True) if answer.get("top") == {}
        ]
        requests = [self._sample(text, k) for text in without for k in range(self.samples)]
        sampled = iter(self.endpoint.ask(requests))
        return [
            _sampled([next(sampled) for _ in range(self.samples)])
            if answer.get("top") == {}
            else Answer(answer.get("top", {}), missing=answer.get(MISSING, ""))
            for answer in likely
        ]

    def _likely(self, texts: Sequence[str], top: int) -> list[dict]:
        """Per text {"top": first token -> natural log-probability, "text": the answer}."""
        try:
            return self.endpoint.ask([self._request(text, top) for text in texts])
        except UserError as error:
            if "logprobs" in str(error):  # a server that refuses the question as such
                name = f"{self.endpoint.role}.top_logprobs"
                hint = f"set {name}: 0 to have answers sampled instead of probabilities read"
                raise UserError(f"{error}. If it gives no probabilities, {hint}") from None
            raise

    def _request(self, text: str, top: int) -> dict:
        probabilities = {"logprobs": True, "top_logprobs": top}
        return {**self._question(text), "temperature": 0, "seed": 0, **probabilities}

    def _sample(self, text: str, number: int) -> dict:
        return {**self._question(text), "temperature": 1, "seed": number}

    def _question(self, text: str) -> dict:
        messages = [{"role": "user", "content": text}]
        return {"model": self.model, "messages": messages, "max_tokens": self.answer_tokens}


def _sampled(answers: Sequence[dict]) -> Answer:
    """Of the sampled texts, without those that there are none of; why, where there are none."""
    texts = tuple(answer["text"] for answer in answers if MISSING not in answer)
    return Answer(sampled=texts) if texts else Answer(missing=answers[0][MISSING])


def _read(choice: dict) -> dict:
    """{"top", "text"} of a choice; top is empty where no probability of a number is given.

    A first token that is blank is looked past: what may follow it has its probability.
    """
    text = text_of(choice)
    tokens, likeliest = tokens_of(choice)
    for token in tokens:
        check_text(token)
    for place in likeliest[:2]:
        check_likeliest(dict(place))
    first = dict(likeliest[0]).get(tokens[0], 0.0) if tokens else 0.0
    blank = len(tokens) > 1 and tokens[0].isspace() and first >= LEAST_BLANK
    answer = tokens[1:] if blank else tokens
    mine = likeliest[blank] if answer else []
    if not mine or _goes_on(answer, text):
        return {"top": {}, "text": text}
    if blank:
        others = [(token, value) for token, value in likeliest[0] if token != tokens[0]]
        mine = others + [(token, first + value) for token, value in mine]
    return {"top": added_up(mine), "text": text}


def _check(answer: dict) -> None:
    """Raise `UnusableError` for what `_read` would not give."""
    check_text(answer.get("text"))
    check_likeliest(answer.get("top"))


def _goes_on(tokens: Sequence[str], text: str) -> bool:
    """Whether the first token, whose probabilities are known, is only a part of the number."""
    if not tokens:
        return False
    first, whole = score_of(tokens[0]), score_of(text)
    if whole is not None:
        return first != whole
    return first is not None and len(tokens) > 1 and tokens[1][:1] in set("0123456789")
