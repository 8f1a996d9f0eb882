"""Errors meant for people: one message, no traceback."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake in what the user gave: says what is wrong, where, what is allowed, what to do."""


def exit_cleanly(main: Callable[[], int | None]) -> None:
    """Run a script's `main`; a `UserError` becomes its message on stderr and exit status 2."""
    try:
        sys.exit(main() or 0)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
