"""Texts of people and models as token ids: what looks like a control token in them is only text.

Control tokens, such as the end of a turn, are to come from the chat template alone. A reply that
holds the letters `<|im_end|>` would otherwise end its turn there, in training and before a judge.
"""

import json
import re
from functools import cached_property, lru_cache
from typing import Any

Ids = list[int]
MARK = "\ue000"  # of Unicode's private use: put into a control token's text, it is one no more


def plain_text(tokenizer: Any) -> "PlainText":
    """The encoder of a tokenizer with its chat template, made once."""
    return _plain_text(tokenizer, str(tokenizer.chat_template or ""))


class PlainText:
    """Encodes texts with a tokenizer, whose chat template is `template`.

    Control tokens are the special tokens, and the added tokens that the template writes
    (`</think>`). Whitespace that is an added token is text.
    """

    def __init__(self, tokenizer: Any, template: str):
        self.tokenizer = tokenizer
        self.ids = {
            token.content: (i, token)
            for i, token in tokenizer.added_tokens_decoder.items()
            if token.special or (token.content in template and not token.content.isspace())
        }
        longest_first = sorted(self.ids, key=len, reverse=True)
        self.control = _any_of(longest_first)
        self.marked = _any_of([_with_mark(content) for content in longest_first])

    def encode(self, texts: list[str]) -> list[Ids]:
        """Ids of each text, without BOS or an end."""
        whole = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return [
            self._without_control(text) if self.control.search(text) else ids
            for text, ids in zip(texts, whole, strict=True)
        ]

    def mark(self, text: str) -> str:
        """The text with each control token in it marked, to be put into a chat."""
        return self.control.sub(lambda match: _with_mark(match[0]), text)

    def encode_chats(self, rendered: list[str]) -> list[Ids]:
        """Ids of rendered chats: what is marked becomes text, other control tokens stay."""
        whole = self.tokenizer(rendered, add_special_tokens=False)["input_ids"]
        return [
            self._in_segments(text) if self.marked.search(text) else ids
            for text, ids in zip(rendered, whole, strict=True)
        ]

    def _in_segments(self, chat: str) -> Ids:
        """Control tokens of the template by their ids, what lies between them as text."""
        ids: Ids = []
        start, strip = 0, False
        for match in self.control.finditer(chat):
            own, token = self.ids[match[0]]
            segment = chat[start : match.start()]
            ids += self._segment(segment.rstrip() if token.lstrip else segment, strip)
            ids.append(own)
            start, strip = match.end(), token.rstrip
        return ids + self._segment(chat[start:], strip)

    def _segment(self, text: str, strip: bool) -> Ids:
        text = self.marked.sub(lambda match: match[0].replace(MARK, ""), text)
        return self._without_control(text.lstrip() if strip else text)

    def _without_control(self, text: str) -> Ids:
        ids: Ids = self._backend.encode(text, add_special_tokens=False).ids
        return ids

    @cached_property
    def _backend(self) -> Any:
        """The same tokenizer, without its control tokens."""
        from tokenizers import Tokenizer

        content = json.loads(self.tokenizer.backend_tokenizer.to_str())
        kept = [each for each in content["added_tokens"] if each["content"] not in self.ids]
        return Tokenizer.from_str(
            json.dumps(content | {"added_tokens": kept, "truncation": None, "padding": None})
        )


@lru_cache(maxsize=4)
def _plain_text(tokenizer: Any, template: str) -> PlainText:
    return PlainText(tokenizer, template)


def _with_mark(content: str) -> str:
    return content[:1] + MARK + content[1:]


def _any_of(texts: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, texts)) or r"(?!)")  # (?!) matches nothing
