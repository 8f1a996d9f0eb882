"""A model whose file is not whole is one message with its folder."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch")

from idempotence.engine.models import Weights, load_model
from idempotence.errors import UserError

BASE = Path(__file__).parents[2] / "data" / "micro_world" / "base"


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_a_model_that_is_cut_short_is_named(tmp_path, kept):
    folder = tmp_path / "model"
    shutil.copytree(BASE, folder)
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:kept])
    with pytest.raises(UserError, match=f"the model at {folder} .* cannot be loaded"):
        load_model(Weights(str(folder)))
