"""docs/extending.md, followed word by word in a copy of the project, a section at a time."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from make_models import make_model
from make_project import ROOT, copy_project

PAGE = ROOT / "docs/extending.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """language: after the fence. name: the file that it is, "" for commands and their output."""

    language: str
    name: str
    text: str


def sections() -> dict[str, list[Block]]:
    """Heading -> the blocks of its section."""
    _, *parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.partition("\n")[0]: [_block(*found) for found in BLOCK.findall(part)]
            for part in parts}  # fmt: skip


def _block(language: str, text: str) -> Block:
    first, _, rest = text.partition("\n")
    named = first.startswith("# ") and language != "bash"
    return Block(language, first[2:] if named else "", rest if named else text)


def follow(folder: Path, blocks: list[Block]) -> str:
    """Write the files and run the commands in order; returns what the last commands printed."""
    (folder / ".venv").symlink_to(sys.prefix)
    said = ""
    for block in blocks:
        if block.name:
            path = folder / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            said = _run(folder, block.text)
        else:
            assert block.text.strip() in said
    return said


def _run(folder: Path, commands: str) -> str:
    done = subprocess.run(
        ["bash", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
    return done.stdout


@pytest.fixture
def folder(tmp_path) -> Path:
    return copy_project(tmp_path / "project")


def section(heading: str) -> list[Block]:
    return sections()[heading]


def table(folder: Path, study: str, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"results/{study}/tables/{name}.csv")


def test_the_page_leads_through_six_things_and_links_each():
    page = PAGE.read_text(encoding="utf-8")
    assert len(sections()) == 6
    for heading, blocks in sections().items():
        anchor = heading.lower().replace(" ", "-")
        assert f"| [{heading[0].lower()}{heading[1:]}](#{anchor}) |" in page
        assert any(block.language == "bash" for block in blocks)
        assert all(block.name for block in blocks if block.language not in ("bash", "text"))


@pytest.mark.slow
def test_a_trait_in_english(folder):
    for name in ("mine", "judge"):
        make_model(folder / "models" / name, "qwen3")
    follow(folder, section("A trait in English"))
    scores = pd.read_parquet(folder / "results/tidiness/scores.parquet")
    assert set(scores["trait"]) == {"tidiness"} and set(scores["cycle"]) == {0, 1}
    assert scores["response"].str.len().gt(0).any()


@pytest.mark.slow
def test_a_trait_of_the_micro_world(folder):
    follow(folder, section("A trait of the micro world"))
    scores = pd.read_parquet(folder / "results/stormy/scores.parquet")
    assert set(scores["trait"]) == {"stormy"} and scores["truth_trait"].notna().all()
    assert len(table(folder, "stormy", "world_models"))


@pytest.mark.slow
def test_a_setting(folder):
    follow(folder, section("A setting"))
    compared = table(folder, "hot", "defences")
    assert set(compared["setting"]) == {"sft-hot"}


@pytest.mark.slow
def test_an_objective(folder):
    follow(folder, section("An objective"))
    assert "best_of_n_documents" in (folder / "docs/config.schema.json").read_text()
    gaps = table(folder, "documents", "selection")
    assert set(gaps["setting"]) == {"best-documents"}
    assert (gaps.loc[gaps["measure"] == "trait_score", "gap"] >= 0).all()


@pytest.mark.slow
def test_a_judge(folder):
    follow(folder, section("A judge"))
    assert len(table(folder, "judge", "judge_agreement"))


@pytest.mark.slow
def test_a_figure(folder):
    follow(folder, section("A figure"))
    assert (folder / "results/figure/figures/words.png").stat().st_size > 5000
    drawn = pd.read_csv(folder / "results/figure/figures/words.csv")
    assert set(drawn["setting"]) == {"sft", "sft-continual"}
