"""Two builds of the micro world: the same bytes, or how far apart."""

import hashlib
from pathlib import Path
from typing import Any

from idempotence.errors import UserError

MODELS = ("base", "instruct", "judge")


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def compare_worlds(built: Path, shipped: Path) -> dict[str, Any]:
    """For each model: whether the weights agree byte for byte, else the largest difference.

    built, shipped: folders of the three models. Keys: agree (of all), models (name -> SHA-256 of
    both files, agree, largest_difference of any weight). Raises `UserError` when the shipped
    models are not there.
    """
    report = {}
    for name in MODELS:
        ours, theirs = (folder / name / "model.safetensors" for folder in (built, shipped))
        if not theirs.exists():
            raise UserError(f"{theirs} is missing: there is nothing to compare the build with")
        same = sha256(ours) == sha256(theirs)
        report[name] = {
            "built": sha256(ours),
            "shipped": sha256(theirs),
            "agree": same,
            "largest_difference": 0.0 if same else _largest_difference(ours, theirs),
        }
    return {"agree": all(row["agree"] for row in report.values()), "models": report}


def _largest_difference(ours: Path, theirs: Path) -> float | None:
    """Largest absolute difference of any weight; None where the shapes differ."""
    from safetensors.numpy import load_file

    a, b = load_file(ours), load_file(theirs)
    if {k: v.shape for k, v in a.items()} != {k: v.shape for k, v in b.items()}:
        return None
    return max(float(abs(a[key] - b[key]).max()) for key in a)


def in_words(report: dict[str, Any]) -> str:
    """The result of `compare_worlds` as text."""
    if report["agree"]:
        return "The built models and the shipped ones agree byte for byte."
    lines = ["The built models differ from the shipped ones (another processor or library?):"]
    for name, row in report["models"].items():
        gap = row["largest_difference"]
        far = "other shapes" if gap is None else f"largest difference of a weight {gap:.3g}"
        lines.append(f"  {name}: {'the same bytes' if row['agree'] else far}")
    lines.append("Compare the quality tables: quality.json of both must meet the bars.")
    return "\n".join(lines)
