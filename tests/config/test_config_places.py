"""Where a mistake of the config is: file, line and key."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from make_config import (
    BASE,
    DEFAULT,
    TRAITS,
    complaint,
    merged,
)

from idempotence.config.load import load_study
from idempotence.config.supply import Supply
from idempotence.errors import UserError


def two_files(tmp_path, over: str, monkeypatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(DEFAULT.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(over, encoding="utf-8")
    return ["config.yaml", "mine.yaml"]


def test_file_and_line_of_a_mistake(tmp_path, monkeypatch):
    over = "study: mine\nsft:\n  cells:\n    levels: [20,\n      -5]\n  trainig: 1\nseeds: x\n"
    source = two_files(tmp_path, over, monkeypatch)
    raw = merged(BASE, yaml.safe_load(over) | {"lines": 2})
    raw["dpo"]["cells"]["n_seed"] = -1
    raw["traits"] = ["blis"]
    with pytest.raises(UserError) as caught:
        load_study(raw, source, Supply(TRAITS))
    text = str(caught.value)
    assert "  mine.yaml, line 5, sft.cells.levels.1: -5" in text
    assert "  mine.yaml, line 6, sft.trainig: there is no such key" in text
    assert "  mine.yaml, line 7, seeds: 'x'" in text
    # Neither file says so: it came over them.
    assert "  command line, lines: " in text
    assert "  command line, dpo.cells.n_seed: -1" in text
    assert "  command line, traits.0: 'blis'" in text


def test_a_key_written_twice_is_a_mistake(tmp_path, monkeypatch):
    over = "study: mine\nsft:\n  training: {epochs: 1}\nseeds: 2\nsft:\n  training: {epochs: 2}\n"
    source = two_files(tmp_path, over, monkeypatch)
    with pytest.raises(UserError) as caught:
        load_study(merged(BASE, yaml.safe_load(over)), source, Supply(TRAITS))
    assert "a mistake in the config; nothing was run." in str(caught.value)
    assert "  mine.yaml, line 5, sft: is written a second time (first on line 2)" in str(
        caught.value
    )


def test_the_last_file_that_says_so_is_named(tmp_path, monkeypatch):
    over = "study: mine\nsft:\n  cells: {levels: [20], n_seed: [1]}\n"
    source = two_files(tmp_path, over, monkeypatch)
    with pytest.raises(UserError, match="  mine.yaml, line 3, sft.cells: has both"):
        load_study(merged(BASE, yaml.safe_load(over)), source, Supply(TRAITS))


def test_a_mistake_of_the_default_file_is_found_there(tmp_path, monkeypatch):
    source = two_files(tmp_path, "study: mine\ndpo: {cells: {beta: [0.5]}}\n", monkeypatch)
    text = DEFAULT.read_text(encoding="utf-8")
    changed = re.sub(r"^seeds: .*", "seeds: -1", text, flags=re.MULTILINE)
    line = changed.splitlines().index("seeds: -1") + 1
    Path("config.yaml").write_text(changed, encoding="utf-8")
    raw = merged(yaml.safe_load(changed), {"study": "mine"})
    with pytest.raises(UserError, match=f"config.yaml, line {line}, seeds: -1 is not allowed"):
        load_study(raw, source, Supply(TRAITS))


def test_a_missing_key_is_sought_where_its_section_is():
    raw = copy.deepcopy(BASE)
    del raw["judge"]["path"], raw["cycles"]
    lines = DEFAULT.read_text(encoding="utf-8").splitlines()
    line = next(i for i, text in enumerate(lines, start=1) if text.startswith("judge:"))
    with pytest.raises(UserError) as caught:
        load_study(raw, [str(DEFAULT)], Supply(TRAITS))
    assert re.search(rf"config.yaml, line {line}, judge.path: is missing", str(caught.value))
    assert re.search(r"config.yaml, cycles: is missing", str(caught.value))


@pytest.mark.parametrize("content", ["", "a: [1\n", "{1: 2, ? [x] : 3}\n", "just text\n"])
def test_a_file_that_tells_nothing_does_not_hide_the_mistake(tmp_path, monkeypatch, content):
    source = two_files(tmp_path, content, monkeypatch)
    with pytest.raises(UserError, match="command line, seeds: -1 is not allowed"):
        load_study(merged(BASE, {"seeds": -1}), source, Supply(TRAITS))


def test_a_key_that_is_not_a_text():
    assert "has the key 5, which is not a text" in complaint({5: 1})
