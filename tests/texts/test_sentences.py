"""Where sentences end."""

import pytest

from idempotence.texts.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   \n ", []),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Pi is 3.14 here. Yes", ["Pi is 3.14 here.", "Yes"]),
        ("Wait... what?! No.", ["Wait...", "what?!", "No."]),
        ("- one\n- two\n\n- three", ["- one", "- two", "- three"]),
        ("Good. ... Bad.", ["Good. ...", "Bad."]),
        ('He said "go." Then he went.', ['He said "go."', "Then he went."]),
        ("no end", ["no end"]),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected
