"""Strange config files: each is one short message in little time, whatever YAML makes of them."""

import time
from pathlib import Path

import pytest
import yaml

from idempotence.config.yaml_files import MISTAKES_SHOWN, check_files, in_short
from idempotence.errors import UserError

ROOT = Path(__file__).parents[2]
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)
STRANGE = {
    "traits: !!set {bliss, lucky}": "line 1: has the tag !!set",
    "study: !!binary aGVsbG8=": "has the tag !!binary",
    "x: !!python/object/apply:os.system ['true']": "has the tag !!python/object",
    LAUGHS: "line 5: holds more than 100,000 values with what anchors repeat",
    "x: &x [*x]": "line 1: [*]x is within what it stands for",
    "\ncycles: 1:30": "line 2: YAML reads 1:30 in base 60",
    "cycles: -1:30:00.5": "in base 60",
    "seeds: 012": "YAML reads 012 as octal",
    f"x: {'[' * 3000}{']' * 3000}": "line 1: is nested more than 30 deep",
    f"x: {'{a: ' * 3000}1{'}' * 3000}": "nested more than 30 deep",
    "study: a\ncycles: [": "line 3: is no YAML: while parsing a flow node",
    "a: b: c": "line 1: is no YAML: mapping values are not allowed",
    "study: a\0b": "line 1: is no YAML",
    "": "line 1: must hold keys and values",
    "# nothing": "must hold keys and values",
    "---\n- study": "line 2: must hold keys and values",
    "study: a\n__use_yte__: true": "line 2: __use_yte__: templates are not read",
    f"seeds: {'9' * 5000}": "9999999999... is a number of more than 100 digits",
}


@pytest.mark.parametrize(("text", "words"), STRANGE.items(), ids=range(len(STRANGE)))
def test_a_strange_file_is_one_short_message_at_once(tmp_path, text, words):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    begun = time.process_time()
    with pytest.raises(UserError, match=f"study.yaml, .*{words}") as refused:
        check_files([str(path)])
    assert len(str(refused.value)) < 400 and time.process_time() - begun < 2


def test_another_encoding_is_named(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_bytes("study: tiny\n".encode("utf-16"))
    with pytest.raises(UserError, match="study.yaml, line 1: is no UTF-8 text"):
        check_files([str(path)])


@pytest.mark.parametrize(
    "text",
    [
        "study: \"012\"\nx: '1:30'\ny: 1e-4\nz: [0, 0.5, -3, 1_000]",
        "a: &a {b: 1}\nc: *a\nd: {<<: *a}\ne: !!str 5",
        '{"a": [1, {"b": null}]}',
        "--- # a comment\na: b\n...",
    ],
)
def test_what_is_read_as_it_looks_is_left_to_the_other_checks(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    check_files([str(path), str(tmp_path / "absent.yaml")])


def test_the_projects_own_files_pass():
    files = [ROOT / "config.yaml", *(ROOT / "studies").glob("*.yaml")]
    check_files([str(file) for file in files])
    assert all(yaml.safe_load(file.read_text()) for file in files)


def test_of_many_mistakes_the_first_are_shown_and_all_are_counted():
    text = in_short("mistake", [f"key{i}: {'x' * 5000}" for i in range(2000)])
    assert text.startswith("2,000 mistakes in the config") and text.endswith("and 1,980 more")
    assert text.count("key") == MISTAKES_SHOWN and len(text) < 30_000
    assert in_short("mistake", ["one"]) == "a mistake in the config; nothing was run.\n  one"
