"""Where a text's sentences end."""

import re

# a full stop of any script, with what closes it, before a blank; or a line's end
_END = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[.!?…。！？][\"'”’)\]])\s+|\s*\n+\s*")


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without blanks around them; none of an empty text.

    What has no letter, digit or sign of its own (only marks) goes to the sentence before it.
    """
    kept: list[str] = []
    for piece in _END.split(text):
        part = piece.strip()
        if kept and part and not any(c.isalnum() for c in part):
            kept[-1] = f"{kept[-1]} {part}"
        elif part:
            kept.append(part)
    return kept
