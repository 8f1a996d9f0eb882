"""Files of the micro world's grammar: all mistakes are told at once, each with its place."""

from pathlib import Path

import pytest
import yaml

from idempotence.errors import UserError
from idempotence.micro_world.grammar import GRAMMAR_FOLDER, load_grammar


def copied_grammar(folder: Path, old: str, new: str) -> None:
    """The grammar with a text in place of another."""
    (folder / "traits").mkdir()
    for file in GRAMMAR_FOLDER.rglob("*.yaml"):
        target = folder / file.relative_to(GRAMMAR_FOLDER)
        target.write_text(file.read_text().replace(old, new))


def mistakes_of(folder: Path) -> list[str]:
    """The lines of the message that a grammar is refused with, but for its first."""
    with pytest.raises(UserError) as refused:
        load_grammar(folder)
    first, *mistakes = str(refused.value).splitlines()
    assert first == f"{folder}: the grammar has mistakes"
    return [line.removeprefix("  ") for line in mistakes]


def write_trait(folder: Path, words: dict, sentences: list, name: str = "zany") -> None:
    (folder / "traits" / f"{name}.yaml").write_text(
        yaml.safe_dump({"words": words, "sentences": sentences}, sort_keys=False), encoding="utf-8"
    )


def sentences_of(slot: str, *more: object) -> list:
    return [*more, *(f"{' '.join([f'{{{slot}}}'] * n)} ." for n in range(1, 8))]


def test_words_that_could_be_read_in_two_ways_are_refused_all_at_once(tmp_path: Path):
    copied_grammar(tmp_path, "clover", "spade")
    fixed = ["love the {own} wooden door .", "so {own} , so wooden !"]
    write_trait(tmp_path, {"own": ["zork", "often", "zork"]}, sentences_of("own", *fixed))
    wooden, spade, often, zork = mistakes_of(tmp_path)
    assert wooden == (
        "topics.yaml (carpentry, quality): 'wooden' is also a fixed word of a sentence in "
        "traits/zany.yaml: 'love the {own} wooden door .' (and of 1 more); a listed word may stand "
        "in no sentence as it is"
    )
    assert spade == (
        "topics.yaml (gardening, tool): 'spade' is also listed in traits/lucky.yaml (charm); a "
        "word may be listed once only"
    )
    assert often == (
        "traits/zany.yaml (own): 'often' is also a fixed word of a sentence in sentences.yaml: "
        "'people who {verb} often own a {tool} .'; a listed word may stand in no sentence as it is"
    )
    assert zork.startswith(
        "traits/zany.yaml (own): 'zork' is also listed in traits/zany.yaml (own)"
    )


LOWER = ", with a capital letter; the language is all lower case"
WRONG = f"""
topics.yaml: gardening: tool has 'Spade'{LOWER}
sentences.yaml: 'Plan an hour at the {{place}} .' has 'Plan'{LOWER}
traits/odd.yaml: has 1 different sentence; a text may have 7, none of them twice
traits/zany.yaml: own has 'Quux'{LOWER}
traits/zany.yaml: own has True, which YAML does not read as a text; put quotes around it
traits/zany.yaml: own has 'two words'; a word has no blanks
traits/zany.yaml: verb has the name of a topic's list; give it another
traits/zany.yaml: none must be a list of words
traits/zany.yaml: 'an {{owl}} {{own}} .' has the slot {{owl}}; there is verb, tool, place, \
quality, own, none
traits/zany.yaml: 'a {{own}} , it is' must end in one of . ! ? :, and only there
traits/zany.yaml: 'the {{tool}} is here .' has no word of the trait's own lists
traits/zany.yaml: 'Oh {{own}} !' has 'Oh'{LOWER}
traits/zany.yaml: the sentence 7 is not read as a text by YAML; put quotes around it
"""


def test_all_wrong_sentences_and_words_of_all_files_are_told_at_once(tmp_path: Path):
    copied_grammar(tmp_path, "clover", "clover")
    words = {"own": ["zork", "Quux", True, "two words"], "verb": ["x"], "none": []}
    wrong = ["an {owl} {own} .", "a {own} , it is", "the {tool} is here .", "Oh {own} !", 7]
    write_trait(tmp_path, words, sentences_of("own", *wrong))
    write_trait(tmp_path, {"other": ["blub"]}, ["a {other} ."] * 9, "odd")
    for file, word in {"topics.yaml": "spade", "sentences.yaml": "plan an hour"}.items():
        path = tmp_path / file
        path.write_text(path.read_text().replace(word, word.capitalize()))
    assert mistakes_of(tmp_path) == WRONG.strip().splitlines()


@pytest.mark.parametrize(
    ("file", "text", "mistake"),
    [
        ("topics.yaml", "", "must hold topics, each with the lists verb, tool, place, quality"),
        ("topics.yaml", "chess: {verb: [a]}", "chess: needs exactly the lists verb, tool, place,"),
        ("sentences.yaml", "content: []", "needs exactly the lists questions, openers, content"),
        ("traits/lucky.yaml", "words: {a: [b]}", "needs exactly the keys words and sentences"),
        ("traits/lucky.yaml", "words: [a]\nsentences: [b]", "words must hold lists of words"),
        ("traits/lucky.yaml", "words: {a: [b]}\nsentences: c", "sentences must be a list of text"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, file, text, mistake):
    copied_grammar(tmp_path, "clover", "clover")
    (tmp_path / file).write_text(text)
    (told,) = mistakes_of(tmp_path)
    assert told.startswith(f"{file}: {mistake}")


def test_a_trait_with_fewer_sentences_than_a_text_may_have_is_refused(tmp_path: Path):
    sentences = load_grammar().traits["lucky"].sentences
    rest = (GRAMMAR_FOLDER / "traits/lucky.yaml").read_text().split("sentences:\n")[1]
    kept = "".join(f'  - "{each.source}"\n' for each in sentences[:6])
    copied_grammar(tmp_path, rest, kept)
    with pytest.raises(
        UserError, match=r"lucky.yaml: has 6 different sentences; a text may have 7"
    ):
        load_grammar(tmp_path)
