"""The paper's claims as tests fixed in advance: what data/claims.yaml may hold."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.jobs.parts import Objective, Start

LimitName = Literal["ci_low", "ci_high", "panel_low", "panel_high"]
LIMITS: tuple[LimitName, ...] = ("ci_low", "ci_high")
OVER_PANELS: tuple[LimitName, ...] = ("panel_low", "panel_high")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Section):
    """What a confidence limit must be."""

    above: float | None = None
    below: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value is beyond every bound given; NaN never is."""
        over = self.above is None or value > self.above
        return over and (self.below is None or value < self.below)


class Recipe(_Section):
    """The settings that a test is about."""

    objective: Objective
    start: Start


class Twins(_Section):
    """The pairs of settings that a test is about: those that differ in nothing but the start."""

    objective: Objective


class Part(_Section):
    """One test: a row of a table for each setting, or pair, and conditions on its limits.

    where: column -> value that picks the row among those of the setting. needs_amplified: chains
    that must have amplified; needs_cells: doses that a setting must have; needs_cycles: number of
    the last cycle that a chain must have reached. decides: whether the claim's verdict hangs on it.
    """

    what: str
    table: str
    loop: Recipe | None = None
    twins: Twins | None = None
    where: dict[str, str | bool] = {}
    estimate: str
    supported: dict[LimitName, Limit]
    contradicted: dict[LimitName, Limit]
    needs_amplified: int = 0
    needs_cells: int = 0
    needs_cycles: int = 0
    decides: bool = True

    @property
    def interval(self) -> tuple[LimitName, ...]:
        """Names of the two confidence limits that the verdict rests on."""
        over_panels = {*self.supported, *self.contradicted} & {*OVER_PANELS}
        return OVER_PANELS if over_panels else LIMITS

    @model_validator(mode="after")
    def _rests_on_one_interval(self) -> "Part":
        named = {*self.supported, *self.contradicted}
        if not named <= {*self.interval}:
            raise ValueError("supported and contradicted must name limits of one interval")
        return self

    @model_validator(mode="after")
    def _has_one_subject(self) -> "Part":
        if (self.loop is None) == (self.twins is None):
            raise ValueError("give either loop (objective and start) or twins (objective)")
        return self


class Published(_Section):
    """The paper's words or number, and the part of the paper they stand in."""

    says: str
    where: str


class Claim(_Section):
    """A claim of the paper, in our words, and its tests."""

    id: str
    claim: str
    published: Published
    parts: list[Part]


def load_claims(path: Path) -> list[Claim]:
    """The claims of a YAML file; raises `UserError` with every mistake."""
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
        return [Claim.model_validate(claim) for claim in content["claims"]]
    except (OSError, TypeError, KeyError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as a list `claims:` ({error})") from None
    except ValidationError as error:
        places = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)
        ]
        raise UserError(f"{path}: " + "; ".join(places)) from None
