"""The reference page and the JSON schema: made from the models, complete, and true."""

import importlib
import re
import subprocess
import sys

import jsonschema
from make_config import BASE, ROOT, SECTIONS, merged, nested

from idempotence.config.reference import json_schema, reference_page


def test_reference_is_up_to_date(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    assert importlib.import_module("write_config_reference").main(["--output", str(tmp_path)]) == 0
    for name in ("config.md", "config.schema.json"):
        shipped = (ROOT / "docs" / name).read_bytes()
        assert shipped == (tmp_path / name).read_bytes(), (
            f"docs/{name} is out of date: "
            "run PYTHONPATH=src .venv/bin/python scripts/write_config_reference.py"
        )


def test_reference_has_every_key_with_its_meaning():
    page = reference_page()
    for place, keys in SECTIONS.items():
        assert not place or f"`{place}`" in page
        for key in keys:
            row = re.search(rf"^\| `{key}` \|(.*)\|$", page, flags=re.MULTILINE)
            assert row, key
            assert all(cell.strip() for cell in row[1].split("|")), key


def test_schema_takes_and_refuses_what_the_loader_does():
    jsonschema.Draft202012Validator.check_schema(json_schema())
    valid = jsonschema.Draft202012Validator(json_schema()).is_valid
    assert valid(BASE)
    for key, value in [
        ("seeds", 0),
        ("sft.cells.levels", [100]),
        ("dpo.cells.beta", [0.1, 0.1]),
        ("dpo.cells.pairs", []),
        ("sft.training.adam_beta1", 1),
        ("study", "../x"),
        ("lines", 1),
    ]:
        assert not valid(merged(BASE, nested(key, value))), key


def test_config_is_light_to_import():
    heavy = "{'torch', 'transformers', 'pandas', 'numpy'}"
    code = f"import sys, idempotence.config; sys.exit(bool({heavy} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", check=False).returncode == 0
    )
