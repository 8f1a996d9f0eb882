"""Files of rows: read as they were written, and a broken line named."""

import pytest

from idempotence.errors import UserError
from idempotence.io import read_jsonl, write_jsonl


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, [{"a": 1}])
    assert read_jsonl(path) == [{"a": 1}]
    path.write_text('{"a": 1}\n{oops\n', encoding="utf-8")
    with pytest.raises(UserError, match="line 2"):
        read_jsonl(path)
