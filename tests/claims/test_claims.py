"""Claims: verdicts from tables, and what a study cannot decide."""

import pandas as pd
import pytest

from idempotence.claims.verdicts import (
    CONTRADICTED,
    SUPPORTED,
    UNDECIDED,
    UNTESTED,
    Claim,
    as_table,
    judge_claims,
    load_claims,
)
from idempotence.errors import UserError

CHAINS = pd.DataFrame(
    {"setting": ["dpo"] * 4, "cell": list("aabb"), "amplified": [True, False, True, None],
     "last_cycle": [6] * 4}
)  # fmt: skip


def claim(*parts: dict) -> Claim:
    base = {
        "what": "a share", "table": "rules", "where": {"setting": "dpo"}, "estimate": "share",
        "supported": {"ci_low": {"above": 0.5}}, "contradicted": {"ci_high": {"below": 0.5}},
    }  # fmt: skip
    published = {"says": "reliably", "where": "abstract"}
    return Claim(id="C4", claim="it grows", published=published, parts=[base | p for p in parts])


def verdict(low: float, high: float, *parts: dict) -> str:
    table = {"setting": ["dpo"], "share": [0.5], "ci_low": [low], "ci_high": [high]}
    tables = {"rules": pd.DataFrame(table)}
    return judge_claims([claim(*parts or [{}])], tables, CHAINS)[0]["verdict"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.6, 0.9, SUPPORTED), (0.1, 0.4, CONTRADICTED), (0.3, 0.8, UNDECIDED),
     (0.5, 0.9, UNDECIDED), (float("nan"), float("nan"), UNTESTED)],
)  # fmt: skip
def test_a_verdict_is_where_the_limits_stand(low, high, expected):
    assert verdict(low, high) == expected


@pytest.mark.parametrize("told", ["only 1 panel(s): no interval", float("nan"), ""])
def test_why_there_is_no_interval_is_told(told):
    nan = float("nan")
    table = pd.DataFrame({"setting": ["dpo"], "share": [0.5], "ci_low": [nan], "ci_high": [nan],
                          "warnings": [told]})  # fmt: skip
    part = judge_claims([claim({})], {"rules": table}, CHAINS)[0]["parts"][0]
    assert part["why"] == (told if isinstance(told, str) and told else "no interval")


def test_the_interval_over_panels_is_told_and_decides_nothing():
    table = pd.DataFrame({"setting": ["dpo"], "share": [0.7], "ci_low": [0.6], "ci_high": [0.9],
                          "panel_low": [0.2], "panel_high": [0.95]})  # fmt: skip
    told = judge_claims([claim({})], {"rules": table}, CHAINS)
    part = told[0]["parts"][0]
    assert (part["panel_low"], part["panel_high"], part["verdict"]) == (0.2, 0.95, SUPPORTED)
    assert as_table(told)["panel_high"].tolist() == [0.95]


def test_all_tested_parts_must_agree():
    narrow = {"supported": {"ci_low": {"above": 0.55}}}
    stricter = {"supported": {"ci_low": {"above": 0.7}}}
    absent = {"where": {"setting": "sdf"}}
    assert verdict(0.6, 0.9, narrow, absent) == SUPPORTED
    assert verdict(0.6, 0.9, narrow, stricter) == UNDECIDED
    assert verdict(0.6, 0.9, narrow, {"contradicted": {"ci_low": {"above": 0.5}}}) == CONTRADICTED
    assert verdict(0.6, 0.9, absent) == UNTESTED


@pytest.mark.parametrize(
    ("need", "met"),
    [({"needs_amplified": 2}, True), ({"needs_amplified": 3}, False), ({"needs_cells": 2}, True),
     ({"needs_cells": 3}, False), ({"needs_cycles": 6}, True), ({"needs_cycles": 7}, False)],
)  # fmt: skip
def test_a_study_too_small_for_a_test_does_not_decide_it(need, met):
    assert verdict(0.6, 0.9, need) == (SUPPORTED if met else UNTESTED)


def test_a_test_that_does_not_fit_the_tables_is_an_error():
    tables = {"rules": pd.DataFrame({"setting": ["dpo", "dpo"], "share": [1, 1]})}
    with pytest.raises(UserError, match="no column ci_high, ci_low"):
        judge_claims([claim({})], tables, CHAINS)
    tables["rules"] = tables["rules"].assign(ci_low=0.0, ci_high=1.0)
    with pytest.raises(UserError, match="fits 2 rows"):
        judge_claims([claim({})], tables, CHAINS)
    with pytest.raises(UserError, match="there are rules"):
        judge_claims([claim({"table": "ruls"})], tables, CHAINS)


def test_the_projects_claims_are_whole():
    claims = load_claims()
    assert [c.id for c in claims] == [f"C{i}" for i in range(1, 10)]
    for part in (part for c in claims for part in c.parts):
        assert part.supported and part.contradicted
        for one in (part.supported, part.contradicted):
            assert all((x.above is None) != (x.below is None) for x in one.values())


def test_a_misspelt_key_is_named(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text("claims:\n  - {id: C1, clam: x, published: {says: y, where: z}, parts: []}\n")
    with pytest.raises(UserError, match="clam: Extra inputs"):
        load_claims(path)


def test_the_table_has_a_row_for_each_part():
    table = {"setting": ["dpo"], "share": [0.5], "ci_low": [0.6], "ci_high": [0.9]}
    told = judge_claims([claim({}, {})], {"rules": pd.DataFrame(table)}, CHAINS)
    frame = as_table(told)
    assert frame["test_verdict"].tolist() == [SUPPORTED] * 2 and frame["id"].tolist() == ["C4"] * 2
