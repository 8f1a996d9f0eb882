"""Keys of endpoints, looked for before any job: a study would train first and stop at its judge."""

import os
from collections.abc import Iterable

from idempotence.config.study import Study
from idempotence.endpoint.secret import check_key
from idempotence.errors import UserError

# rules whose jobs ask an endpoint if the section of the config has one
ASKED = {
    "generate_seed_data": "generator",
    "calibrate": "judge",
    "try_learning_rates": "judge",
    "judge": "judge",
    "judge_initial": "judge",
    "judge_generated": "judge",
    "judge_candidates": "judge",
    "judge_again": "judge",
    "judge_initial_again": "judge",
    "judge_replies": "judge",
    "judge_gold": "judge",
    "judge_second": "second_judge",
}


def check_keys(study: Study, here: Iterable[str], elsewhere: Iterable[str]) -> str:
    """A warning about keys that jobs on other machines may lack; "" where there is none.

    here, elsewhere: rules of the jobs that are to run, with the environment of this process and on
    other machines, which may have keys of their own. Raises `UserError` where a key is missing, or
    cannot be sent, that a job here needs: it names the environment variable.
    """
    lacking = _lacking(study, here)
    if lacking:
        raise UserError(
            "jobs need the key of an endpoint; nothing was run.\n  "
            + _advice(lacking, "Set it and give the same command again:")
        )
    rules = sorted(set(elsewhere) & set(ASKED))
    lacking = _lacking(study, rules)
    if not lacking:
        return ""
    return (
        f"warning: jobs on other machines ({', '.join(rules)}) need the key of an endpoint. They "
        "fail unless it is in the environment there.\n  "
        + _advice(lacking, "Where they have this shell's environment, set it before you start:")
    )


def _lacking(study: Study, rules: Iterable[str]) -> dict[str, str]:
    """Variable of a key that is missing here -> what is wrong, for the jobs of some rules."""
    lacking: dict[str, str] = {}
    for role in dict.fromkeys(ASKED[rule] for rule in rules if rule in ASKED):
        section = getattr(study, role)
        if section is not None and section.backend == "openai":
            variable = section.api.key_env
            try:
                check_key(os.environ.get(variable, ""), role, variable)
            except UserError as error:
                lacking.setdefault(variable, str(error))
    return lacking


def _advice(lacking: dict[str, str], todo: str) -> str:
    exports = (f"export {variable}=..." for variable in lacking)
    return "\n  ".join([*lacking.values(), todo, *exports])
