"""What tests of audits share."""

import pytest
from make_rows import write_rows


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in; call it to write a file of replies (texts or rows)."""
    monkeypatch.chdir(tmp_path)

    def write(path, *rows):
        rows = [{"prompt": "q", "response": r} if isinstance(r, str) else r for r in rows]
        write_rows(tmp_path / path, rows)

    return write
