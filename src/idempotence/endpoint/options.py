"""How an endpoint is asked, as the workflow passes it on by the environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from idempotence.environment_names import api_variable, cache_variable
from idempotence.errors import UserError


@dataclass(frozen=True)
class EndpointOptions:
    """How an endpoint is asked; none of it decides a score.

    key_env: environment variable of the key. concurrency: calls under way at once. attempts: at one
    call. timeout: seconds. longest_wait: seconds, at most, that a server may ask for between two
    attempts. max_unanswered: share of a job's requests (0-1) that may stay without an answer.
    max_calls, max_cost: budgets (None: no limit). price_in, price_out: money per million tokens.
    names: usual name of a parameter -> its name at this endpoint.
    """

    base_url: str
    key_env: str
    concurrency: int
    attempts: int
    timeout: float
    longest_wait: float
    max_unanswered: float
    max_calls: int | None
    max_cost: float | None
    price_in: float
    price_out: float
    names: Mapping[str, str]


def endpoint_options(
    role: str, environment: Mapping[str, str] = os.environ
) -> tuple[EndpointOptions, Path]:
    """(options, file of the answers) that the workflow passed on for a section of the config.

    Raises `UserError` where it did not, or not in this form.
    """
    variable = api_variable(role)
    try:
        options = EndpointOptions(**json.loads(environment.get(variable, "")))
    except (ValueError, TypeError) as error:
        raise UserError(
            f"the {role}'s endpoint is not known: put the keys of {role}.api of the config, as "
            f"JSON, into the environment variable {variable} ({error})"
        ) from None
    return options, answers_file(role, environment)


def answers_file(role: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The SQLite file of a role's answers; raises `UserError` where the environment names none."""
    variable = cache_variable(role)
    if not environment.get(variable):
        raise UserError(
            f"the file for the {role}'s answers is not known: name an SQLite file, which need not "
            f"be there yet, in the environment variable {variable}"
        )
    return Path(environment[variable])
