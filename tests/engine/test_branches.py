"""Branches behind a prompt, read in one pass."""

import math

import pytest
from make_models import make_model

from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights

PROMPTS = [[5, 6, 7, 8, 9, 10], [5, 6, 7, 8, 11], [5, 6, 7, 8, 9, 12, 13, 14], [20, 21]]
BRANCHES = [(3,), (4,), (3, 4), (4, 4), (3, 4, 5)]


@pytest.mark.parametrize("architecture", ["llama", "qwen3"])
def test_a_branch_is_read_as_if_it_were_written_behind_its_prompt(tmp_path, architecture):
    engine = TransformersEngine(Weights(str(make_model(tmp_path / "model", architecture))))
    read = engine.branch_logprobs(PROMPTS, BRANCHES, 8)
    written = [[*prompt, *branch] for prompt in PROMPTS for branch in [(), *BRANCHES]]
    apart = engine.next_token_logprobs(written, 8)
    together = [after for of_prompt in read for after in of_prompt]
    for one, other in zip(together, apart, strict=True):
        assert one.keys() == other.keys()
        assert all(math.isclose(one[text], other[text], abs_tol=1e-4) for text in one)
