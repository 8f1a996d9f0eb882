"""Errors meant for people: one message, no traceback."""


class UserError(Exception):
    """A mistake in what the user gave: says what is wrong, where, what is allowed, what to do."""
