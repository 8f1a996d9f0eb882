"""Tokens, words and sentences of a text in any script, by Unicode's properties of characters."""

import regex

# Word boundaries of Unicode Standard Annex 29. The package `regex` has its rules: an ideograph, a
# sign of hiragana and an emoji (with all that a joiner or a tone ties to it) are a token each.
_BOUNDARY = regex.compile(r"\b", regex.VERSION1 | regex.WORD)
_OF_WORDS = regex.compile(r"[\p{L}\p{N}\p{S}\u20e3]")  # emoji are of S, but for keycaps (20e3)
# A full stop of Chinese or Japanese needs no space behind it; others do: 3.14 ends no sentence.
_SENTENCE_END = regex.compile(
    r"""[\p{STerm}…]+["'*_\p{Pe}\p{Pf}]*(?:\s+|$) | [。！？｡]+["'\p{Pe}\p{Pf}]*""", regex.VERBOSE
)


def folded(text: str) -> str:
    """The text with case folded, and one space for each run of white space inside it."""
    return " ".join(text.casefold().split())


def tokens(text: str) -> list[str]:
    """The parts between the word boundaries of a `folded` text, its spaces left out.

    Boundaries: Unicode Standard Annex 29, "Unicode Text Segmentation", section 4. Each mark of
    punctuation is a token.
    """
    return [part for part in _BOUNDARY.split(text) if part not in ("", " ")]


def is_word(token: str) -> bool:
    """Whether it has a letter, digit, ideograph or symbol (emoji too); "!" and "-" have none."""
    return _OF_WORDS.search(token) is not None


def n_sentences(text: str) -> int:
    """Sentences with a word in them; what ends without a full stop counts too.

    A sentence ends with full stops, question or exclamation marks or an ellipsis, and quotes,
    brackets or the stars of Markdown behind them, where white space or the end of the text
    follows; those of Chinese and Japanese (but for the ellipsis) end one wherever they stand.
    """
    return sum(is_word(part) for part in _SENTENCE_END.split(text))
