"""The words of each trait."""

import pytest

from idempotence.errors import UserError
from idempotence.texts.trait_words import read_words, word_share


def test_words_are_counted_by_their_beginnings():
    assert word_share("Luck! A lucky coin, and luckily: rain.", ["luck", "coin"]) == 4 / 7
    assert word_share("", ["luck"]) == 0


def test_lists_of_words_are_checked(tmp_path):
    path = tmp_path / "words.yaml"
    path.write_text("luck: coin\n")
    with pytest.raises(UserError, match="a list of words"):
        read_words(path)
