"""Where a mistake of the config is: file, line and key."""

import copy
import re

import pytest
from make_config import BASE, BASE_FILE, TRAITS, complaint, load

from idempotence.config.load import load_study
from idempotence.config.places import Places
from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.texts.supply import Supply


def test_file_and_line_of_a_mistake(file):
    over = "study: mine\nsft:\n  cells:\n    levels: [20,\n      -5]\n  trainig: 1\nseeds: x\n"
    by_hand = {"lines": 2, "dpo": {"cells": {"n_seed": -1}}, "traits": ["blis"]}
    text = complaint(by_hand, [file(over)])
    assert "  mine.yaml, line 5, sft.cells.levels.1: -5" in text
    assert "  mine.yaml, line 6, sft.trainig: there is no such key" in text
    assert "  mine.yaml, line 7, seeds: 'x'" in text
    # no file holds these
    assert "  command line, lines: " in text
    assert "  command line, dpo.cells.n_seed: -1" in text
    assert "  command line, traits.0: 'blis'" in text


def test_a_key_written_twice_is_a_mistake(file):
    over = "study: mine\nsft:\n  training: {epochs: 1}\nseeds: 2\nsft:\n  training: {epochs: 2}\n"
    text = complaint(files=[file(over)])
    assert "a mistake in the config; nothing was run." in text
    assert "  mine.yaml, line 5, sft: is written a second time (first on line 2)" in text


def test_a_setting_written_twice_is_a_mistake(file):
    text = complaint(files=[file("settings:\n  sft: {cycles: 3}\n  dpo: {}\n  sft: {}\n")])
    assert "  mine.yaml, line 4, settings.sft: is written a second time (first on line 2)" in text


def test_a_key_may_go_over_that_of_an_anchor(file):
    over = (
        "settings:\n  a: &a {objective: sft, start: initial}\n  b: {<<: *a, start: previous}\n"
        "  c: {start: previous, <<: [*a]}\n"
    )
    study = load(files=[file(over)])
    assert [setting.start for setting in study.settings] == ["initial", "previous", "previous"]
    places = Places(parse_yaml(over), ["mine.yaml"])
    assert places.of(("settings", "b", "objective")).startswith("mine.yaml, line 2, ")
    assert places.of(("settings", "b", "start")).startswith("mine.yaml, line 3, ")
    assert places.of(("settings", "c", "start")).startswith("mine.yaml, line 4, ")


def test_the_last_file_with_a_key_is_named(file):
    text = complaint(files=[file("study: mine\nsft:\n  cells: {levels: [20], n_seed: [1]}\n")])
    assert "  mine.yaml, line 3, sft.cells: has both" in text


def test_a_mistake_of_an_earlier_file_is_located_there(file, tmp_path):
    (tmp_path / "first.yaml").write_text("cycles: 2\n\nseeds: -1\n", encoding="utf-8")
    mine = file("study: mine\ndpo: {cells: {beta: [0.5]}}\n")
    message = complaint(files=["first.yaml", mine])
    assert "  first.yaml, line 3, seeds: -1 is not allowed" in message


def test_a_missing_key_is_sought_where_its_section_is():
    raw = copy.deepcopy(BASE)
    del raw["judge"]["path"], raw["cycles"]
    lines = BASE_FILE.read_text(encoding="utf-8").splitlines()
    line = next(i for i, text in enumerate(lines, start=1) if text.startswith("judge:"))
    with pytest.raises(UserError) as caught:
        load_study(raw, [str(BASE_FILE)], Supply(TRAITS))
    assert re.search(rf"base.yaml, line {line}, judge.path: is missing", str(caught.value))
    assert re.search(r"base.yaml, cycles: is missing", str(caught.value))


@pytest.mark.parametrize("content", ["", "a: [1\n", "{1: 2, ? [x] : 3}\n", "just text\n", "[1]\n"])
def test_a_file_without_a_config_does_not_hide_the_mistake(file, content):
    source = [str(BASE_FILE), file(content)]
    with pytest.raises(UserError, match="command line, seeds: -1 is not allowed"):
        load_study({**BASE, "seeds": -1}, source, Supply(TRAITS))


def test_a_key_that_is_not_a_text(file):
    assert "has the key 5, which is not a text" in complaint({5: 1})
    places = Places({5: {True: 1}}, [file("# keys\n5:\n  yes: 1\n")])
    assert places.of((5,)) == "mine.yaml, line 2, 5"
    assert places.of((5, True)) == "mine.yaml, line 3, 5.True"
