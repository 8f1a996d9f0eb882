"""Mistakes of doses: beyond the rows or prompts there are, or no clear dose of cycle 0."""

from idempotence.config.checks.generator import generated
from idempotence.config.checks.known import Key, Known, Mistakes, Unclear
from idempotence.config.places import dotted
from idempotence.config.values import as_number
from idempotence.texts.supply import Supply


def cells_key(known: Known, name: str, dose: str) -> Key | None:
    """Where a setting's list of a dose is given: in its recipe, or in its objective's section.

    None where the recipe gives the alternative (levels, n_seed) instead.
    """
    own: Key = ("settings", name, "cells")
    objective = known.objective(name)
    if known(*own) is not None:
        if known(*own, dose) is not None:
            return (*own, dose)
        other = {"levels": "n_seed", "n_seed": "levels"}.get(dose)
        if not objective.pairs and other and known(*own, other):
            return None
    return (objective.section, "cells", dose)


def has_levels(known: Known, name: str) -> bool:
    """Whether a setting's doses of cycle 0 are calibrated levels."""
    try:
        if known.objective(name).pairs:
            return False
        key = cells_key(known, name, "levels")
        return key is not None and known.size(*key) > 0
    except Unclear:
        return False


def one_kind_of_dose(known: Known, name: str) -> Mistakes:
    """Levels or numbers of seed rows, and not both."""
    objective = known.objective(name)
    if objective.pairs:
        return
    keys = [cells_key(known, name, dose) for dose in ("levels", "n_seed")]
    sizes = [0 if key is None else known.size(*key) for key in keys]
    own = known("settings", name, "cells") is not None
    section: Key = ("settings", name, "cells") if own else (objective.section, "cells")
    if all(sizes):
        yield section, "has both levels and n_seed; give one of them"
    elif not any(sizes):
        yield (
            section,
            "has no dose of cycle 0; give levels (calibrated) or n_seed (numbers of rows)",
        )


def search(known: Known, name: str) -> Mistakes:
    """Calibrated levels need a search, and with it a dose to try, within the rows there are."""
    if not has_levels(known, name):
        return
    (key, top), (step_key, step) = _search(known, name, "n_seed_max"), _search(known, name, "step")
    if top < step:
        text = f"{top} is below {dotted(step_key)} ({step}), so no level can be calibrated"
        yield key, f"{text}; it must be at least {step}"
    yield from _beyond_rows(known, name, key, top)


def _search(known: Known, name: str, limit: str) -> tuple[Key, int]:
    """(key, value) of a limit of a setting's search for doses."""
    sections: list[Key] = [("settings", name), (known.objective(name).section,), ()]
    return known.first(*((*section, "calibration", limit) for section in sections))


def rows_of(known: Known, name: str) -> tuple[Key, int]:
    """(key, value) of the number of a setting's seed rows."""
    sections: list[Key] = [("settings", name), (known.objective(name).section,), ()]
    return known.first(*((*section, "seed_rows") for section in sections))


def seed_rows(known: Known, name: str) -> Mistakes:
    """No dose of cycle 0 is beyond the rows there are."""
    key = cells_key(known, name, "n_seed")
    if key is None:
        return
    if known.objective(name).pairs:
        if isinstance(rows := known(*key), int):  # else it is another mistake
            yield from _beyond_rows(known, name, key, rows)
        return
    for item, rows in known.each(*key):
        yield from _beyond_rows(known, name, item, rows)


def _beyond_rows(known: Known, name: str, key: Key, wanted: int) -> Mistakes:
    rows_key, rows = rows_of(known, name)
    if as_number(wanted) > rows:
        most = f"at most {dotted(rows_key)} ({rows}) is allowed"
        yield key, f"{wanted} is beyond the rows there are: {most}"


def prompt_pool(known: Known, name: str, supply: Supply) -> Mistakes:
    """There are enough prompts. Questions and seed rows that are not written share the pool."""
    if supply.prompts is None:
        return
    objective = known.objective(name)
    kind = objective.kind
    common: Key = (objective.section, "cells", objective.rows)
    key = cells_key(known, name, objective.rows) or common
    # for each cycle as many are reserved as the largest dose of the objective or the setting needs
    wanted = [(as_number(n), place) for place in (common, key) for _, n in known.each(*place)]
    if not wanted:
        return
    most, place = max(wanted)
    questions, rows = known("evaluation", "questions"), rows_of(known, name)[1]
    prompts, how = known.of_setting(name, "prompts")
    redrawn = how == "redrawn"
    cycles = 1 if redrawn else known.last_cycle(name)
    total = f"the largest {dotted(place)} ({most})"
    total = total if redrawn else f"cycles ({cycles}) x {total}"
    needed = cycles * most
    if supply.seed_rows is None:
        total = f"evaluation.questions ({questions}) + seed_rows ({rows}) + {total}"
        needed += questions + rows
    if needed > supply.prompts[kind]:
        there_are = f"{kind} prompts; there are only {supply.prompts[kind]}, so lower some"
        there_are += "" if redrawn else f", or set {dotted(prompts)} to redrawn"
        yield place, f"{total} = {needed} {there_are}"


def written(known: Known, name: str, supply: Supply) -> Mistakes:
    """Written questions and seed rows of every trait that is named."""
    kind, questions = known.objective(name).kind, ("evaluation", "questions")
    rows_key, rows = rows_of(known, name)
    wanted: list[tuple[Key, int, str, dict[str, dict[str, int]] | None]] = [
        (questions, known(*questions), "questions", supply.questions)
    ]
    if not generated(known, name):
        wanted.append((rows_key, rows, f"seed rows of kind {kind}", supply.seed_rows))
    for key, number, what, there_are in wanted:
        for trait in sorted(known.traits_of(name)):
            n = None if there_are is None else there_are[kind].get(trait)
            if n is not None and number > n:
                yield key, f"{number} is beyond the {what} that the trait {trait} has: {n}"
                break  # one trait shows it
