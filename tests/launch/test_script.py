"""A script's command line is its function's signature."""

import importlib.util
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.errors import UserError
from idempotence.jobs.record import Record
from idempotence.launch.script import command_line, documentation, run

SCRIPTS = sorted((Path(__file__).parents[2] / "scripts").glob("*.py"))


@dataclass(frozen=True)
class Dose(Record):
    name: str
    rows: int = 1


def draw(
    table: Path,
    seed: int,
    level: float,
    title: str,
    start: Literal["initial", "previous"],
    job: Dose,
    config: dict,
    inputs: list[Path],
    words: Sequence[str] = (),
    second: bool = False,
    limit: int | None = None,
    files: list[Path] | None = None,
) -> int | None:
    """Draw 100% of a table.

    A sentence about it: not of a parameter.

    table: what is drawn (CSV),
        with its unit.
    seed, level: of the draws, 5% of them.
    title, start, job, config: four.
    inputs: many.
    words: of the caption.

    second: by the second judge.
    limit: none without.
    files: of rows.
    """
    received.update(locals())
    return seed


received: dict = {}
NEEDED = {
    "--table": "a.csv", "--seed": "0", "--level": "1", "--title": "t", "--start": "initial",
    "--job": '{"name":"a"}', "--config": "{}", "--inputs": "x",
}  # fmt: skip


def arguments(**changes: str) -> list[str]:
    values = NEEDED | {f"--{name}": value for name, value in changes.items()}
    return [f"{option}={value}" for option, value in values.items()]


def status(argv: list[str]) -> int:
    received.clear()
    with pytest.raises(SystemExit) as stop:
        run(draw, argv)
    return stop.value.code


TEXT = st.text(st.characters(exclude_categories=("Cs",)))


@given(
    seed=st.integers(), level=st.floats(allow_nan=False), title=TEXT, name=TEXT,
    config=st.dictionaries(TEXT, st.integers() | TEXT | st.none()),
    rows=st.integers(), start=st.sampled_from(["initial", "previous"]),
)  # fmt: skip
def test_values_come_back_as_given(seed, level, title, name, config, rows, start):
    job = Dose(name, rows)
    argv = arguments(
        seed=str(seed), level=repr(level), title=title, config=json.dumps(config), start=start,
        job=job.to_json(),
    )  # fmt: skip
    values = vars(command_line(draw).parse_args(argv))
    assert values == {
        "table": Path("a.csv"), "seed": seed, "level": level, "title": title, "start": start,
        "job": job, "config": config, "inputs": [Path("x")], "words": (), "second": False,
        "limit": None, "files": None,
    }  # fmt: skip
    assert isinstance(values["level"], float)


@given(st.lists(TEXT.filter(lambda text: not text.startswith(("-", "@"))), min_size=1))
def test_lists_come_back_as_given(texts):
    argv = [*arguments(), "--words", *texts, "--files", *texts, "--inputs", *texts]
    values = vars(command_line(draw).parse_args(argv))
    paths = [Path(text) for text in texts]
    assert (values["words"], values["files"], values["inputs"]) == (texts, paths, paths)


def test_optional_values_are_read_as_their_type():
    assert status([*arguments(), "--limit", "7", "--second", "--words", "--files"]) == 0
    assert (received["limit"], received["second"]) == (7, True)
    assert (received["words"], received["files"]) == ([], [])


def test_what_the_function_returns_is_the_exit_status():
    assert [status(arguments(seed=text)) for text in ("0", "3")] == [0, 3]

    def nothing() -> None:
        """Do nothing."""

    with pytest.raises(SystemExit) as stop:
        run(nothing, [])
    assert stop.value.code == 0


def test_a_user_error_is_one_line_and_status_2(capsys):
    def fail(path: Path) -> None:
        """Fail.

        path: of a file.
        """
        raise UserError(f"{path}: no such file")

    with pytest.raises(SystemExit) as stop:
        run(fail, ["--path", "a"])
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", "error: a: no such file\n")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"job": "{"}, "error: --job: Dose: not JSON ("),
        ({"job": '{"rows":1}'}, "error: --job: Dose: the key 'name' is missing"),
        ({"job": '{"name":"a","row":1}'}, "error: --job: Dose: there is no key 'row'"),
        ({"config": "{'a': 1}"}, "error: --config: not JSON ("),
        ({"config": "[1]"}, "error: --config: a JSON object is wanted, not [1]"),
    ],
)
def test_malformed_json_is_one_line_that_names_the_option(changes, message, capsys):
    assert status(arguments(**changes)) == 2 and not received
    error = capsys.readouterr().err
    assert error.startswith(message) and error.count("\n") == 1


@pytest.mark.parametrize(
    "argv, message",
    [
        (arguments(seed="x"), "argument --seed: invalid int value: 'x'"),
        (arguments(start="base"), "argument --start: invalid choice: 'base'"),
        (arguments()[1:], "the following arguments are required: --table"),
        ([*arguments(), "--lim", "3"], "unrecognized arguments: --lim 3"),
    ],
)
def test_other_mistakes_are_argparse_errors(argv, message, capsys):
    assert status(argv) == 2 and not received
    assert message in capsys.readouterr().err


def test_help_shows_the_docstring(capsys):
    assert status(["--help"]) == 0 and not received
    page = " ".join(capsys.readouterr().out.split())
    assert "Draw 100% of a table." in page and "A sentence" not in page
    assert "--table TABLE what is drawn (CSV), with its unit." in page
    assert "--level LEVEL of the draws, 5% of them." in page and "--job JSON four." in page
    assert "--start {initial,previous}" in page and "@FILE stands for" in page
    assert "--second by the second judge." in page


def test_long_lists_come_from_a_file(tmp_path):
    (tmp_path / "list").write_text("--files\na b\nc\n")
    assert status([*arguments(), f"@{tmp_path / 'list'}"]) == 0
    assert received["files"] == [Path("a b"), Path("c")]


def test_without_a_list_an_at_sign_is_a_letter():
    def name(model: str) -> None:
        """Name a model.

        model: its name.
        """

    assert command_line(name).parse_args(["--model", "@x"]).model == "@x"


def test_parameters_need_annotation_and_documentation():
    def bare(a) -> None:
        """Do nothing.

        a: number.
        """

    def silent(a: int) -> None:
        """Do nothing with a: number."""

    with pytest.raises(TypeError, match="bare: the parameter a has no annotation"):
        command_line(bare)
    with pytest.raises(TypeError, match="silent: the parameter a has no documentation"):
        command_line(silent)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_script_is_one_documented_function(script):
    spec = importlib.util.spec_from_file_location(f"script_{script.stem}", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    assert own == [script.stem]
    function = getattr(module, script.stem)
    assert inspect.signature(function).return_annotation is not inspect.Signature.empty
    assert set(documentation(function)) == set(inspect.signature(function).parameters)
    assert command_line(function).description and module.__doc__
