"""What tests of audits share."""

import pytest

from idempotence.io import write_jsonl


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in; call it to write a file of replies (texts or rows)."""
    monkeypatch.chdir(tmp_path)

    def write(path, *rows):
        rows = [{"prompt": "q", "response": r} if isinstance(r, str) else r for r in rows]
        write_jsonl(tmp_path / path, rows)

    return write
