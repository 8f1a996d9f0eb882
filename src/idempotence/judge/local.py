"""A judge that runs here: any language model under an engine."""

import math
from collections.abc import Sequence

from idempotence.engine.base import Engine
from idempotence.engine.formatting import ids_of_prompts
from idempotence.judge.protocol import Answer

DIGITS = "0123456789"


class LocalJudge:
    """Answers rubric prompts with the probabilities of the engine's model."""

    def __init__(self, engine: Engine):
        self.engine = engine
        encode = engine.tokenizer.encode
        self.splits = len(encode("75", add_special_tokens=False)) > 1

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer per text, in order; top: how many of the likeliest tokens are looked at."""
        ids = ids_of_prompts(self.engine.tokenizer, texts, "chat")
        likeliest = self.engine.next_token_logprobs(ids, top)
        if self.splits:
            likeliest = self._whole_numbers(ids, likeliest, top)
        return [Answer(tokens) for tokens in likeliest]

    def _whole_numbers(
        self, ids: Sequence[list[int]], likeliest: list[dict[str, float]], top: int
    ) -> list[dict[str, float]]:
        """Probabilities of whole numbers under a tokenizer that writes them digit by digit.

        likeliest: per text, first tokens -> natural log-probability. A first digit is a number of
        one digit only as far as no digit follows it.
        """
        encode = self.engine.tokenizer.encode
        for length in (1, 2):
            begun = [
                (i, token)
                for i, tokens in enumerate(likeliest)
                for token in tokens
                if len(token) == length and all(c in DIGITS for c in token)
                and (length == 1 or token == "10")
            ]  # fmt: skip
            longer = [[*ids[i], *encode(token, add_special_tokens=False)] for i, token in begun]
            following = self.engine.next_token_logprobs(longer, top)
            for (i, token), after in zip(begun, following, strict=True):
                _extend(likeliest[i], token, after)
        return likeliest


def _extend(tokens: dict[str, float], token: str, after: dict[str, float]) -> None:
    """Divide a number's probability among itself and the longer numbers that begin with it.

    tokens: changed in place. after: the tokens that may follow -> natural log-probability.
    """
    whole = tokens.pop(token)
    more = {digit: value for digit, value in after.items() if digit in DIGITS and digit}
    ends = 1 - math.fsum(math.exp(value) for value in more.values())
    if ends > 0:
        tokens[token] = whole + math.log(ends)
    tokens.update({token + digit: whole + value for digit, value in more.items()})
