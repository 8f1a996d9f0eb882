"""Mistakes of a config that has seed rows generated."""

from idempotence.config.checks.known import Key, Known, Mistakes
from idempotence.config.checks.models import answering
from idempotence.config.places import dotted
from idempotence.texts.supply import Supply

SECTION = {"chat": "chats", "document": "documents"}


def _source(known: Known, name: str) -> tuple[Key, str]:
    """(key, value) of who writes a setting's seed rows."""
    return known.of_setting(name, "seed_source")


def generated(known: Known, name: str) -> bool:
    """Whether a setting's seed rows are generated."""
    return _source(known, name)[1] == "generated"


def generator(known: Known, name: str) -> Mistakes:
    """Who writes generated seed rows; the micro world's models know no English."""
    if not generated(known, name):
        return
    if known("generator", "path") is None:
        key = dotted(_source(known, name)[0])
        yield ("generator", "path"), f"is missing: {key} is generated"
    else:
        yield from answering(known, "generator", [])


def generated_rows(known: Known, name: str, supply: Supply) -> Mistakes:
    """Not more rows than the generator writes, and not more than it has combinations for."""
    if not generated(known, name):
        return
    if known("texts") != "written":
        text = "'generated' needs the description of a written trait: set texts: written"
        yield _source(known, name)[0], text
    kind = known.objective(name).kind
    written_key = ("generator", SECTION[kind], "rows")
    written = known(*written_key)
    key, rows = known.first(
        ("settings", name, "seed_rows"),
        (known.objective(name).section, "seed_rows"),
        ("seed_rows",),
    )
    if rows > written:
        text = f"{rows} is beyond what the generator writes: at most"
        yield key, f"{text} {dotted(written_key)} ({written}) is allowed"
    most = (supply.combinations or {}).get(kind)
    if most is not None and written > most:
        text = (
            f"{written} is beyond the {most} combinations of data/generation.yaml; add to its lists"
        )
        yield written_key, text
    fewest_key, longest = (*written_key[:2], "min_words"), known(*written_key[:2], "max_words")
    if known(*fewest_key) > longest:
        yield fewest_key, f"{known(*fewest_key)} is above max_words ({longest})"
