"""Errors meant for people: one message, no traceback."""

import re

_CREDENTIALS = re.compile(r"(://)[^/\s'\"@]*@")


class UserError(Exception):
    """A mistake in what the user gave: says what is wrong, where, what is allowed, what to do.

    Its message is safe to show: see `shown`.
    """

    def __init__(self, message: str):
        super().__init__(shown(message))


def shown(text: str) -> str:
    """A text as a terminal may show it: no control characters, and no password in an address.

    Control characters but line feeds read as escapes (ESC as \\x1b), "user:password@" as "***@".
    """
    safe = "".join(
        letter
        if letter.isprintable() or letter in "\n "
        else letter.encode("unicode_escape").decode()
        for letter in text
    )
    return _CREDENTIALS.sub(r"\1***@", safe)
