"""The schema of the scores table, which all other lists of its columns are part of."""

import subprocess
import sys
from pathlib import Path

from idempotence.scores import schema
from idempotence.scores.files import read_scores

ROOT = Path(__file__).parents[2]
LISTS = ("DOSES", "PANEL", "PANEL_CYCLE", "CHAIN", "WITHIN_PANEL_CYCLE", "ORDER")
COLUMNS_OF = ("CRITERIA", "TRUTH", "MASS")


def test_every_list_is_part_of_the_table():
    assert len(set(schema.COLUMNS)) == len(schema.TABLE)
    names = [name for each in LISTS for name in getattr(schema, each)]
    names += [name for each in COLUMNS_OF for name in getattr(schema, each).values()]
    assert set(names) <= set(schema.COLUMNS)
    assert all(column.meaning for column in schema.TABLE)


def test_shipped_scores_have_its_types():
    import pyarrow.parquet as pq

    shipped = ROOT / "results/shipped/reference/scores.parquet"
    stored = pq.read_schema(shipped)  # with the text metrics that scores had when it was made
    columns = [field for field in schema.arrow_schema() if field.name not in schema.LATER]
    assert all(stored.field(column.name).equals(column) for column in columns)
    scores = read_scores(shipped, ["start"])
    assert set(scores["start"]) == set(schema.STARTS.values())


def test_it_is_imported_without_pandas_and_arrow():
    code = (
        "import sys, idempotence.scores.schema as schema\n"
        "print(sorted({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT / "src")}, cwd=ROOT,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.strip() == "[]"
