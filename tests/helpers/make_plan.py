"""Plans of a small study, for tests of what a study costs."""

import pandas as pd
from make_config import ROOT, load

from idempotence.config.layers import merged
from idempotence.cost_estimate.plan import estimate

WORLD = ROOT / "data" / "micro_world"
SMALL = {
    "traits": ["bliss"], "seeds": 2, "cycles": 2, "seed_rows": 40,
    "settings": {"sft": {}, "dpo": {}},
    "sft": {"cells": {"levels": [], "n_seed": [10, 20], "n_sampled": [5]}},
    "dpo": {"cells": {"beta": [0.1], "pairs": [6], "n_seed": 7}},
    "evaluation": {"questions": 3, "samples_per_question": 4},
    "rates": {"reply_tokens": 20, "document_tokens": 25, "loading": 0},
}  # fmt: skip


def plan_of(over: dict, counted: dict | None = None) -> tuple[pd.DataFrame, str]:
    """The plan of `SMALL` with changes, its table indexed by rule and setting."""
    table, text = estimate(load(merged(SMALL, over)), counted or {}, WORLD)
    return table.set_index(["rule", "setting"]), text
