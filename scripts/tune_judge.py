"""Tune a small language model to rate written traits, on texts with known shares."""

from pathlib import Path
from typing import Literal


def tune_judge(
    recipe: Path,
    model: str,
    traits: Path,
    prompts: Path,
    output: Path,
    dtype: Literal["float32", "bfloat16"] = "float32",
    scratch: Path | None = None,
) -> None:
    """Tune a small language model to rate written traits, on texts with known shares.

    recipe: how (YAML).
    model: folder of the initial model.
    traits: folder of the traits' texts.
    prompts: folder of the neutral prompts.
    output: folder to write: adapter, texts, log, test.
    dtype: the model's weights in memory.
    scratch: folder for the state of a training that is interrupted.
    """
    from idempotence.judge_tuning import tune

    tune.tune_judge(recipe, model, dtype, traits, prompts, output, scratch)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(tune_judge)
