"""Mistakes that no single key shows: names that do not exist, doses beyond the rows, and so on.

The checks read the raw config, so that they run beside type errors elsewhere in it; a check that
would need a key that is wrong in itself is left out until that key is right.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from idempotence.config.checks.arms import arms
from idempotence.config.checks.engine import OF_OBJECTIVE, OF_STUDY
from idempotence.config.checks.generator import generated, generated_rows
from idempotence.config.checks.known import Key, Known, Mistakes, Unclear, as_far_as_clear, nearest
from idempotence.config.grid import MODEL_KIND, PROMPT_KIND, SETTINGS
from idempotence.config.supply import Supply
from idempotence.config.values import as_number

HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
API_TOP = 20
DOSE = {"sft": "n_sampled", "sdf": "n_sampled", "dpo": "pairs"}


def contradictions(known: Known, supply: Supply) -> Mistakes:
    """(key, message) of every mistake between keys, or against what there is."""
    yield from as_far_as_clear(_trait_names(known, supply.traits))
    yield from as_far_as_clear(_model_names(known))
    yield from as_far_as_clear(_model_places(known))
    for role in _judges(known):
        yield from as_far_as_clear(_judge(known, role))
    yield from as_far_as_clear(_models_for_settings(known))
    yield from as_far_as_clear(_scores_from(known))
    for check in OF_STUDY:
        yield from as_far_as_clear(check(known))
    for setting in SETTINGS:
        yield from as_far_as_clear(_own(known, setting))
        yield from as_far_as_clear(_own_models(known, setting))
        yield from as_far_as_clear(arms(known, setting))
    for objective in _objectives(known):
        yield from as_far_as_clear(_one_kind_of_dose(known, objective))
        yield from as_far_as_clear(_step(known, objective))
        yield from as_far_as_clear(_calibration_rows(known, objective))
        yield from as_far_as_clear(_seed_rows(known, objective))
        yield from as_far_as_clear(_prompt_pool(known, objective, supply))
        yield from as_far_as_clear(_written(known, objective, supply))
        yield from as_far_as_clear(generated_rows(known, objective, supply))
        yield from as_far_as_clear(_generator(known, objective))
        for check in OF_OBJECTIVE:
            yield from as_far_as_clear(check(known, objective))


def _objectives(known: Known) -> list[str]:
    """The objectives of the valid settings; doses of the others are not used, nor checked."""
    try:
        return sorted({SETTINGS[setting][0] for _, setting in known.each("settings")})
    except Unclear:
        return []


def _trait_names(known: Known, traits: list[str] | None) -> Mistakes:
    if traits is None:
        return
    for key, trait in known.each("traits"):
        if trait not in traits:
            there_are = f"There are: {', '.join(traits)}"
            yield key, f"{trait!r} is not a trait{nearest(trait, traits)} {there_are}"


def _model_names(known: Known) -> Mistakes:
    seen: set[str] = set()
    for key, name in known.each("models", field="name"):
        if name in seen:
            yield key, f"{name!r} is the name of another model too; give each its own"
        seen.add(name)


def _model_places(known: Known) -> Mistakes:
    for i in range(known.size("models")):
        places = ["world/instruct", "world/base"]
        yield from as_far_as_clear(place(known, ("models", i), places))


def _judges(known: Known) -> Iterator[str]:
    """The sections that name a judge."""
    yield "judge"
    try:
        if known("second_judge") is not None:
            yield "second_judge"
    except Unclear:
        return


def _judge(known: Known, role: str) -> Mistakes:
    """A model here, or one behind an endpoint, which tells at most `API_TOP` tokens."""
    yield from as_far_as_clear(_answering(known, role, ["world/judge"]))
    remote, top = known(role, "backend") == "openai", known(role, "top_logprobs")
    if remote and top > API_TOP:
        yield (role, "top_logprobs"), f"endpoints give at most {API_TOP} tokens"
    if not remote and top == 0:
        yield (role, "top_logprobs"), "0 is not allowed: a local judge is read by its tokens alone"


def _generator(known: Known, objective: str) -> Mistakes:
    """Who writes generated seed rows; world models know no English."""
    if not generated(known, objective):
        return
    if known("generator", "path") is None:
        yield ("generator", "path"), f"is missing: {objective}.seed_source is generated"
    else:
        yield from _answering(known, "generator", [])


def _answering(known: Known, role: str, world: list[str]) -> Mistakes:
    """A model that is asked: a place on this machine, or a name and an address; or nobody."""
    try:
        local = known(role, "backend") == "local"
    except Unclear:
        local = True
    if local:
        yield from place(known, (role,), world)
    key = (role, "api", "base_url")
    remote, address = known(role, "backend") == "openai", known(*key)
    if remote and address is None:
        yield key, "is missing: backend openai needs the address of its endpoint"
    if not remote and address is not None:
        yield key, f"{address!r} is not allowed: only {role}.backend openai asks an endpoint"
    if remote and known(role, "revision") is not None:
        yield (role, "revision"), "is not allowed: a model behind an endpoint has no commit"
    if remote and known(role, "gpus"):
        yield (role, "gpus"), "is not allowed: a model behind an endpoint takes no GPU here"


def place(known: Known, section: Key, world: list[str]) -> Mistakes:
    """The micro world's models, a folder, or a hub name with its revision."""
    path, revision = known(*section, "path"), known(*section, "revision")
    path_key, revision_key = (*section, "path"), (*section, "revision")
    there_are = ", ".join(world)
    a_world = f"neither {there_are}, nor" if world else "neither"
    in_world = path.startswith("world/")
    if in_world and path not in world:
        text = f"{path!r} is not a model of the micro world{nearest(path, world)}"
        yield path_key, f"{text} There are: {there_are or 'none that could be used here'}"
    elif in_world or _is_folder(path):
        if revision is not None:
            text = f"{revision!r} is not allowed: {path!r} is no hub name, so it has no revision"
            yield revision_key, text
    elif not HUB_NAME.fullmatch(path):
        text = f"{a_world} a folder, nor a hub name (owner/name)"
        yield path_key, f"{path!r} is {text}"
    elif revision is None:
        text = f"{path!r} is not a folder here, and a hub name needs its commit"
        yield revision_key, f"is missing: {text}"


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # longer than a file name may be, or not one at all
        return False


