"""Mistakes of recipes: names, models and traits that do not exist, keys without a meaning there."""

import reprlib

from idempotence.config.checks.known import Key, Known, Mistakes, Unclear, as_far_as_clear
from idempotence.config.places import dotted
from idempotence.objectives import OBJECTIVES, Objective

# folders of results/<study>/ that are no setting's
RESERVED = (
    "audit", "benchmarks", "calibration", "figures", "initial", "logs", "models", "pages",
    "scratch", "seed_rows", "shipped", "tables", "tuned_judge", "tuning", "world",
)  # fmt: skip
MOST_TRAININGS = 100_000  # jobs of a setting: an hour of planning, some gigabytes
MOST_ANSWERS = 100_000  # of one model, all of which a job holds


def setting_names(known: Known) -> list[str]:
    """The settings whose objective and start are right."""
    try:
        there_are = known.names("settings")
    except Unclear:
        return []
    keys = ("objective", "start")
    return [n for n in there_are if all(known.is_clear("settings", n, key) for key in keys)]


def names(known: Known) -> Mistakes:
    """Names of settings: folders and rules are named by them."""
    seen: dict[str, str] = {}
    for name in known.names("settings"):
        key, plain = ("settings", name), name.replace("-", "_").lower()
        if name.lower() in RESERVED:
            yield key, f"is a folder of results; take another name than {', '.join(RESERVED)}"
        elif plain in seen:
            yield key, f"differs from {seen[plain]} only in -, _ or capitals; rename one of them"
        seen.setdefault(plain, name)


def size(known: Known, name: str) -> Mistakes:
    """Not more models than Snakemake can plan, nor more answers than a job can hold."""
    seeds_key, seeds = known.first(("settings", name, "seeds"), ("seeds",))
    panels = seeds * len(known.traits_of(name))
    trained = panels * (known.last_cycle(name) + 1)
    if trained > MOST_TRAININGS:
        text = f"{name} has {trained:,} trainings (traits x seeds x cycles); at most"
        yield seeds_key, f"{text} {MOST_TRAININGS:,} can be planned: lower seeds or cycles"
    key: Key = ("evaluation", "samples_per_question")
    answers = known(*key) * known("evaluation", "questions")
    if answers > MOST_ANSWERS:
        text = f"{answers:,} answers a model (with evaluation.questions); at most"
        yield key, f"{text} {MOST_ANSWERS:,} are allowed"


def recipe(known: Known, name: str) -> Mistakes:
    """What a setting has of its own fits its objective and start."""
    key = ("settings", name)
    objective, start = known.objective(name), known(*key, "start")
    yield from as_far_as_clear(_restarts(known, name, start))
    yield from as_far_as_clear(_doses(known, name, objective))
    if not objective.pairs and known(*key, "rejected_from") != "initial":
        names = ", ".join(each.name for each in OBJECTIVES.values() if each.pairs)
        text = f"is not for {objective.name}: only {names} has rejected replies"
        yield (*key, "rejected_from"), text
    if not objective.pairs and known(*key, "cycle_0") is not None:
        text = f"is not for {objective.name}, whose first model is trained as all others are"
        yield (*key, "cycle_0"), text
    if known(*key, "accumulate") and known(*key, "seed_share"):
        yield (*key, "seed_share"), "is not for accumulate: all seed rows are trained on there"
    yield from as_far_as_clear(_initial_share(known, name, objective))
    yield from as_far_as_clear(_selection(known, name, objective))
    if objective.pairs and known(*key, "calibration") is not None:
        text = f"is not for {objective.name}: only levels are calibrated"
        yield (*key, "calibration"), text


def _initial_share(known: Known, name: str, objective: Objective) -> Mistakes:
    setting = ("settings", name)
    key, own = (*setting, "initial_share"), known(*setting, "initial_share")
    if not own:
        return
    if known(*setting, "accumulate"):
        yield key, "is not for accumulate: own samples of all cycles are kept there"
    seeds = known(*setting, "seed_share")
    if own + seeds >= 1:
        yield key, f"{own:g} and seed_share ({seeds:g}) together must be below 1"
    place, _ = known.of_setting(name, "cells", objective.rows)
    for at, rows in known.each(*place):
        if round(own * rows) in (0, rows):
            text = f"{own:g} of {rows} rows ({'.'.join(map(str, at))}) is {round(own * rows)}"
            yield key, f"{text}; it must leave some rows to either model"


def _selection(known: Known, name: str, objective: Objective) -> Mistakes:
    """Candidates for objectives that choose alone, and not more than a job can hold."""
    setting = ("settings", name)
    key, chooses = (*setting, "selection"), objective.chooses
    if known(*key) is not None and not chooses:
        names = ", ".join(each.name for each in OBJECTIVES.values() if each.chooses)
        yield key, f"is not for {objective.name}: only {names} chooses among several samples"
    if not chooses:
        return
    if known(*setting, "initial_share"):
        text = "all samples that it chooses among are the last model's"
        yield (*setting, "initial_share"), f"is not for {objective.name}: {text}"
    place, _ = known.of_setting(name, "cells", objective.rows)
    number = known(*key, "candidates")
    for at, rows in known.each(*place):
        if (samples := number * rows) > MOST_ANSWERS:
            text = f"{number} samples for each of {rows} prompts ({dotted(at)}) are {samples:,}"
            yield (*key, "candidates"), f"{text}; at most {MOST_ANSWERS:,} are allowed"


def _doses(known: Known, name: str, objective: Objective) -> Mistakes:
    cells: Key = ("settings", name, "cells")
    for dose, value in (known(*cells) or {}).items():
        key = (*cells, dose)
        if value is None:
            continue
        if dose not in objective.doses:
            yield key, f"is no dose of {objective.name}; there are {', '.join(objective.doses)}"
        elif dose == "n_seed" and isinstance(value, str | int | float) != objective.pairs:
            form = "one number" if objective.pairs else "a list of numbers"
            text = f"is not allowed: for {objective.name} it must be {form}"
            yield key, f"{reprlib.repr(value)} {text}"


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
    kind = known.objective(name).model_kind
    kinds = [known("models", i, "kind") for i in range(known.size("models"))]
    if kind not in kinds:
        yield ("settings", name), f"needs a model of kind {kind}; models lists none"
        return
    fitting = [known("models", i, "name") for i, its_kind in enumerate(kinds) if its_kind == kind]
    for key, model in known.each("settings", name, "models"):
        if model not in fitting:
            text = f"{model!r} is no {kind} model of `models`, which {name} needs"
            yield key, f"{text}; there are: {', '.join(fitting)}"
