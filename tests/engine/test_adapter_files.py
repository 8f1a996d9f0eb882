"""Adapters are loaded only as they were written."""

import random
import re

import pytest

from idempotence.engine.adapter_files import (
    CONFIG,
    HASHES,
    TRAINING,
    WEIGHTS,
    checked,
    hashes_of,
)
from idempotence.errors import UserError
from idempotence.io import write_sealed


@pytest.fixture
def adapter(tmp_path):
    """A folder as training writes it."""
    (tmp_path / WEIGHTS).write_bytes(random.Random(0).randbytes(500))
    (tmp_path / CONFIG).write_text('{"r": 2}\n')
    write_sealed(tmp_path / TRAINING, {"status": "ok", HASHES: hashes_of(tmp_path)})
    return tmp_path


def test_an_adapter_as_it_was_written_is_taken(adapter):
    assert checked(adapter)["status"] == "ok"


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, TRAINING])
def test_a_file_that_is_cut_changed_or_gone_is_one_message_with_its_name(adapter, name):
    path, draw = adapter / name, random.Random(1)
    content = path.read_bytes()
    for i in [0, len(content) - 2, *draw.sample(range(len(content)), 9)]:
        flipped = content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :]
        for broken in (content[:i], flipped):
            path.write_bytes(broken)
            with pytest.raises(UserError, match=re.escape(str(path))) as refused:
                checked(adapter)
            assert "\n" not in str(refused.value)
    path.unlink()
    with pytest.raises(UserError, match=re.escape(f"{path} is missing")):
        checked(adapter)