def _models_for_settings(known: Known) -> Mistakes:
    kinds = [known("models", i, "kind") for i in range(known.size("models"))]
    for key, setting in known.each("settings"):
        kind = MODEL_KIND[SETTINGS[setting][0]]
        if kind not in kinds:
            yield key, f"{setting!r} needs a model of kind {kind}; models lists none"


def _step(known: Known, objective: str) -> Mistakes:
    """Only calibrated levels need the search, and with it a dose to try."""
    if not _has_levels(known, objective):
        return
    key, top = _search(known, objective, "n_seed_max")
    step_key, step = _search(known, objective, "step")
    if top < step:
        text = f"{top} is below {'.'.join(step_key)} ({step}), so no level can be calibrated"
        yield key, f"{text}; it must be at least {step}"


def _search(known: Known, objective: str, name: str) -> tuple[Key, int]:
    """(key, value) of a limit of an objective's search for doses."""
    return known.own_or_common((objective, "calibration", name), ("calibration", name))


def _rows(known: Known, objective: str) -> tuple[Key, int]:
    """(key, value) of the number of an objective's seed rows."""
    return known.own_or_common((objective, "seed_rows"), ("seed_rows",))


def _scores_from(known: Known) -> Mistakes:
    folder = known("scores_from")
    if folder is not None and known("second_judge") is not None:
        yield ("second_judge",), "is not allowed with scores_from: there are no replies to judge"
    if folder is not None and not _is_folder(folder):
        yield ("scores_from",), f"{folder!r} is not a folder here; `snakemake ship` writes one"


def _has_levels(known: Known, objective: str) -> bool:
    try:
        return objective != "dpo" and known.size(objective, "cells", "levels") > 0
    except Unclear:
        return False


def _own(known: Known, setting: str) -> Mistakes:
    """What a setting has of its own: chosen from the study's, and of an objective's own kind."""
    objective = SETTINGS[setting][0]
    doses = ["beta", "pairs"] if objective == "dpo" else ["levels", "n_seed", "n_sampled"]
    sources: dict[str, Key] = {name: (objective, "cells", name) for name in doses}
    sources["traits"] = ("traits",)
    for name in ("traits", "levels", "n_seed", "n_sampled", "beta", "pairs"):
        key = ("per_setting", setting, name)
        if name not in sources and known.size(*key):
            yield key, f"is no dose of {setting}; there are {', '.join(doses)}"
        elif known.size(*key):
            there_are = [value for _, value in known.each(*sources[name])]
            shown = f"{'.'.join(sources[name])}: {', '.join(map(str, there_are)) or 'none'}"
            for item, value in known.each(*key):
                if value not in there_are:
                    yield item, f"{value!r} is not one of {shown}"


