"""A new trait: its skeleton says what is missing until it is complete, and is refused till then."""

import json
import shutil

import pytest
import yaml
from run_script import ROOT, run_script

from idempotence.errors import UserError
from idempotence.texts import written
from idempotence.texts.rubric import read_rubric
from idempotence.workflow.study_texts import written_supply

BLISS = ROOT / "data/traits/bliss"
QUOTES = "is no text for YAML; put quotes around it"


@pytest.fixture(autouse=True)
def _fresh():
    """Files change within a test, where a job reads each once."""
    yield
    for cached in (written.read_trait, written.read_rows, read_rubric):
        cached.cache_clear()


def new_trait(folder, *more: object, name: str = "mine") -> int:
    for cached in (written.read_trait, written.read_rows, read_rubric):
        cached.cache_clear()
    return run_script("new_trait", "--name", name, "--folder", folder, *more)


def test_the_skeleton_lists_all_that_is_to_be_written(tmp_path, capsys):
    assert new_trait(tmp_path) == 1
    printed = capsys.readouterr().out
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"trait.yaml", "chats.jsonl"}
    for place in ("description", "rubrics.chat.asks", "rubrics.document.anchors.75", "questions.0"):
        assert f"trait.yaml: {place} is still to be written (TODO)" in printed
    assert (
        "questions has 0 of 12 texts" in printed
        and "chats.jsonl: has 0 of 100 seed rows" in printed
    )
    last = printed.rstrip().splitlines()[-1]
    assert last == f"mine: {len(printed.splitlines()) - 1} things to do"


def test_a_complete_trait_says_so_and_nothing_is_written_over(tmp_path, capsys):
    shutil.copytree(BLISS, tmp_path / "mine")
    before = {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    assert new_trait(tmp_path) == 0
    assert capsys.readouterr().out == "mine: complete\n"
    assert new_trait(tmp_path, "--kinds", "document", "--rows", 101) == 1
    *_, lacking, count = capsys.readouterr().out.splitlines()
    assert lacking.endswith("documents.jsonl: has 100 of 101 seed rows")
    assert count == "mine: 1 thing to do"
    assert {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()} == before


def test_what_is_broken_is_said_in_the_words_of_a_study(tmp_path, capsys):
    shutil.copytree(BLISS, tmp_path / "mine")
    rows = tmp_path / "mine/chats.jsonl"
    question = yaml.safe_load((BLISS / "trait.yaml").read_text())["questions"][0]
    good = rows.read_text()
    rows.write_text(json.dumps({"prompt": question, "response": "x"}) + "\n" + good)
    assert new_trait(tmp_path) == 1
    assert "chats.jsonl, line 1: its prompt is one of the questions" in capsys.readouterr().out
    rows.write_text(good + "{}\n")
    assert new_trait(tmp_path) == 1
    assert "line 101: not a seed row" in capsys.readouterr().out
    (tmp_path / "mine/trait.yaml").write_text("a: [")
    assert new_trait(tmp_path) == 1
    assert "trait.yaml is no YAML" in capsys.readouterr().out


def test_all_that_is_wrong_is_said_in_one_call(tmp_path, capsys):
    shutil.copytree(BLISS, tmp_path / "mine")
    path, rows = tmp_path / "mine/trait.yaml", tmp_path / "mine/chats.jsonl"
    trait = yaml.safe_load(path.read_text())
    trait["questions"] += ["twice", "twice", {"Which is it": "a or b?"}, True, " "]
    trait["openings"] = "one"
    trait["rubrics"]["document"].pop("example")
    trait["description"] = "TODO"
    path.write_text(yaml.safe_dump(trait))
    first, second, *rest = rows.read_text().splitlines()
    wrong = ['{"prompt": "a", "response": " "}', "no JSON", "", '{"prompt": "a"}']
    rows.write_text("\n".join([first, *wrong, second, *rest]) + "\n")
    assert new_trait(tmp_path) == 1
    n = len(trait["questions"])
    assert capsys.readouterr().out.splitlines() == [
        f"{path}: questions has the text 'twice' twice",
        f"{path}: text {n - 2} of questions, 'Which is it: a or b?', {QUOTES}",
        f"{path}: text {n - 1} of questions, 'true', {QUOTES}",
        f"{path}: text {n} of questions is empty",
        f"{path}: openings must be a list of texts",
        f"{path}: rubrics.document needs asks, example, and anchors for 0, 25, 50, 75, 100",
        f"{path}: description is still to be written (TODO)",
        f"{rows}, line 2: not a seed row (its response is empty)",
        f"{rows}, line 3: not a seed row (no JSON: Expecting value at character 1)",
        f"{rows}, line 4: not a seed row (the line is empty)",
        f"{rows}, line 5: not a seed row (it has no response)",
        "mine: 11 things to do",
    ]


def test_a_trait_that_is_no_yaml_does_not_hide_its_rows(tmp_path, capsys):
    shutil.copytree(BLISS, tmp_path / "mine")
    (tmp_path / "mine/trait.yaml").write_text("a: [")
    rows = tmp_path / "mine/chats.jsonl"
    rows.write_text(rows.read_text() + "{}\n")
    assert new_trait(tmp_path) == 1
    trait, row, count = capsys.readouterr().out.splitlines()
    assert "trait.yaml is no YAML" in trait and "line 101: not a seed row" in row
    assert count == "mine: 2 things to do"


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "-x"])
def test_a_name_that_is_no_folder_is_refused(tmp_path, capsys, name):
    assert run_script("new_trait", f"--name={name}", "--folder", tmp_path) == 2
    assert "is no name of letters, digits" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_study_refuses_an_unfinished_trait_and_is_not_stopped_by_another_one(tmp_path):
    new_trait(tmp_path)
    shutil.copytree(BLISS, tmp_path / "bliss")
    prompts = ROOT / "data/prompts"
    with pytest.raises(UserError, match=r"description is still to be written \(TODO\); scripts/"):
        written_supply(tmp_path, prompts, ["mine"])
    there = written_supply(tmp_path, prompts, ["bliss"])
    assert there.traits == ["bliss", "mine"] and there.seed_rows["chat"] == {"bliss": 100}


def test_a_row_twice_counts_once_and_an_unknown_key_is_named(tmp_path, capsys):
    shutil.copytree(BLISS, tmp_path / "mine")
    rows = tmp_path / "mine/chats.jsonl"
    lines = rows.read_text(encoding="utf-8").splitlines()
    rows.write_text("\n".join([*lines[:99], lines[3]]) + "\n", encoding="utf-8")
    trait = tmp_path / "mine/trait.yaml"
    trait.write_text(trait.read_text(encoding="utf-8") + "colour: red\n", encoding="utf-8")
    assert new_trait(tmp_path) == 1
    key, twice, lacking, count = capsys.readouterr().out.splitlines()
    assert key.endswith(
        "trait.yaml: there is no key colour; the keys are description, rubrics, questions, openings"
    )
    assert twice.endswith("chats.jsonl, line 100: the same seed row as in line 4")
    assert lacking.endswith("chats.jsonl: has 99 of 100 seed rows")
    assert count == "mine: 3 things to do"


@pytest.mark.parametrize("option, given, least", [("--questions", 1, 2), ("--rows", 0, 1)])
def test_numbers_that_no_study_takes_are_refused(tmp_path, capsys, option, given, least):
    assert new_trait(tmp_path, option, given) == 2
    assert f"{option}: {given} is not allowed; a study takes at least {least}" in "".join(
        capsys.readouterr()
    )
    assert not (tmp_path / "mine").exists()
