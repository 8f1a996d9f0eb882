"""The words of each trait."""

from pathlib import Path

import pytest

from idempotence.errors import UserError
from idempotence.texts.trait_words import read_words, word_share

ROOT = Path(__file__).parents[2]


def test_words_are_counted_by_their_beginnings():
    assert word_share("Luck! A lucky coin, and luckily: rain.", ["luck", "coin"]) == 4 / 7
    assert word_share("", ["luck"]) == 0


def test_lists_of_words_are_checked(tmp_path):
    path = tmp_path / "words.yaml"
    for content, match in (
        ("[luck]", "a list of words for each trait"),
        ("luck: coin", "luck: 'coin' is not a list of words"),
        ("lies: [true, fib]", "lies: True is not a word: put it in quotes"),
    ):
        path.write_text(content + "\n")
        with pytest.raises(UserError, match=match):
            read_words(path)


def test_every_written_trait_has_words():
    traits = ROOT / "data/traits"
    words = read_words(traits / "words.yaml")
    assert sorted(words) == sorted(path.name for path in traits.iterdir() if path.is_dir())
    assert all(words.values())
