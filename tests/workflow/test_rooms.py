"""The rooms of the package: imports go downward, and the page that draws them is current."""

import ast

import pytest
from make_config import ROOT

from idempotence.workflow.rooms import FLOORS, MARKS, imports, purpose, with_drawing

PACKAGE = ROOT / "src" / "idempotence"
PAGE = ROOT / "docs" / "architecture.md"
LONGEST_FILE, LONGEST_FUNCTION = 400, 60  # lines


def test_every_room_is_on_one_floor_and_imports_lower_ones_only():
    floor_of = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    arrows = imports(PACKAGE)
    assert len(floor_of) == sum(map(len, FLOORS)) and set(floor_of) == set(arrows)
    upward = [
        f"{room} imports {other}"
        for room, others in arrows.items()
        for other in others
        if floor_of[other] >= floor_of[room]
    ]
    assert not upward


def test_rooms_say_what_they_hold():
    assert all(purpose(PACKAGE, room) for floor in FLOORS for room in floor)
    faces = PACKAGE.glob("*/__init__.py")
    assert not [path for path in faces if "import" in path.read_text().replace("imports", "")]


def test_the_page_of_the_architecture_is_current():
    page = PAGE.read_text(encoding="utf-8")
    assert with_drawing(page, PACKAGE) == page, (
        "run: PYTHONPATH=src python scripts/draw_architecture.py"
    )


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="lacks the marks"):
        with_drawing(f"text {MARKS[0]} text", PACKAGE)


def test_an_upward_import_would_be_seen(tmp_path):
    for room, text in {"low": "from idempotence.high import thing\n", "high": ""}.items():
        (tmp_path / "idempotence" / room).mkdir(parents=True)
        (tmp_path / "idempotence" / room / "__init__.py").write_text("")
        (tmp_path / "idempotence" / room / "module.py").write_text(
            f"def f():\n    {text or 'pass'}\n"
        )
    assert imports(tmp_path / "idempotence") == {"low": {"high"}, "high": set()}


def test_files_and_functions_are_short_enough_to_hold_in_the_head():
    long = []
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > LONGEST_FILE:
            long.append(str(path))
        long += [
            f"{path}: {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
        ]
    assert not long
