"""A claim in one row: the paper's words, the test that the verdict rests on, the authors' runs."""

from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.claims.definition import LIMITS, OVER_PANELS
from idempotence.claims.verdicts import WHOLE
from idempotence.io import read_json

MISSING = "–"
AUTHORS = "authors' code"


def tested(part: dict[str, Any]) -> bool:
    """Whether a test of claims.json has an estimate."""
    return part["estimate"] is not None


def deciding_test(claim: dict[str, Any]) -> dict[str, Any] | None:
    """The test that a claim's verdict rests on; None where none was done.

    A claim is contradicted, or left undecided, by the first of its tests that is.
    """
    tests = [part for part in claim["parts"] if part["decides"] and tested(part)]
    mine = [part for part in tests if part["verdict"] == claim["verdict"]] or tests
    return mine[0] if mine else None


def verdict_and_test(claim: dict[str, Any]) -> tuple[str, str]:
    """(verdict, the test that it rests on in words, with its estimate; empty for none)."""
    part = deciding_test(claim)
    verdict = claim["verdict"].removesuffix(" here")
    if part is None:
        return verdict, ""
    setting = f", {part['setting']}" if "setting" in part else ""
    return verdict, f"{part['what']}{setting}: {estimate(part)}"


def with_judges_error(corrected: pd.DataFrame) -> dict[str, str]:
    """Claim -> its corrected verdict; see `claims.corrected.corrected_claims`."""
    whole = corrected[corrected["test"] == WHOLE]
    verdicts = zip(whole["id"], whole["verdict"], strict=True)
    return {claim: verdict.removesuffix(" here") for claim, verdict in verdicts}


def real_answers(claims: Path, corrected: Path) -> dict[str, tuple[str, str, str]]:
    """Claim -> (verdict, test, corrected verdict or "") of a study of a real model.

    claims: its claims.json; corrected: its table corrected_claims (CSV). A claim that was not
    tested has no third.
    """
    sure = with_judges_error(pd.read_csv(corrected))
    answers = {}
    for claim in read_json(claims):
        verdict, test = verdict_and_test(claim)
        answers[claim["id"]] = (verdict, test, sure.get(claim["id"], "") if test else "")
    return answers


def estimate(part: dict[str, Any]) -> str:
    """A test's estimate with the interval that its verdict rests on."""
    low, high = (
        part.get(name) for name in (OVER_PANELS if part["rests_on"] == "panels" else LIMITS)
    )
    known = [abs(x) for x in (part["estimate"], low, high) if x is not None]
    return with_interval(part["estimate"], low, high, 3 if known and max(known) < 0.1 else 2)


def with_interval(value: Any, low: Any, high: Any, digits: int) -> str:
    """An estimate and its interval; a zero has no sign."""
    if pd.isna(value):
        return MISSING
    text = f"{value:z.{digits}f}"
    known = low is not None and high is not None and not pd.isna(low)
    return f"{text} ({low:z.{digits}f} to {high:z.{digits}f})" if known else text


def of_authors(claim: dict[str, Any]) -> list[str]:
    """Numbers of the authors' own runs on a claim, first that of the test that decides here."""
    runs = [n["text"] for n in claim["published"]["numbers"] if n["where"] == AUTHORS]
    test = deciding_test(claim)
    if test and test["published_value"].endswith(AUTHORS):
        runs.insert(0, f"the same: {test['published_value']}")
    return [text.removesuffix(f", {AUTHORS}") for text in runs]
