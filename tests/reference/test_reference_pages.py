"""The reference pages: written from the code, complete, and as they are committed."""

import importlib.util
import re

import pandas as pd
import pytest
from make_project import ROOT

from idempotence.claims.definition import Part, load_claims
from idempotence.errors import UserError
from idempotence.reference.claims import HEAD as CLAIMS_HEAD
from idempotence.reference.claims import claims_page
from idempotence.reference.commands import commands_page, make_targets, snakemake_targets
from idempotence.reference.files import load_schema

SCHEMA = ROOT / "docs" / "schema"


@pytest.fixture(scope="module")
def schema():
    return load_schema(SCHEMA)


def test_the_committed_pages_are_up_to_date(tmp_path):
    spec = importlib.util.spec_from_file_location(
        "write_reference", ROOT / "scripts" / "write_reference.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_reference(tmp_path)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["claims.md", "commands.md", "files.md"]
    for name in written:
        committed = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert committed == (tmp_path / name).read_text(encoding="utf-8"), (
            f"docs/{name} is out of date: "
            "run PYTHONPATH=src .venv/bin/python scripts/write_reference.py"
        )


# --- commands


def test_every_script_and_every_target_of_make_has_its_place():
    page = commands_page(ROOT)
    for script in ROOT.glob("scripts/*.py"):
        assert f"\n### {script.stem}\n" in page
    for target in ["docs", "test", "verify", "world"]:
        assert f"\n| `{target}` | " in page
    own = page.partition("## Scripts that you start yourself")[2].partition("\n## ")[0]
    assert "### check_config" in own and "### finetune" not in own


def test_an_option_has_its_type_default_and_meaning():
    page = commands_page(ROOT)
    finetune = page.partition("\n### finetune\n")[2].partition("\n### ")[0]
    assert (
        "| `--job` | JSON: `FinetuneJob` | none | panel, cycle and hyper-parameters. |" in finetune
    )
    assert "| `--generated` | path, any number |  | samples, one per line" in finetune


def test_no_page_has_a_path_of_this_machine():
    for name in ("commands.md", "files.md", "claims.md"):
        assert str(ROOT) not in (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_targets_are_described_by_the_comment_above_them():
    makefile = ".PHONY: one two\n\n# the first,\n# in two lines\none: two\n\n# the second\ntwo:\n"
    assert make_targets(makefile) == {"one": "the first, in two lines", "two": "the second"}
    with pytest.raises(ValueError, match="the target two lacks a comment"):
        make_targets(".PHONY: one two\n# the first\none:\n\ntwo: one\n")
    rules = (
        "rule one:\n    # all files\n    input:\n        A,\n\n\n"
        "rule two:\n    # a table\n    input:\n        A,\n    output:\n        B,\n\n\n"
        "rule three:\n    input:\n        A,\n"
    )
    assert snakemake_targets(rules) == {"one": "all files"}


# --- claims


def test_the_claims_page_has_every_claim_test_and_key():
    page = claims_page(ROOT / "data" / "claims.yaml")
    claims = load_claims(ROOT / "data" / "claims.yaml")
    assert len(claims) == 9
    for claim in claims:
        section = page.partition(f"\n## {claim.id}\n")[2].partition("\n## ")[0]
        assert claim.claim in section and section.count("   - supported: ") == len(claim.parts)
    keys = set(
        re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (.*?) \|", CLAIMS_HEAD, re.MULTILINE)))
    )
    assert keys == set(Part.model_fields)


# --- files


def test_every_table_of_the_rules_is_described_and_no_other(schema):
    rules = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("rules/*.smk"))
    named = set(re.findall(r'\btable\(\s*"(\w+)"', rules)) | {"trajectories"}
    assert set(schema.tables) == named


def test_shipped_tables_have_the_columns_that_are_described(schema):
    checked = 0
    for path in ROOT.glob("results/shipped/*/*.csv"):
        if path.stem in schema.tables:
            content = schema.tables[path.stem]
            described = [column.name for column in content.columns]
            columns = list(pd.read_csv(path, nrows=0).columns)
            assert [c for c in described if c in columns or c not in content.optional] == columns
            checked += 1
    assert checked >= 15


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("tables", "tables: {a: {rows: b, columns: [c]}}", "c is a name without a meaning"),
        ("names", "names: {a: [string, '', b]}", "the types are text, whole number"),
        ("names", "names: {a: [text, b]}", r"is not \[type, unit, meaning\]"),
    ],
)
def test_a_mistake_in_the_schema_is_one_message(tmp_path, name, text, message):
    parts = {"names": "names: {}", "files": "files: []", "tables": "tables: {}"}
    for part, content in (parts | {"figures": "figures: {}"} | {name: text}).items():
        (tmp_path / f"{part}.yaml").write_text(content)
    with pytest.raises(UserError, match=message):
        load_schema(tmp_path)
