"""The key of an endpoint: what one may be, and messages without it."""

import re
from difflib import Match, SequenceMatcher

from idempotence.errors import UserError

# letters of a key that give it away; a shorter text is for a server that asks for none
PART = 8
MASKED = re.compile(r"\S*\*{3,}\S*")  # a server's own way to show a part


def check_key(key: str, role: str, variable: str) -> str:
    """The key; raises `UserError`, which does not show it, for one that cannot be sent."""
    if not key:
        raise UserError(
            f"the {role}'s key is not set: put it in the environment variable {variable} "
            f"({role}.api.key_env names it; a server that asks for none takes any text)"
        )
    wrong = {
        "a line break": any(each in key for each in "\r\n"),
        "a letter that is not ASCII": not key.isascii(),
        "a blank or a control character": any(ord(each) <= 32 or ord(each) == 127 for each in key),
    }
    for what, is_there in wrong.items():
        if is_there:
            raise UserError(
                f"the {role}'s key, in the environment variable {variable}, holds {what} and "
                "cannot be sent; set it again without"
            )
    return key


def without_key(message: str, key: str) -> str:
    """A message in which a key, and any part of it of `PART` letters or more, reads ***."""
    message = MASKED.sub("***", message)
    if len(key) < PART:
        return re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "***", message)
    while (same := _shared(message, key)).size >= PART:
        message = f"{message[: same.a]}***{message[same.a + same.size :]}"
    return message


def _shared(message: str, key: str) -> Match:
    """The longest part of a key in a message."""
    return SequenceMatcher(None, message, key, autojunk=False).find_longest_match()