def _last_cycle(known: Known, objective: str) -> int:
    """The last cycle of any setting of an objective."""
    own = [
        known("per_setting", setting, "cycles") or known("cycles")
        for _, setting in known.each("settings")
        if SETTINGS[setting][0] == objective
    ]
    return max(own)


def _one_kind_of_dose(known: Known, objective: str) -> Mistakes:
    if objective == "dpo":
        return
    section = (objective, "cells")
    levels, n_seed = (known.size(*section, name) for name in ("levels", "n_seed"))
    name = ".".join(section)
    if levels and n_seed:
        yield section, f"has both levels and n_seed; set {name}.levels or {name}.n_seed to []"
    elif not levels and not n_seed:
        yield (
            section,
            "has no dose of cycle 0; give levels (calibrated) or n_seed (numbers of rows)",
        )


def _calibration_rows(known: Known, objective: str) -> Mistakes:
    if _has_levels(known, objective):
        key, _ = _search(known, objective, "n_seed_max")
        yield from _beyond_rows(known, objective, key)


def _seed_rows(known: Known, objective: str) -> Mistakes:
    if objective == "dpo":
        yield from _beyond_rows(known, objective, ("dpo", "cells", "n_seed"))
        return
    for key, _ in known.each(objective, "cells", "n_seed"):
        yield from _beyond_rows(known, objective, key)


def _beyond_rows(known: Known, objective: str, key: Key) -> Mistakes:
    wanted, (rows_key, rows) = known(*key), _rows(known, objective)
    if wanted > rows:
        name = ".".join(rows_key)
        yield key, f"{wanted} is beyond the rows there are: at most {name} ({rows}) is allowed"


def _prompt_pool(known: Known, objective: str, supply: Supply) -> Mistakes:
    """No prompt is used twice; where questions and seed rows are not written, they share the pool."""
    if supply.prompts is None:
        return
    name, kind = DOSE[objective], PROMPT_KIND[objective]
    section = (objective, "cells", name)
    questions, rows = known("evaluation", "questions"), _rows(known, objective)[1]
    cycles, most = _last_cycle(known, objective), max(as_number(dose) for dose in known(*section))
    total, needed = f"cycles ({cycles}) x the largest {'.'.join(section)} ({most})", cycles * most
    if supply.seed_rows is None:
        total = f"evaluation.questions ({questions}) + seed_rows ({rows}) + {total}"
        needed += questions + rows
    if needed > supply.prompts[kind]:
        there_are = f"{kind} prompts; there are only {supply.prompts[kind]}, so lower some"
        yield section, f"{total} = {needed} {there_are}"


def _traits_of(known: Known, objective: str) -> set[str]:
    """The traits of any setting of an objective."""
    settings = [s for _, s in known.each("settings") if SETTINGS[s][0] == objective]
    study = {trait for _, trait in known.each("traits")}
    own = ({trait for _, trait in known.each("per_setting", s, "traits")} for s in settings)
    return set().union(*(traits or study for traits in own))


def _own_models(known: Known, setting: str) -> Mistakes:
    """Models of a setting's own, of the kind that it needs."""
    kind = MODEL_KIND[SETTINGS[setting][0]]
    models = [(known("models", i, "name"), known("models", i, "kind"))
              for i in range(known.size("models"))]  # fmt: skip
    fitting = [name for name, its_kind in models if its_kind == kind]
    for key, name in known.each("per_setting", setting, "models"):
        if name not in fitting:
            there_are = ", ".join(fitting) or "none"
            yield (
                key,
                f"{name!r} is no {kind} model of `models`, which {setting} needs; there are: {there_are}",
            )


def _written(known: Known, objective: str, supply: Supply) -> Mistakes:
    """Written questions and seed rows of every trait that is named."""
    kind, questions = PROMPT_KIND[objective], ("evaluation", "questions")
    rows_key, rows = _rows(known, objective)
    wanted = [(questions, known(*questions), "questions", supply.questions)]
    if not generated(known, objective):
        wanted.append((rows_key, rows, f"seed rows of kind {kind}", supply.seed_rows))
    for key, number, what, there_are in wanted:
        for trait in sorted(_traits_of(known, objective)):
            n = None if there_are is None else there_are[kind].get(trait)
            if n is not None and number > n:
                yield key, f"{number} is beyond the {what} that the trait {trait} has: {n}"
                break  # one trait shows it
