"""Recipes of a tuned judge, and texts for it."""

from pathlib import Path

from idempotence.judge_tuning.recipe import JudgeRecipe
from idempotence.judge_tuning.texts import Row

TRAITS = Path(__file__).parents[2] / "data" / "traits"
NEUTRAL = [Row(f"plain prompt {i}?", f"Plain one {i}. Plain two {i}.") for i in range(40)]

NONE: dict = {"chat": [], "document": []}


def recipe(*stages: int, collapsed: float = 0) -> JudgeRecipe:
    """stages: texts of each for a trait, half as many for coherence. collapsed: of the last one."""
    counts = [{"chat": n, "document": n} for n in stages]
    halves = [{"chat": n // 2, "document": n // 2} for n in stages]
    content: dict = {
        "seed": 3, "traits": ["bliss", "nvidia"], "held_out": 0.2,
        "replies": {"chats": 1, "documents": 1, "max_new_tokens": 1, "temperature": 1.0},
        "fit": {"rank": 2, "alpha": 4, "modules": ["q_proj"], "warmup_steps": 1,
                "weight_decay": 0, "texts_per_step": 2, "threads": 1},
        "stages": [
            {"learning_rate": 1e-3, "trait_texts": traits, "coherence_texts": coherence}
            for traits, coherence in zip(counts, halves, strict=True)
        ],
    }  # fmt: skip
    if collapsed:
        content["stages"][-1]["collapsed"] = collapsed
        content["replies"]["broken"] = {"chats": 1, "documents": 1, "temperature": 1.2}
    return JudgeRecipe.model_validate(content)
