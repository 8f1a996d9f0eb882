"""Names of settings, cells and measures as people read them."""

import math
from collections.abc import Iterable, Mapping

SETTINGS = {
    "sft": "SFT, every cycle from the initial model",
    "sft-continual": "SFT, every cycle from the previous model",
    "sdf": "Document finetuning, every cycle from the initial model",
    "sdf-continual": "Document finetuning, every cycle from the previous model",
    "dpo": "DPO, every cycle from the previous model",
    "dpo-reinit": "DPO, every cycle from the initial model",
    "initial": "The initial models",
}
MEASURES = {"trait_score": "trait score", "coherence": "coherence"}


def setting_title(setting: str) -> str:
    """A setting in words, with its name."""
    return f"{SETTINGS[setting]} ({setting})" if setting in SETTINGS else setting


def in_order(settings: Iterable[str]) -> list[str]:
    """Each setting once, in the order of `SETTINGS`, unknown ones last."""
    present = list(dict.fromkeys(settings))
    return [s for s in SETTINGS if s in present] + [s for s in present if s not in SETTINGS]


def cell_label(cell: str, doses: Mapping[str, float]) -> str:
    """A cell's doses in words; its name where it has none.

    doses: level, n_seed, n_sampled, beta, pairs, with NaN or None for what does not apply.
    """
    known = {name: value for name, value in doses.items() if value is not None}
    known = {name: value for name, value in known.items() if not math.isnan(value)}
    parts = []
    if "level" in known:
        parts.append(f"seeded to {known['level']:g}")
    elif "n_seed" in known and "beta" not in known:
        parts.append(f"{known['n_seed']:g} seed rows")
    if "beta" in known:
        parts.append(f"β {known['beta']:g}")
    if "n_sampled" in known:
        parts.append(f"{known['n_sampled']:g} samples a cycle")
    if "pairs" in known:
        parts.append(f"{known['pairs']:g} pairs a cycle")
    return ", ".join(parts) or cell


def percent(confidence: float) -> str:
    """0.95 as "95 %"."""
    return f"{100 * confidence:g} %"


def between(n: Iterable[int]) -> str:
    """Counts as "3", or "3-9" where they differ; "0" for none."""
    counts = [int(value) for value in n]
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{low}" if low == high else f"{low}-{high}"
