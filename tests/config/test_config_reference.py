"""The reference page and the JSON schema: written from the models, complete and true."""

import cProfile
import importlib
import re
import subprocess
import sys

import jsonschema
import pytest
from make_config import BASE, DEFAULT_STUDY, ROOT, SECTIONS, load, nested

from idempotence.config.layers import merged
from idempotence.config.reference import json_schema, reference_page


def test_reference_is_up_to_date(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    importlib.import_module("write_config_reference").write_config_reference(tmp_path)
    for name in ("config.md", "config.schema.json"):
        shipped = (ROOT / "docs" / name).read_bytes()
        assert shipped == (tmp_path / name).read_bytes(), (
            f"docs/{name} is out of date: "
            "run PYTHONPATH=src .venv/bin/python scripts/write_config_reference.py"
        )


def test_reference_has_every_key_with_its_meaning():
    page = reference_page()
    for place, keys in SECTIONS.items():
        place = re.sub(r"^(settings|packages)\.sft", r"\1.<name>", place)
        assert not place or f"`{place}`" in page
        for key in keys:
            row = re.search(rf"^\| `{key}` \|(.*)\|$", page, flags=re.MULTILINE)
            assert row, key
            assert all(cell.strip() for cell in row[1].split("|")), key


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seeds", 0),
        ("sft.cells.levels", [100]),
        ("dpo.cells.beta", [0.1, 0.1]),
        ("dpo.cells.pairs", []),
        ("sft.training.adam_beta1", 1),
        ("study", "../x"),
        ("lines", 1),
        ("settings.sft.objective", "dop"),
        ("settings.sft.training", {"learning_rate": 0}),
        ("settings.sft.training", {"learnig_rate": 1}),
        ("settings.sft.cells", {"n_sampled": []}),
        ("settings.1st", {"objective": "sft", "start": "initial"}),
        ("settings.mine", {"objective": "sft"}),
    ],
)
def test_schema_refuses_what_the_loader_does(key, value):
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(
        merged(BASE, nested(key, value))
    )


def test_schema_takes_the_default_study_and_recipes():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    valid = jsonschema.Draft202012Validator(json_schema()).is_valid
    assert valid(DEFAULT_STUDY) and valid(BASE)
    recipe = {"objective": "dpo", "start": "initial", "training": {"lora": {"rank": 4}}}
    assert valid(merged(BASE, {"settings": {"mine": {**recipe, "cells": {"n_seed": 4}}}}))


def test_config_is_light_to_import():
    heavy = "{'torch', 'transformers', 'pandas', 'numpy', 'matplotlib', 'snakemake'}"
    code = (
        "import sys, idempotence.config.load, idempotence.config.layers, "
        f"idempotence.workflow.study_jobs; print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "src", check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def calls_of_loading(settings: int) -> int:
    """How many functions are called to load a study of so many settings, once the schema is there.

    Counted in place of seconds, which other work on the machine stretches.
    """
    recipes = {f"s{i}": {"objective": "sft", "start": "initial"} for i in range(settings)}
    json_schema()
    counted = cProfile.Profile()
    assert counted.runcall(load, {"settings": recipes}).panels()
    return sum(entry.callcount for entry in counted.getstats())


def test_a_study_is_loaded_by_few_calls():
    """Measured: 31,000 calls for two settings, and 2,600 for each one more."""
    few, more, many = map(calls_of_loading, (2, 10, 18))
    assert few < 5 * 31_000
    # no setting costs more for the others beside it
    assert many - more < 1.5 * (more - few) < 1.5 * 8 * 5 * 2_600


def test_descriptions_point_to_pages_that_exist():
    pages = set(re.findall(r"docs/\w+\.(?:md|json)", reference_page()))
    assert "docs/changing.md" in pages and all((ROOT / page).is_file() for page in pages)
