"""Mistakes of recipes: names, models and traits that there are not, keys that mean nothing there."""

from idempotence.config.checks.known import Known, Mistakes, Unclear
from idempotence.config.grid import MODEL_KIND

# folders of results/<study>/ that are no setting's
RESERVED = (
    "audit", "benchmarks", "calibration", "figures", "initial", "logs", "pages", "seed_rows",
    "shipped", "tables", "tuning", "world",
)  # fmt: skip
DOSES = {
    "sft": ("levels", "n_seed", "n_sampled"),
    "sdf": ("levels", "n_seed", "n_sampled"),
    "dpo": ("beta", "pairs", "n_seed"),
}


def setting_names(known: Known) -> list[str]:
    """The settings whose objective and start are right."""
    names = []
    for name in known.names("settings"):
        try:
            known("settings", name, "objective"), known("settings", name, "start")
        except Unclear:
            continue
        names.append(name)
    return names


def names(known: Known) -> Mistakes:
    """Names of settings: folders and rules are named by them."""
    seen: dict[str, str] = {}
    for name in known.names("settings"):
        key, plain = ("settings", name), name.replace("-", "_").lower()
        if name in RESERVED:
            yield key, f"is the name of a folder of results; take another than {', '.join(RESERVED)}"
        elif plain in seen:
            yield key, f"differs from {seen[plain]} only in -, _ or capitals; rename one of them"
        seen.setdefault(plain, name)


def recipe(known: Known, name: str) -> Mistakes:
    """What a setting has of its own fits its objective and start."""
    key = ("settings", name)
    objective, start = known(*key, "objective"), known(*key, "start")
    yield from _restarts(known, name, start)
    if objective != "dpo" and known(*key, "rejected_from") != "initial":
        yield (*key, "rejected_from"), f"is not for {objective}: only dpo has rejected replies"
    if known(*key, "cells") is not None:
        for dose in known(*key, "cells"):
            if dose not in DOSES[objective] and known(*key, "cells", dose) is not None:
                doses = ", ".join(DOSES[objective])
                yield (*key, "cells", dose), f"is no dose of {objective}; there are {doses}"


def _restarts(known: Known, name: str, start: str) -> Mistakes:
    last = known.last_cycle(name)
    for key, cycle in known.each("settings", name, "restart_at"):
        if start != "previous":
            yield key, f"{name} starts from the initial model at every cycle; nothing restarts"
        elif cycle > last:
            yield key, f"{cycle} is beyond the last cycle of {name} ({last})"


def traits(known: Known, name: str) -> Mistakes:
    """Traits of a setting are among the study's."""
    there_are = [trait for _, trait in known.each("traits")]
    for key, trait in known.each("settings", name, "traits"):
        if trait not in there_are:
            yield key, f"{trait!r} is not one of traits: {', '.join(there_are)}"


def models(known: Known, name: str) -> Mistakes:
    """A model of the kind that the objective needs; those that a setting names are of it."""
    kind = MODEL_KIND[known("settings", name, "objective")]
    kinds = [known("models", i, "kind") for i in range(known.size("models"))]
    if kind not in kinds:
        yield ("settings", name), f"needs a model of kind {kind}; models lists none"
        return
    fitting = [known("models", i, "name") for i, its_kind in enumerate(kinds) if its_kind == kind]
    for key, model in known.each("settings", name, "models"):
        if model not in fitting:
            text = f"{model!r} is no {kind} model of `models`, which {name} needs"
            yield key, f"{text}; there are: {', '.join(fitting)}"
