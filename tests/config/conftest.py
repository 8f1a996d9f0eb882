"""What several tests of configs share."""

import pytest


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A function that writes mine.yaml and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        return "mine.yaml"

    return write
