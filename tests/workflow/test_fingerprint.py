"""What counts as a change of a job's program, and what does not."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.errors import UserError
from idempotence.workflow.fingerprint import closure, fingerprint

PROJECT = Path(__file__).resolve().parents[2]

FILES = {
    "scripts/make_it.py": '"""Make it."""\n\n\ndef main():\n    from idempotence.a import work\n\n'
    "    return work()\n",
    "scripts/other.py": "import idempotence.c\n",
    "src/idempotence/__init__.py": "",
    "src/idempotence/a.py": "from idempotence.deep import inner\n\n\ndef work():\n"
    '    """Do it."""\n    return inner.value + 1  # one more\n',
    "src/idempotence/c.py": "import yaml\n\nSIZE = 3\n",
    "src/idempotence/deep/__init__.py": "LEVEL = 1\n",
    "src/idempotence/deep/inner.py": "from . import sibling\n\nvalue = sibling.value\n",
    "src/idempotence/deep/sibling.py": "value = 1\n",
    "data/words.yaml": "words: [a, b]\n",
}


class Project:
    def __init__(self, folder: Path):
        self.folder = folder
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def hash(self, script="make_it", files=(), without=()) -> str:
        files = [self.folder / file for file in files]
        path = self.folder / f"scripts/{script}.py"
        return fingerprint(path, self.folder / "src", files, without)

    def closure(self, script="make_it", without=()) -> list[str]:
        return closure(self.folder / f"scripts/{script}.py", self.folder / "src", without)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "one")


def test_is_short_hexadecimal(project):
    assert len(project.hash()) == 16
    int(project.hash(), 16)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("src/idempotence/a.py", "  # one more", "  # one more than that"),
        ("src/idempotence/a.py", '"""Do it."""', '"""Do it\n\n    at length."""'),
        ("src/idempotence/a.py", "inner.value + 1", "(\n        inner.value\n        + 1\n    )"),
        ("scripts/make_it.py", '"""Make it."""\n', ""),
        ("src/idempotence/deep/sibling.py", "value = 1", "\n\nvalue   =  0x1"),
    ],
)
def test_comments_docstrings_and_formatting_do_not_count(project, name, old, new):
    before = project.hash()
    project.edit(name, old, new)
    assert project.hash() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("scripts/make_it.py", "return work()", "return work() or 0"),
        ("src/idempotence/__init__.py", "", "X = 1\n"),
        ("src/idempotence/a.py", "+ 1", "+ 2"),
        ("src/idempotence/a.py", "+ 1", "+ 1.0"),
        ("src/idempotence/deep/__init__.py", "LEVEL = 1", "LEVEL = 2"),
        ("src/idempotence/deep/inner.py", "sibling.value", "'sibling.value'"),
        ("src/idempotence/deep/sibling.py", "value = 1", "value = None"),
        ("src/idempotence/deep/sibling.py", "value = 1", "value = True"),
    ],
)
def test_a_change_anywhere_on_the_way_counts(project, name, old, new):
    before = project.hash()
    project.edit(name, old, new)
    assert project.hash() != before


def test_an_edit_touches_only_the_scripts_that_import_it(project):
    mine, other = project.hash(), project.hash("other")
    project.edit("src/idempotence/c.py", "SIZE = 3", "SIZE = 4")
    assert project.hash() == mine
    assert project.hash("other") != other


def test_a_touch_and_another_folder_change_nothing(project, tmp_path):
    before = project.hash(files=["data/words.yaml"])
    os.utime(project.folder / "src/idempotence/a.py", (1, 1))
    assert project.hash(files=["data/words.yaml"]) == before
    shutil.move(project.folder, tmp_path / "two")
    project.folder = tmp_path / "two"
    assert project.hash(files=["data/words.yaml"]) == before


def test_an_edit_that_leaves_size_and_time_as_they_were_counts(project):
    path = project.folder / "src/idempotence/deep/sibling.py"
    before, status = project.hash(), path.stat()
    project.edit("src/idempotence/deep/sibling.py", "value = 1", "value = 2")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert project.hash() != before


def test_data_files_count_by_content_in_any_order(project):
    project.write("data/more.yaml", "x: 1\n")
    files = ["data/words.yaml", "data/more.yaml"]
    before = project.hash(files=files)
    assert before != project.hash()
    assert before == project.hash(files=reversed(files))
    project.edit("data/words.yaml", "[a, b]", "[a, c]")
    assert project.hash(files=files) != before


def test_a_package_is_taken_before_a_module_and_names_reach_its_init(project):
    project.write("scripts/packed.py", "from idempotence.deep import LEVEL\n")
    before = project.hash("packed")
    project.edit("src/idempotence/deep/sibling.py", "value = 1", "value = 9")
    assert project.hash("packed") == before
    project.edit("src/idempotence/deep/__init__.py", "LEVEL = 1", "LEVEL = 2")
    assert project.hash("packed") != before


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_an_import_for_types_alone_does_not_count(project, test):
    project.write(
        "src/idempotence/a.py",
        f"import typing\nfrom typing import TYPE_CHECKING\n\nif {test}:\n"
        "    from idempotence import c\nelse:\n    from idempotence.deep import inner\n",
    )
    before = project.hash()
    project.edit("src/idempotence/c.py", "3", "4")
    assert project.hash() == before
    project.edit("src/idempotence/deep/sibling.py", "1", "2")
    assert project.hash() != before


@pytest.mark.parametrize("test", ['__name__ == "__main__"', "'__main__' == __name__"])
def test_how_a_program_is_started_does_not_count(project, test):
    before, reached = project.hash(), project.closure()
    start = f"\n\nif {test}:\n    from idempotence.c import SIZE\n\n    work(SIZE)\n"
    for name in ("scripts/make_it.py", "src/idempotence/a.py"):
        project.write(name, FILES[name] + start)
    assert (project.hash(), project.closure()) == (before, reached)
    project.edit("scripts/make_it.py", start, f"{start}else:\n    import idempotence.c\n")
    assert project.hash() != before and "idempotence.c" in project.closure()


@pytest.mark.parametrize(
    "test",
    ["__name__ != '__main__'", "__name__ == 'main'", "__file__ == '__main__'",
     "__name__ == '__main__' == __doc__", "__name__ == '__main__' or True", "'__main__'"],
)  # fmt: skip
def test_other_conditions_count(project, test):
    before = project.hash("other")
    project.write(
        "scripts/other.py", f"import idempotence.c\nif {test}:\n    import idempotence.a\n"
    )
    assert project.hash("other") != before and "idempotence.a" in project.closure("other")


def test_the_closure_names_the_modules_that_count(project):
    assert project.closure("other") == ["idempotence", "idempotence.c"]
    deep = ["idempotence.deep", "idempotence.deep.inner", "idempotence.deep.sibling"]
    assert project.closure() == ["idempotence", "idempotence.a", *deep]


def test_modules_that_a_job_never_runs_are_left_out_with_what_only_they_import(project):
    project.write(
        "scripts/both.py", "def f():\n    import idempotence.a\n    import idempotence.c\n"
    )
    without = ["idempotence.a"]
    before = project.hash("both", without=without)
    assert before != project.hash("both")
    assert project.closure("both", without) == ["idempotence", "idempotence.c"]
    project.edit("src/idempotence/a.py", "+ 1", "+ 2")
    project.edit("src/idempotence/deep/sibling.py", "value = 1", "value = 2")
    assert project.hash("both", without=without) == before
    project.edit("src/idempotence/c.py", "3", "4")
    assert project.hash("both", without=without) != before


def test_a_package_is_left_out_whole_and_no_other_of_a_longer_name(project):
    project.write("src/idempotence/deeper.py", "X = 1\n")
    project.write("scripts/both.py", "import idempotence.deep.inner\nimport idempotence.deeper\n")
    assert project.closure("both", ["idempotence.deep"]) == ["idempotence", "idempotence.deeper"]


def test_a_module_left_out_that_is_not_there_is_an_error(project):
    with pytest.raises(UserError, match="idempotence.engine.old: there is no such module"):
        project.hash(without=["idempotence.engine.old"])


def test_circular_imports_end(project):
    project.write("src/idempotence/c.py", "import idempotence.a\n")
    project.edit(
        "src/idempotence/a.py",
        "from idempotence.deep",
        "import idempotence.c\nfrom idempotence.deep",
    )
    assert project.hash() != project.hash("other")


def test_a_helper_beside_the_script_counts(project):
    project.write("scripts/helper.py", "X = 1\n")
    project.write("scripts/uses.py", "import helper\n")
    before = project.hash("uses")
    project.write("scripts/helper.py", "X = 2\n")
    assert project.hash("uses") != before


@pytest.mark.parametrize(
    ("text", "line"), [("x = 1\n\ny = (\n", 3), ("x = 1\nfor\n", 2), ("x = 1\n\0", 1)]
)
def test_a_syntax_error_names_file_and_line(project, text, line):
    project.write("src/idempotence/deep/sibling.py", text)
    with pytest.raises(UserError) as caught:
        project.hash()
    where = str(project.folder / "src/idempotence/deep/sibling.py")
    assert str(caught.value).startswith(where)
    assert f"line {line}:" in str(caught.value) or "\0" in text


def test_what_cannot_be_read_is_named(project):
    with pytest.raises(UserError, match=r"nothing\.py"):
        project.hash("nothing")
    with pytest.raises(UserError, match=r"absent\.yaml"):
        project.hash(files=["data/absent.yaml"])
    for folder in ("src/idempotence", "data", "absent"):
        with pytest.raises(UserError, match="not a folder that holds a Python package"):
            fingerprint(project.folder / "scripts/make_it.py", project.folder / folder)


def test_the_hash_of_a_known_program_stays_the_same_in_every_python(project):
    """Covers nodes whose fields or form differ between Python 3.11 and 3.13."""
    project.write(
        "src/idempotence/c.py",
        "from __future__ import annotations\n\n\nclass C(dict):\n"
        "    def f(self, *a, b: int = 1, **k) -> str:\n"
        "        return f'{b!r:>{b}}' f'x{{{a}' + 'é' + str([*a, -1.5e300, None, ...])\n\n\n"
        "async def g(x):\n    match x:\n        case {'k': [1, *_]} if x:\n"
        "            pass\n"
        "    try:\n        return {i: j async for i, j in x}\n"
        "    except* ValueError:\n        ...\n",
    )
    assert project.hash("other") == "0beff4fc37b8bb58"


def test_the_whole_project_is_hashed_quickly():
    """Twenty scripts, each of which would import every module there is, from an empty cache."""
    from idempotence.workflow import fingerprint as module

    root = PROJECT / "src"
    names = sorted(path for path in root.rglob("*.py"))
    module._parse.cache_clear()
    begun = time.process_time()
    first = [fingerprint(name, root) for name in names]
    cold = time.process_time() - begun
    begun = time.process_time()
    for _ in range(20):
        assert fingerprint(names[-1], root) == first[-1]
    assert time.process_time() - begun < 0.5
    assert cold < 5


HOW = (
    "import idempotence.m{0}\n",
    "from idempotence import m{0}\n",
    "from idempotence.m{0} import VALUE as v{0}\n",
    "from . import m{0}\n",
    "from .m{0} import *\n",
    "def f{0}():\n    if True:\n        import idempotence.m{0} as x\n    return x\n",
)
GRAPHS = st.lists(st.dictionaries(st.integers(0, 6), st.sampled_from(HOW)), min_size=7, max_size=7)


def reached(graph: list[dict[int, str]], start: int) -> set[int]:
    seen, waiting = {start}, [start]
    while waiting:
        new = set(graph[waiting.pop()]) - seen
        seen |= new
        waiting += new
    return seen


@given(graph=GRAPHS, start=st.integers(0, 6), edited=st.integers(0, 6))
def test_an_edit_counts_exactly_where_the_module_is_reached(graph, start, edited):
    """Any graph of imports, cycles included, against a closure computed from the graph itself."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        for number, imports in enumerate(graph):
            lines = "".join(how.format(other) for other, how in imports.items())
            project.write(f"src/idempotence/m{number}.py", f"{lines}VALUE = 1\n")
        project.write("scripts/start.py", f"import idempotence.m{start}\n")
        before = project.hash("start")
        name = f"src/idempotence/m{edited}.py"
        project.edit(name, "VALUE = 1\n", "VALUE = 1  # the same\n")
        assert project.hash("start") == before
        project.edit(name, "VALUE = 1  #", "VALUE = 2  #")
        assert (project.hash("start") != before) == (edited in reached(graph, start))


NOISE = st.text(st.characters(exclude_categories=("Cs", "Cc")))


@given(
    st.lists(st.tuples(NOISE, st.integers(0, 3), st.sampled_from(" \t")), min_size=6, max_size=6)
)
def test_any_comment_and_blank_line_anywhere_leaves_the_hash(noise):
    source = FILES["src/idempotence/a.py"]
    lines = source.splitlines()
    assert len(lines) == 6
    noisy = ""
    for line, (text, blank, space) in zip(lines, noise, strict=True):
        end = text if "# " in line else space
        noisy += "\n" * blank + f"{space}# {text}\n{line}{end}\n"
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        before = project.hash()
        project.write("src/idempotence/a.py", noisy)
        assert project.hash() == before


@given(st.tuples(*[st.one_of(st.integers(), st.floats(), st.text(), st.binary(), st.none())] * 2))
def test_constants_count_by_type_and_value(pair):
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        hashes = []
        for value in pair:
            constant = f"float({str(value)!r})" if isinstance(value, float) else repr(value)
            project.write("src/idempotence/c.py", f"SIZE = {constant}\n")
            hashes.append(project.hash("other"))
        one, two = (repr(value) for value in pair)
        assert (hashes[0] == hashes[1]) == (one == two)
