"""Every command of README and docs is run here, or marked with what it needs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from make_project import ROOT, copy_project, run_study
from read_markdown import PAGES, Block, blocks, code_within_lines
from read_results import differences

from idempotence.reference.commands import make_targets
from idempotence.reference.files import load_schema

# What a block may need that these tests lack: "<!-- needs: GPU -->" before it. minutes: more than
# two; hours: more than one.
NEEDS = {"GPU", "cluster", "key", "network", "minutes", "hours"}
SHELLS = {"bash", "console", "sh", "shell"}
COMMAND = re.compile(
    r"(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv\S*/bin/\S+|snakemake|make|python3?|bash|pip|git)(?: |$)"
)
FILE, APPEND, PATCH = "file: ", "append: ", "patch"
LAST = "tutorial.md"  # it changes the doses of the study that others read


def is_run(block: Block) -> bool:
    return block.language in SHELLS and not block.mark


def is_run_here(page: Path) -> bool:
    """Whether a page has commands to run, and no module of tests of its own that runs them."""
    own = ROOT / "tests" / "docs" / f"test_{page.stem}.py"
    return any(map(is_run, blocks(page))) and not own.exists()


RUN = sorted(
    filter(is_run_here, PAGES),
    key=lambda page: (page.name == LAST, page),
)


def carry_out(block: Block, folder: Path) -> None:
    """Do what a block says: write or append to a file, patch the code, run commands."""
    if block.mark.startswith(FILE):
        (folder / block.mark.removeprefix(FILE)).write_text(block.text, encoding="utf-8")
    elif block.mark.startswith(APPEND):
        with open(folder / block.mark.removeprefix(APPEND), "a", encoding="utf-8") as file:
            file.write("\n\n" + block.text)
    elif block.mark == PATCH:
        run(["git", "apply", "-"], folder, block, block.text)
    elif is_run(block):
        run(["bash", "-euo", "pipefail", "-c", block.text], folder, block)


def run(command: list[str], folder: Path, block: Block, text: str = "") -> None:
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)},
        input=text,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    output = done.stdout[-3000:] + done.stderr[-6000:]
    assert done.returncode == 0, f"{block}\n{block.text}\n{output}"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The project in a folder of its own, with its `.venv` and the files that pages name."""
    folder = copy_project(tmp_path_factory.mktemp("docs"))
    (folder / ".venv").symlink_to(sys.prefix)
    for part in ("results/shipped", "tests"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_commands_is_run_or_says_what_it_needs(page):
    for block in blocks(page):
        first = next((line for line in block.text.splitlines() if line[:1] not in ("#", "")), "")
        if block.language in SHELLS:
            need = block.mark.removeprefix("needs: ")
            assert is_run(block) or need in NEEDS, f"{block}: needs one of {sorted(NEEDS)}"
            assert "..." not in block.text or need, f"{block}: a command with a gap cannot be run"
        else:
            assert not COMMAND.match(first), f"{block}: commands stand in a block ```bash"


@pytest.mark.parametrize(
    "line, is_command",
    [
        (".venv/bin/snakemake plan", True),
        ("$ make", True),
        ("PYTHONPATH=src .venv/bin/python scripts/x.py", True),
        ("settings:", False),
        ("results/<study>/tables/slopes.csv", False),
        ("seconds = steps x (what a step takes)", False),
    ],
)
def test_a_line_of_commands_is_known(line, is_command):
    assert bool(COMMAND.match(line)) == is_command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_within_lines_name_what_exists(page):
    made = make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    rules = [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]
    named = set(re.findall(r"\brule (\w+):", "".join(path.read_text() for path in rules)))
    for code in code_within_lines(page):
        words = [word for word in code.split() if not word.isupper()]
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        program = Path(words[0]).name if words else ""
        if program == "make" and len(words) > 1:
            assert all(word in made or "=" in word for word in words[1:]), code
        if program == "snakemake":
            option = ""
            for word in words[1:]:
                option = word if word.startswith("-") else option
                if option == "--profile" and word != option:
                    assert (ROOT / word).is_dir(), code
                elif option == "--configfile" and word != option:
                    own = f"# {word}" in page.read_text(encoding="utf-8").splitlines()
                    assert (ROOT / word).is_file() or own or word == "mine.yaml", code
                elif not option or option == "--cores" and not word.isdecimal() and word != "all":
                    assert word == option or word in named or "/" in word or word == "...", code


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_commands_of_a_page_run_one_after_the_other(page, project, tmp_path):
    folder = project
    if any(block.mark == PATCH or block.mark.startswith(APPEND) for block in blocks(page)):
        folder = shutil.copytree(project, tmp_path / "edited", symlinks=True)
    for block in blocks(page):
        carry_out(block, folder)


@pytest.mark.slow
def test_every_file_of_these_studies_is_described(project):
    if not (project / "results" / "tiny" / "report.html").exists():
        run_study(project, "--configfile", "studies/tiny.yaml")
    schema = load_schema(ROOT / "docs" / "schema")
    studies = [path.parent for path in project.glob("results/*/config.yaml")]
    assert project / "results" / "tiny" in studies
    for results in studies:
        settings = yaml.safe_load((results / "config.yaml").read_text(encoding="utf-8"))["settings"]
        assert differences(results, schema, list(settings)) == []
