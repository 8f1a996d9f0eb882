"""A judge that runs here: any language model under an engine."""

import math
from collections.abc import Sequence

from idempotence.engine.base import Engine, added_up
from idempotence.engine.formatting import ids_of_prompts
from idempotence.judge.protocol import LEAST_BLANK, Answer

DIGITS = "0123456789"
BEGUN = (*DIGITS, "10")  # numbers that more digits may follow
BLANK = "▁ĠĊĉč \n\t\r"  # how tokenizers spell blanks
BLANK_BYTES = ("<0x09>", "<0x0A>", "<0x0D>", "<0x20>")


class LocalJudge:
    """Answers rubric prompts with the probabilities of the engine's model."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.vocabulary = engine.tokenizer.get_vocab()
        self.splits = len(engine.tokenizer.encode("75", add_special_tokens=False)) > 1
        self.blanks = self._blanks()

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer per text, in order; top: how many of the likeliest tokens are looked at.

        A blank first token is looked past: what may follow it has its probability.
        """
        ids = ids_of_prompts(self.engine.tokenizer, texts, "chat")
        likeliest = self._likeliest(ids, top)
        begun = [
            (i, token)
            for i, tokens in enumerate(likeliest)
            for token, value in tokens.items()
            if token in self.blanks and value >= LEAST_BLANK
        ]
        following = self._likeliest([[*ids[i], self.blanks[token]] for i, token in begun], top)
        for (i, token), after in zip(begun, following, strict=True):
            blank = likeliest[i].pop(token)
            more = [(text, blank + value) for text, value in after.items()]
            likeliest[i] = added_up([*likeliest[i].items(), *more])
        return [Answer(tokens) for tokens in likeliest]

    def _likeliest(self, ids: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        """Next tokens, or whole numbers -> natural log-probability."""
        if self.splits:
            branches = [tuple(self.vocabulary[c] for c in number) for number in BEGUN]
            read = self.engine.branch_logprobs(ids, branches, top)
            if read is not None:
                return [_numbers_of_branches(*after) for after in read]
        likeliest = self.engine.next_token_logprobs(ids, top)
        return self._whole_numbers(ids, likeliest, top) if self.splits else likeliest

    def _whole_numbers(
        self, ids: Sequence[list[int]], likeliest: list[dict[str, float]], top: int
    ) -> list[dict[str, float]]:
        """Probabilities of whole numbers under a tokenizer that writes them digit by digit.

        likeliest: per text, first tokens -> natural log-probability. A first digit is a number of
        one digit only as far as no digit follows it.
        """
        for length in (1, 2):
            begun = [
                (i, token)
                for i, tokens in enumerate(likeliest)
                for token in tokens
                if len(token) == length and all(c in DIGITS for c in token)
                and (length == 1 or token == "10")
            ]  # fmt: skip
            longer = [[*ids[i], *(self.vocabulary[c] for c in token)] for i, token in begun]
            following = self.engine.next_token_logprobs(longer, top)
            for (i, token), after in zip(begun, following, strict=True):
                _extend(likeliest[i], token, after)
        return likeliest

    def _blanks(self) -> dict[str, int]:
        """Text -> id of the tokens that are nothing but blanks; the text of "▁" alone is empty."""
        tokens = sorted(
            token
            for piece, token in self.vocabulary.items()
            if piece and (not piece.strip(BLANK) or piece in BLANK_BYTES)
        )
        texts = [self.engine.tokenizer.decode([token]) for token in tokens]
        return dict(zip(reversed(texts), reversed(tokens), strict=True))  # the first of one text


def _numbers_of_branches(first: dict[str, float], *after: dict[str, float]) -> dict[str, float]:
    """First tokens, those that are digits made into whole numbers.

    after: for each of `BEGUN`, the tokens that may follow -> natural log-probability.
    """
    following = dict(zip(BEGUN, after, strict=True))
    for length in (1, 2):
        for token in [token for token in first if token in following and len(token) == length]:
            _extend(first, token, following[token])
    return first


def _extend(tokens: dict[str, float], token: str, after: dict[str, float]) -> None:
    """Divide a number's probability among itself and the longer numbers that begin with it.

    tokens: changed in place. after: the tokens that may follow -> natural log-probability.
    """
    whole = tokens.pop(token)
    more = {digit: value for digit, value in after.items() if digit in DIGITS and digit}
    ends = 1 - math.fsum(math.exp(value) for value in more.values())
    if ends > 0:
        tokens[token] = whole + math.log(ends)
    longer = [(token + digit, whole + value) for digit, value in more.items()]
    sums = added_up([*tokens.items(), *longer])
    tokens.clear()
    tokens.update(sums)
