"""A trait that is newer than the shipped models is refused, with what to do."""

import shutil
from pathlib import Path

import pytest
import yaml
from make_config import effective

from idempotence.config.load import load_study
from idempotence.errors import UserError
from idempotence.micro_world.grammar import GRAMMAR_FOLDER, load_grammar
from idempotence.texts.generation import combination_count, combinations
from idempotence.workflow import study_texts

BUILD = "`world: build` builds models that do"


@pytest.fixture
def grammar(tmp_path, monkeypatch):
    """A copy of the grammar's folder, which the study is checked against."""
    folder = tmp_path / "grammar"
    shutil.copytree(GRAMMAR_FOLDER, folder)
    monkeypatch.setattr(study_texts, "load_grammar", lambda: load_grammar(folder))
    monkeypatch.setattr(
        study_texts, "trait_names", lambda: sorted(p.stem for p in (folder / "traits").iterdir())
    )
    return folder


def study(**over):
    """The study of the base config with changes, checked as Snakemake's process does."""
    config = effective(over)
    return load_study(config, [], study_texts.supply(config))


def change(path: Path, **words: list[str]) -> None:
    """Put word lists into a trait's file."""
    content = yaml.safe_load(path.read_text())
    content["words"] |= words
    path.write_text(yaml.safe_dump(content))


def add_trait(folder: Path) -> None:
    sentences = [f"it is {' '.join(['{own}'] * (i + 1))} ." for i in range(7)]
    text = {"words": {"own": ["zork", "quux"]}, "sentences": sentences}
    (folder / "traits" / "zany.yaml").write_text(yaml.safe_dump(text))


def test_the_shipped_grammar_is_known_to_the_shipped_models():
    assert study_texts.supply({}).unknown_words == {}


def test_a_new_trait_is_refused_where_it_is_named(grammar):
    add_trait(grammar)
    with pytest.raises(UserError, match="traits.1: the shipped models do not know words") as error:
        study(traits=["bliss", "zany"])
    assert "of the trait zany (" in str(error.value) and "zork" in str(error.value)
    assert BUILD in str(error.value)
    assert study(traits=["bliss", "zany"], world="build").traits == ["bliss", "zany"]
    assert study(traits=["bliss"]).traits == ["bliss"]


def test_new_words_of_a_known_trait_are_refused_too(grammar):
    change(grammar / "traits" / "bliss.yaml", more=["zork"])
    with pytest.raises(UserError, match=r"traits.0: .*of the trait bliss \(zork\).*world: build"):
        study(traits=["bliss"])


def test_new_words_of_all_traits_are_refused_at_the_world(grammar):
    path = grammar / "sentences.yaml"
    content = yaml.safe_load(path.read_text())
    content["content"].append("zork .")
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(UserError, match=r"world: .*words of the grammar \(zork\)"):
        study(traits=["bliss"])


def test_models_of_ones_own_may_know_other_words(grammar, tmp_path):
    add_trait(grammar)
    models = [{"name": kind, "kind": kind, "path": str(tmp_path)} for kind in ("instruct", "base")]
    judge = {"path": str(tmp_path)}
    assert study(traits=["zany"], models=models, judge=judge).traits == ["zany"]


def test_combinations_are_counted_without_making_them():
    assert all(combination_count(kind) == len(combinations(kind)) for kind in ("chat", "document"))
