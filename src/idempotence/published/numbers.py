"""The numbers of each claim: data/published/numbers.csv."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from idempotence.errors import UserError
from idempotence.published.rows import PublishedRow, read_rows


class Number(PublishedRow):
    """A number, or that there are only words; data/published/README.md explains each column."""

    claim: str
    test: Annotated[int, Field(ge=1)] | None
    quantity: str
    value: float | None
    unit: str | None
    n: Annotated[int, Field(ge=1)] | None
    ci_low: float | None
    ci_high: float | None
    interval: str | None
    where: Literal["abstract", "full text", "authors' code"]
    note: str | None

    @model_validator(mode="after")
    def _is_whole(self) -> "Number":
        about = (self.test, self.unit, self.n, self.ci_low, self.ci_high, self.interval)
        if self.value is None:
            if any(each is not None for each in about):
                raise ValueError("without a value there is no test, unit, n or interval")
            return self
        if self.unit is None:
            raise ValueError("a value needs its unit")
        if self.ci_low is None or self.ci_high is None or self.interval is None:
            if (self.ci_low, self.ci_high, self.interval) != (None, None, None):
                raise ValueError("give ci_low, ci_high and interval together")
        elif not self.ci_low <= self.value <= self.ci_high:
            raise ValueError("the value lies outside of ci_low and ci_high")
        return self

    def as_text(self) -> str:
        """Value, unit, interval, n and where it stands, such as "0.04 (0.03 to 0.08), n = 270"."""
        text = f"{self.value:.3g}" + ("" if self.unit == "share" else f" {self.unit}")
        if self.ci_low is not None:
            text += f" ({self.ci_low:.3g} to {self.ci_high:.3g})"
        return text + ("" if self.n is None else f", n = {self.n}") + f", {self.where}"


def load_numbers(path: Path, tests: Mapping[str, int]) -> list[Number]:
    """The rows that have a value.

    tests: id of each claim -> how many tests it has. Raises `UserError` for mistakes in the file
    (see `rows.read_rows`), and for a claim or a test that does not exist.
    """
    numbers = []
    for place, row in read_rows(path, Number):
        if row.claim not in tests:
            raise UserError(f"{place}, column claim: '{row.claim}' is none of {', '.join(tests)}")
        if row.test is not None and row.test > tests[row.claim]:
            has = f"{row.claim} has {tests[row.claim]} test(s)"
            raise UserError(f"{place}, column test: {has}, so there is no test {row.test}")
        if row.value is not None:
            numbers.append(row)
    return numbers
