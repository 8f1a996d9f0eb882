"""The kinds of values that a config's keys hold: bounded numbers, names, lists without repeats."""

import re
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from idempotence.jobs.parts import Criterion
from idempotence.strict_yaml import Strict

NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
VARIABLE = r"^[A-Z_][A-Z0-9_]*$"
SLUG = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
VERSION = r"^[0-9][A-Za-z0-9.+!_-]*$"
DIGEST = r"^[0-9a-f]{64}$"
VARIABLE_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
# a part of file names: any text but what a path or one of Snakemake's patterns would take apart
FILE_NAME = r"^[^\W_][^/{}\x00-\x1f\x7f]*$"
PARAMETER = r"^[a-z][a-z0-9_]*$"
PATH = r"^[^{}]+$"  # Snakemake takes braces for wildcards


def as_number(value: Any) -> Any:
    """YAML 1.1 reads 1e-4 as a string: take it as the number it is. True is not a number."""
    if not isinstance(value, bool | str):
        return value
    if isinstance(value, bool) or not NUMERAL.fullmatch(value):
        raise PydanticCustomError("number", "not a number")
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def _as_flag(value: Any) -> Any:
    """Snakemake's --config key=false arrives as a string; 0, 1, yes and no are refused."""
    flags = {"true": True, "false": False}
    return flags.get(value.lower(), value) if isinstance(value, str) else value


def _no_repeats(values: list[Any]) -> list[Any]:
    for i, value in enumerate(values):
        if value in values[:i]:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            raise PydanticCustomError("repeats", "{shown} is listed twice", {"shown": shown})
    return values


# Bounds stand before the validator: after it, the JSON schema would lose them.
Numeric = BeforeValidator(as_number)
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Numeric]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), Numeric]
Score = Annotated[float, Field(allow_inf_nan=False), Numeric]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), Numeric]
BelowOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), Numeric]
Level = Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False), Numeric]
Confidence = Annotated[float, Field(gt=0.5, lt=1, allow_inf_nan=False), Numeric]
Count = Annotated[int, Field(ge=1), Numeric]
Number = Annotated[int, Field(ge=0), Numeric]
Seed = Annotated[int, Field(ge=0), Numeric]
Several = Annotated[int, Field(ge=2), Numeric]
TopTokens = Annotated[int, Field(ge=0, le=100), Numeric]
Flag = Annotated[bool, Field(strict=True), BeforeValidator(_as_flag)]
Text = Annotated[str, StringConstraints(strict=True, min_length=1)]
FilePath = Annotated[str, StringConstraints(strict=True, pattern=PATH)]
Slug = Annotated[str, StringConstraints(strict=True, pattern=SLUG)]
SettingName = Annotated[str, StringConstraints(strict=True, pattern=NAME)]
Parameter = Annotated[str, StringConstraints(strict=True, pattern=PARAMETER)]
Distinct = AfterValidator(_no_repeats)
Once = Field(json_schema_extra={"uniqueItems": True})
Levels = Annotated[list[Level], Distinct, Once]
Counts = Annotated[list[Count], Distinct, Once]
Strengths = Annotated[list[Positive], Distinct, Once]
Names = Annotated[list[Text], Distinct, Once]
TraitName = Annotated[str, StringConstraints(strict=True, pattern=FILE_NAME, max_length=100)]
TraitNames = Annotated[list[TraitName], Distinct, Once]
AnyCriteria = Annotated[list[Criterion], Distinct, Once]
Criteria = Annotated[list[Criterion], Field(min_length=1), Distinct, Once]
SomeCounts = Annotated[list[Count], Field(min_length=1), Distinct, Once]
SomeStrengths = Annotated[list[Positive], Field(min_length=1), Distinct, Once]
# capitals only, so that a key itself is refused
Variable = Annotated[str, StringConstraints(strict=True, pattern=VARIABLE)]


class Section(Strict):
    """A section of a config."""

    # defaults too become the type they are declared with: equal configs give equal jobs
    model_config = ConfigDict(validate_default=True)
