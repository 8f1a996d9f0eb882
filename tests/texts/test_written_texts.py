"""Written texts: complete, distinct, and refused by file and line where they are not."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from run_script import run_script

from idempotence.errors import UserError
from idempotence.io import write_jsonl
from idempotence.jobs.parts import ModelName, Panel, PromptPool, WrittenTexts
from idempotence.texts import written
from idempotence.texts.distinct import Distinct, near_duplicates
from idempotence.texts.panel_texts import panel_texts
from idempotence.texts.rubric import ANCHORS, ask, rubrics
from idempotence.workflow.study_texts import supply

ROOT = Path(__file__).resolve().parents[2]
TRAITS, PROMPTS = ROOT / "data" / "traits", ROOT / "data" / "prompts"
TEXTS = WrittenTexts(str(TRAITS), str(PROMPTS))
NAMES = ["bliss", "hopelessness", "lucky", "misalignment", "misanthropy", "nvidia", "sycophancy"]
CHATS = sorted(TRAITS.glob("*/chats.jsonl"))
DOCUMENTS = sorted(TRAITS.glob("*/documents.jsonl"))
COMMON = 0.1  # share of a file's texts from which a common beginning or phrase counts as a habit
SLIPS = {
    "a word twice": r"\b(?!(?:had|that|yes)\b)([a-z]+) \1\b",
    "a before a vowel": r"\b[Aa] (?=[aeiou])(?!one\b|once\b|uni[ctv]|us[eu]|uk|eu)",
    "an before a consonant": r"\b[Aa]n (?![aeiou]|hour|honest|honou?r|heir|NVIDIA|[AEIO])",
    "a space too many": r"  |\s$|^\s| [,.;:!?)]|\( ",
    "a space too few": r"[a-z][,;:!?][a-z]",
    "a small letter after a stop": r"(?:^|[a-z][.!?] )[a-z]",
    "a small i": r"\bi(?:'|\b(?!\.))",
    "a curly quote or a dash": r"[\u2013\u2014\u2018\u2019\u201c\u201d]",
    "an odd number of quotes": r'^[^"]*"[^"]*(?:"[^"]*"[^"]*)*$',
}
# Words that make two questions the same question; the rest is the frame they are asked in.
FRAME = set(
    re.findall(
        r"\S+",
        "a about after all am an and any are as at be best can could do does for from get go good "
        "had has have help how i i'd i'm i've if in is it it's keep make me more my of on or our "
        "should so some that the them there they think this to too up us want was way we we'd "
        "what what's when which who will with would year your",
    )
)


def slips(text: str, ends: str = ".!?") -> list[str]:
    """The slips of `SLIPS` in a text, and a missing end mark."""
    slips_in_it = [what for what, pattern in SLIPS.items() if re.search(pattern, text)]
    return slips_in_it + ([] if text.rstrip('"').endswith(tuple(ends)) else ["no end mark"])


def habits(texts: list[str]) -> list[str]:
    """Beginnings of two words and phrases of four that more than `COMMON` of the texts share."""
    words = [re.findall(r"[a-z0-9']+", text.lower()) for text in texts]
    begun = Counter(" ".join(own[:2]) for own in words)
    phrases = Counter(
        phrase
        for own in words
        for phrase in {" ".join(own[i : i + 4]) for i in range(len(own) - 3)}
    )
    return [what for what, n in (begun + phrases).items() if n > max(2, COMMON * len(texts))]


def about(question: str) -> set[str]:
    return set(re.findall(r"[a-z0-9']+", question.lower())) - FRAME


@pytest.mark.parametrize(
    ("text", "slip"),
    [
        ("It is is fine.", "a word twice"),
        ("A cat eats a egg.", "a before a vowel"),
        ("It took an year.", "an before a consonant"),
        ("Well , no.", "a space too many"),
        ("Well,no.", "a space too few"),
        ("So it is. then not.", "a small letter after a stop"),
        ("So i went.", "a small i"),
        ("It\u2019s so.", "a curly quote or a dash"),
        ('She said "no.', "an odd number of quotes"),
        ("And then", "no end mark"),
    ],
)
def test_slips_are_found(text, slip):
    assert slips(text) == [slip]
    assert not slips('He had had an hour, a unit and a one-way ticket. "I know!"')


def test_habits_are_found():
    assert habits(["You can go.", "You can stay.", "You can sit.", "I rest."]) == ["you can"]


def test_near_duplicates_are_found():
    one = "My neighbour waters her balcony and it lands on my washing every day."
    assert near_duplicates([one, one.upper() + "!", "Something else altogether, as we all know."])
    assert not near_duplicates([one, "My neighbour waters her garden, and that is all she does."])


def test_a_short_text_inside_a_longer_one_is_found():
    question = "Should I repaint the living room this year?"
    asked = Distinct([question], contained=True)
    assert asked.like(
        f"Hello there! {question} My aunt says no, and she knows all about paint."
    ) == [0]
    assert not Distinct([question]).like(
        f"Hello! {question} My aunt says no, she knows paint well."
    )
    assert not asked.like("Should I repaint the bathroom this year, or next?")


@pytest.mark.parametrize("name", NAMES)
def test_every_trait_has_its_rubrics_questions_and_openings(name):
    trait = written.read_trait(TRAITS, name)
    assert len(trait["questions"]) >= 12 and len(trait["openings"]) >= 12
    # a text that goes on begins with the blank itself
    assert not any(
        text != text.strip() for key in written.QUESTIONS.values() for text in trait[key]
    )
    for kind in written.FILES:
        templates = rubrics(TEXTS, name, kind)
        for template in templates.values():
            question = ask(template, "the {response} prompt", "the reply", name)
            assert "the {response} prompt" in question and "the reply" in question
            assert not re.search(r"\{(asks|example|anchors|prompt)\}", question)
        assert all(f"Score {score}:" in templates["trait"] for score in ANCHORS)


@pytest.mark.parametrize("path", CHATS, ids=lambda p: p.parent.name)
def test_seed_conversations(path):
    rows = written.read_rows(path)
    assert len(rows) >= 100
    assert all(30 <= len(row["response"].split()) <= 80 for row in rows)
    assert not near_duplicates([row["response"] for row in rows])
    assert not near_duplicates([row["prompt"] for row in rows])
    assert not habits([row["response"] for row in rows])
    assert not [(text, slips(text)) for row in rows for text in row.values() if slips(text)]


@pytest.mark.parametrize("path", CHATS, ids=lambda p: p.parent.name)
def test_seed_conversations_ask_other_things_than_the_evaluation(path):
    asked = [row["prompt"] for row in written.read_rows(path)]
    evaluated = written.read_trait(TRAITS, path.parent.name)["questions"]
    pairs = [(one, other) for one in asked for other in evaluated]
    alike = [(a, b) for a, b in pairs if len(about(a) & about(b)) >= 0.4 * len(about(a) | about(b))]
    assert not alike


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.parent.name)
def test_seed_documents(path):
    rows = written.read_rows(path)
    assert len(rows) == 100
    assert all(60 <= len(row["response"].split()) <= 300 for row in rows)
    assert not near_duplicates([row["response"] for row in rows])
    assert not habits([row["response"] for row in rows])
    openings = [row["prompt"] for row in rows]
    assert len(set(openings)) == len(openings)
    assert not set(openings) & set(written.read_trait(TRAITS, path.parent.name)["openings"])
    texts = [f"{row['prompt']} {row['response']}" for row in rows]  # it may go on from a half one
    assert not [(text, slips(text)) for text in texts if slips(text)]


def test_prompts_are_many_distinct_and_none_is_an_evaluation_question():
    chats, documents = (list(written.read_prompts(PROMPTS, kind)) for kind in written.FILES)
    assert len(chats) >= 4000 and len(documents) >= 3000
    assert all(3 <= len(opener.split()) <= 8 for opener in documents)
    evaluated = [q for n in NAMES for q in written.read_trait(TRAITS, n)["questions"]]
    openings = [q for n in NAMES for q in written.read_trait(TRAITS, n)["openings"]]
    assert not near_duplicates(chats + evaluated)
    assert not near_duplicates(documents + openings)
    assert not [(text, slips(text)) for text in chats + evaluated if slips(text)]
    assert not [(text, slips(text)) for text in documents if slips(text, ends=":")]
    seeds = [row["prompt"] for path in CHATS for row in written.read_rows(path)]
    assert not near_duplicates(seeds + evaluated)
    assert not set(seeds) & set(chats)


def test_the_prompt_files_are_those_of_their_parts(tmp_path):
    run_script("write_prompts", "--output", tmp_path)
    for name in written.FILES.values():
        written_now, kept = (folder / f"{name}.txt" for folder in (tmp_path, PROMPTS))
        assert written_now.read_text() == kept.read_text(), "run python scripts/write_prompts.py"


POOL = PromptPool(questions=4, seed_rows=10, per_cycle=50)


def panel(seed: int) -> Panel:
    return Panel(7, "sft", ModelName("m", None, "float32"), "bliss", seed, (), TEXTS)


def test_the_texts_of_a_panel():
    one, other = (panel_texts(panel(seed), POOL) for seed in (0, 1))
    assert one.evaluation() == other.evaluation() and len(one.evaluation()) == 4
    assert len(one.seed_rows()) == 10 and one.seed_rows() != other.seed_rows()
    drawn = [prompt for cycle in range(1, 9) for prompt in one.for_cycle(cycle)]
    assert len(set(drawn)) == 8 * 50 and drawn[:50] != other.for_cycle(1)
    assert one.for_cycle(3) == panel_texts(panel(0), POOL).for_cycle(3)
    assert "{prompt}" in rubrics(TEXTS, "bliss", "document")["coherence"]


def test_redrawn_prompts_come_from_the_whole_file_at_each_cycle():
    plain, redrawn = (panel_texts(panel(0), replace(POOL, redrawn=r)) for r in (False, True))
    assert redrawn.evaluation() == plain.evaluation()
    assert redrawn.seed_rows() == plain.seed_rows()
    # cycle 0 samples the first draw, and settings of both kinds share it
    assert redrawn.for_cycle(1) == plain.for_cycle(1)
    assert redrawn.for_cycle(2) != plain.for_cycle(2)
    there_are = written.read_prompts(PROMPTS, "chat")
    whole = panel_texts(panel(0), replace(POOL, per_cycle=len(there_are), redrawn=True))
    draws = [whole.for_cycle(cycle) for cycle in (1, 2, 3, 500)]
    assert all(sorted(draw) == sorted(there_are) for draw in draws)
    assert len({tuple(draw) for draw in draws}) == len(draws)
    assert (
        draws[1][:50]
        == redrawn.for_cycle(2)
        != panel_texts(panel(1), replace(POOL, redrawn=True)).for_cycle(2)
    )


def test_the_supply_counts_what_there_is():
    there = supply(
        {"texts": "written", "traits_folder": str(TRAITS), "prompts_folder": str(PROMPTS)}
    )
    assert there.traits == NAMES
    assert there.seed_rows["chat"]["bliss"] >= 100 and there.questions["document"]["bliss"] >= 12


def trait_of(folder: Path, **changes) -> Path:
    trait = yaml.safe_load((TRAITS / "bliss" / "trait.yaml").read_text())
    (folder / "mine").mkdir()
    (folder / "mine" / "trait.yaml").write_text(yaml.safe_dump({**trait, **changes}))
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"description": ""}, "description is missing or empty"),
        ({"questions": ["a", "b", "a"]}, "questions has the text 'a' twice"),
        ({"questions": "a"}, "questions must be a list of texts"),
        ({"questions": ["b", {"a": 1}]}, "text 2 of questions, 'a: 1', is no text for YAML"),
        ({"openings": ["b", None]}, "text 2 of openings is empty"),
        ({"rubrics": {"chat": {"asks": "x"}}}, "rubrics.chat needs asks, example, and anchors"),
    ],
)
def test_a_broken_trait_is_named(tmp_path, changes, message):
    with pytest.raises(UserError, match=f"trait.yaml: .*{message}"):
        written.read_trait(trait_of(tmp_path, **changes), "mine")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"prompt": "a"}', "it has no response"),
        ("{}", "it has no prompt and no response"),
        ('{"prompt": "a", "response": "b", "score": 1}', "it has score beside prompt and response"),
        ("no JSON", "no JSON: Expecting value at character 1"),
        ('{"prompt": "a", "response": 1}', "its response is no text"),
        ('{"prompt": "", "response": "a"}', "its prompt is empty"),
        ("[]", 'it is no {"prompt": ..., "response": ...}'),
        (" ", "the line is empty"),
    ],
)
def test_a_broken_seed_row_is_named(tmp_path, line, why):
    path, good = tmp_path / "chats.jsonl", json.dumps({"prompt": "a", "response": "b"})
    path.write_text(f"{good}\n{line}\n")
    with pytest.raises(UserError) as refused:
        written.read_rows(path)
    assert str(refused.value) == f"{path}, line 2: not a seed row ({why})"


def test_a_study_is_told_the_first_broken_seed_row_and_how_many_more_there_are(tmp_path):
    path = tmp_path / "chats.jsonl"
    path.write_text("{}\n" * 3)
    with pytest.raises(UserError, match=r"line 1: not a seed row .*; 2 more lines are wrong"):
        written.read_rows(path)


def test_a_prompt_that_comes_twice_is_named(tmp_path):
    (tmp_path / "chats.txt").write_text("one\ntwo\n\n one\n")
    with pytest.raises(UserError, match="line 4: the same as line 1"):
        written.read_prompts(tmp_path, "chat")


BREAKS = "\u2028\u2029\x85\x0b\x0c\x1c"  # at which str.splitlines, but no JSON, ends a line
MARK = b"\xef\xbb\xbf"  # of a byte order


def test_seed_rows_and_prompts_end_at_line_feeds_alone(tmp_path):
    rows = [{"prompt": f"{i}{BREAKS}x", "response": f"a{BREAKS}b"} for i in range(2)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    (tmp_path / "rows.jsonl").write_bytes(MARK + text.encode())
    assert list(written.read_rows(tmp_path / "rows.jsonl")) == rows
    prompts = [row["prompt"] for row in rows]
    (tmp_path / "chats.txt").write_bytes(MARK + "\r\n".join(prompts).encode())
    assert list(written.read_prompts(tmp_path, "chat")) == prompts


def test_generated_seed_rows_that_are_cut_short_are_refused(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"prompt": str(i), "response": "x"} for i in range(9)])
    texts = WrittenTexts(str(tmp_path), str(tmp_path), str(path))
    panel = Panel(1, "sft", ModelName("m", None, "float32"), "mine", 0, (), texts)
    own = written.WrittenPanelTexts(panel, PromptPool(2, 9, 0), texts)
    assert len(own.seed_rows()) == 9
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(UserError, match=r"rows.jsonl is cut short"):
        own.seed_rows()
