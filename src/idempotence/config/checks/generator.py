"""Mistakes of a config that has seed rows generated."""

from idempotence.config.checks.known import Known, Mistakes
from idempotence.config.grid import PROMPT_KIND
from idempotence.config.supply import Supply

SECTION = {"chat": "chats", "document": "documents"}


def generated(known: Known, objective: str) -> bool:
    """Whether an objective's seed rows are generated."""
    return known(objective, "seed_source") == "generated"


def generated_rows(known: Known, objective: str, supply: Supply) -> Mistakes:
    """Not more rows than the generator is told to make, and not more than it can be asked for."""
    if not generated(known, objective):
        return
    if known("texts") != "written":
        text = "'generated' needs the description of a written trait: set texts: written"
        yield (objective, "seed_source"), text
    kind = PROMPT_KIND[objective]
    made_key = ("generator", SECTION[kind], "rows")
    made = known(*made_key)
    key, rows = known.own_or_common((objective, "seed_rows"), ("seed_rows",))
    if rows > made:
        text = f"{rows} is beyond what the generator is told to write: at most"
        yield key, f"{text} {'.'.join(made_key)} ({made}) is allowed"
    most = (supply.combinations or {}).get(kind)
    if most is not None and made > most:
        text = f"{made} is beyond the {most} combinations of data/generation.yaml; add to its lists"
        yield made_key, text
    fewest_key, longest = (*made_key[:2], "min_words"), known(*made_key[:2], "max_words")
    if known(*fewest_key) > longest:
        yield fewest_key, f"{known(*fewest_key)} is above max_words ({longest})"
