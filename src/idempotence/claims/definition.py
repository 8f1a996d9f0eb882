"""The paper's claims as tests fixed in advance: what data/claims.yaml may hold."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    FiniteFloat,
    Tag,
    ValidationError,
    model_validator,
)

from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.objectives import ObjectiveName, Start

LimitName = Literal["ci_low", "ci_high", "panel_low", "panel_high"]
LIMITS: tuple[LimitName, ...] = ("ci_low", "ci_high")
OVER_PANELS: tuple[LimitName, ...] = ("panel_low", "panel_high")
Premise = Literal["if_right", "if_wrong"]
PREMISES: tuple[Premise, ...] = ("if_right", "if_wrong")


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

    objective: ObjectiveName
    start: Start


class Twins(_Section):
    """The pairs of settings that a test is about: those that differ in nothing but the start."""

    objective: ObjectiveName


class Scenario(_Section):
    """What the chains of a setting would do, for `power`.

    trait_score, coherence (points), words_per_sentence (words): change from cycle 0, reached
    linearly by cycle `by` and kept. chains: share of the chains, drawn at random, that do so. Of
    the others the trait score alone changes, by `others` points.
    """

    by: int = Field(ge=1)
    trait_score: FiniteFloat = 0.0
    coherence: FiniteFloat = 0.0
    words_per_sentence: FiniteFloat = 0.0
    chains: float = Field(1.0, ge=0, le=1)
    others: FiniteFloat = 0.0


class Sides(_Section):
    """What the chains of twins would do."""

    continual: Scenario
    reinit: Scenario


def _kind(value: Any) -> str:
    """Which of both a section is meant to be."""
    sides = isinstance(value, dict) and {"continual", "reinit"} & {*value}
    return "twins" if sides or isinstance(value, Sides) else "loop"


Scenarios = Annotated[
    Annotated[Scenario, Tag("loop")] | Annotated[Sides, Tag("twins")], Discriminator(_kind)
]


class Part(_Section):
    """One test: a row of a table for each setting, or pair, and conditions on its limits.

    where: column -> value that picks the row among those of the setting. needs_amplified: chains
    that must have amplified; needs_cells: doses that a setting must have; needs_cycles: number of
    the last cycle that a chain must have reached. decides: whether the claim's verdict hangs on it.
    if_right, if_wrong: what the chains would do if the paper were right, and if it were wrong.
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
    if_right: Scenarios | None = None
    if_wrong: Scenarios | None = None

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

    @model_validator(mode="after")
    def _has_scenarios_of_its_subject(self) -> "Part":
        given = [each for each in (self.if_right, self.if_wrong) if each is not None]
        if len(given) == 1:
            raise ValueError("give both if_right and if_wrong, or neither")
        if any(isinstance(each, Sides) != bool(self.twins) for each in given):
            wanted = "a scenario each for continual and reinit" if self.twins else "one scenario"
            raise ValueError(f"if_right and if_wrong must give {wanted}")
        return self

    def scenarios(self, premise: Premise) -> dict[tuple[ObjectiveName, Start], Scenario]:
        """(objective, start) -> what chains of such settings do; none where the part has none."""
        given = self.if_right if premise == "if_right" else self.if_wrong
        if isinstance(given, Scenario) and self.loop:
            return {(self.loop.objective, self.loop.start): given}
        if isinstance(given, Sides) and self.twins:
            objective = self.twins.objective
            return {(objective, "previous"): given.continual, (objective, "initial"): given.reinit}
        return {}


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

    @property
    def deciding(self) -> list[Part]:
        """The parts that the verdict hangs on."""
        return [part for part in self.parts if part.decides]

    @model_validator(mode="after")
    def _has_scenarios_that_agree(self) -> "Claim":
        if len({part.if_right is None for part in self.deciding}) > 1:
            raise ValueError("if_right and if_wrong: give them for all parts that decide, or none")
        for premise in PREMISES:
            self.scenarios(premise)
        return self

    def scenarios(self, premise: Premise) -> dict[tuple[ObjectiveName, Start], Scenario]:
        """(objective, start) -> what chains of such settings do, of all parts that decide.

        Raises ValueError where parts say different things of the same settings.
        """
        of_recipe: dict[tuple[ObjectiveName, Start], Scenario] = {}
        for part in self.deciding:
            for recipe, scenario in part.scenarios(premise).items():
                if of_recipe.setdefault(recipe, scenario) != scenario:
                    names = " ".join(recipe)
                    raise ValueError(f"{premise}: two parts have different scenarios of {names}")
        return of_recipe


def load_claims(path: Path) -> list[Claim]:
    """The claims of a YAML file; raises `UserError` with every mistake."""
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))["claims"]
        names = [claim["id"] for claim in content]
    except (OSError, TypeError, KeyError, yaml.YAMLError) as error:
        raise UserError(f"{path}: cannot be read as a list `claims:` ({error})") from None
    claims, mistakes = [], []
    for name, claim in zip(names, content, strict=True):
        try:
            claims.append(Claim.model_validate(claim))
        except ValidationError as error:
            mistakes += [f"{name}: {_mistake(each)}" for each in error.errors(include_url=False)]
    if mistakes:
        raise UserError(f"{path}: " + "; ".join(mistakes))
    return claims


def _mistake(error: Any) -> str:
    """A mistake that pydantic found: dotted key, and what is wrong."""
    place = ".".join(map(str, error["loc"]))
    says = "there is no such key" if error["type"] == "extra_forbidden" else error["msg"]
    return f"{place}: {says}" if place else str(says)
