"""Mistakes that no single key shows: names that do not exist, doses beyond the rows, and so on.

The checks read the raw config, so that they run beside type errors elsewhere in it; a check that
would need a key that is wrong in itself is left out until that key is right.
"""

from idempotence.config.checks import doses, engine, generator, models, settings
from idempotence.config.checks.known import Known, Mistakes, as_far_as_clear, nearest
from idempotence.texts.supply import Supply

SHIPPED = "shipped"  # results/shipped/ holds the studies that come with the project
OF_STUDY = (models.models, models.judges, settings.names, engine.interpreter, engine.precision)
OF_SETTING = (
    settings.size,
    settings.recipe,
    settings.traits,
    settings.models,
    doses.one_kind_of_dose,
    doses.search,
    doses.seed_rows,
    generator.generator,
    engine.adapters,
    engine.temperature,
)
OF_SUPPLY = (doses.prompt_pool, doses.written, generator.generated_rows)


def contradictions(known: Known, supply: Supply) -> Mistakes:
    """(key, message) of every mistake between keys, or against what there is."""
    missing = [*as_far_as_clear(_text_folders(known, supply))]
    yield from missing
    if not missing:
        yield from as_far_as_clear(_trait_names(known, supply.traits))
        yield from as_far_as_clear(_words(known, supply))
    yield from as_far_as_clear(_scores_from(known))
    yield from as_far_as_clear(_study_name(known))
    for check in OF_STUDY:
        yield from as_far_as_clear(check(known))
    # an objective that no setting has is not used, nor checked
    for name in settings.setting_names(known):
        for of_setting in OF_SETTING:
            yield from as_far_as_clear(of_setting(known, name))
        for of_supply in OF_SUPPLY:
            yield from as_far_as_clear(of_supply(known, name, supply))


def _trait_names(known: Known, traits: list[str] | None) -> Mistakes:
    if traits is None:
        return
    for key, trait in known.each("traits"):
        if trait not in traits:
            there_are = f"There are: {', '.join(traits)}"
            yield key, f"{trait!r} is not a trait{nearest(trait, traits)} {there_are}"


def _text_folders(known: Known, supply: Supply) -> Mistakes:
    """The folders of written texts are there, as far as a study reads them."""
    used = {"traits_folder": supply.traits, "prompts_folder": supply.prompts}
    for key in used if known("texts") == "written" else ():
        if used[key] is not None and not models.is_folder(known(key)):
            yield (key,), f"{known(key)!r} is not a folder here"


def _words(known: Known, supply: Supply) -> Mistakes:
    """The micro world's models know the words of its grammar: they were built for it."""
    own = [("judge", "path"), *(("models", i, "path") for i in range(known.size("models")))]
    if not any(known.is_clear(*key) and known(*key).startswith("world/") for key in own):
        return
    there = {trait: key for key, trait in known.each("traits")}
    for owner, words in supply.unknown_words.items():
        key = there.get(owner) if owner else ("world",)
        if key is not None:
            shown = ", ".join(words[:3]) + (", ..." if len(words) > 3 else "")
            what = f"the trait {owner}" if owner else "the grammar"
            text = f"the shipped models do not know words of {what} ({shown}), newer than they are"
            yield key, f"{text}; `world: build` builds models that do (20 minutes)"


def _scores_from(known: Known) -> Mistakes:
    folder = known("scores_from")
    if folder is not None and known("second_judge") is not None:
        yield ("second_judge",), "is not allowed with scores_from: there are no replies to judge"
    if folder is not None and not models.is_folder(folder):
        yield ("scores_from",), f"{folder!r} is not a folder here; `snakemake ship` writes one"


def _study_name(known: Known) -> Mistakes:
    """Files of a study with the name of the folder of shipped ones would lie among those."""
    if known("study") == SHIPPED:
        yield ("study",), f"{SHIPPED!r} is the folder of the shipped studies; take another name"
