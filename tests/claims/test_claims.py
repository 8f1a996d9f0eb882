"""Claims: verdicts from tables by recipe, and what a study cannot decide."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from idempotence.claims.definition import Claim, load_claims
from idempotence.claims.verdicts import (
    CONTRADICTED,
    SUPPORTED,
    UNDECIDED,
    UNTESTED,
    as_table,
    judge_claims,
)
from idempotence.errors import UserError
from idempotence.jobs.parts import Loop, Loops
from idempotence.published.numbers import Number

DATA = Path(__file__).parents[2] / "data"
NAN = float("nan")
ON = Loop("on", "dpo", "previous", "", 6)
ANEW = Loop("anew", "dpo", "initial", "", 6)
HOT = Loop("hot", "dpo", "previous", "generation.temperature 2", 6)
HOT_ANEW = Loop("hot-anew", "dpo", "initial", "generation.temperature 2", 6)
LONG = Loop("long", "dpo", "previous", "", 20)
CONTINUAL_DPO = {"objective": "dpo", "start": "previous"}


def chains_of(*settings: str, last_cycle: int = 6) -> pd.DataFrame:
    """Four chains of two cells for each setting; two of them amplified, one has no verdict."""
    frames = [
        pd.DataFrame({"setting": name, "cell": list("aabb"), "amplified": [True, False, True, None],
                      "last_cycle": last_cycle})
        for name in settings
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def shares(**limits: tuple[float, float]) -> dict[str, pd.DataFrame]:
    """The table "rules" with the confidence limits of each setting."""
    low, high = zip(*limits.values(), strict=True)
    table = {"setting": list(limits), "share": 0.5, "ci_low": low, "ci_high": high}
    return {"rules": pd.DataFrame(table)}


def claim(*parts: dict[str, Any]) -> Claim:
    """A claim about loops of continual DPO; parts: what each part has of its own."""
    base = {
        "what": "a share", "table": "rules", "estimate": "share",
        "supported": {"ci_low": {"above": 0.5}}, "contradicted": {"ci_high": {"below": 0.5}},
    }  # fmt: skip
    whole = [
        base | ({} if "twins" in part else {"loop": CONTINUAL_DPO}) | part for part in parts or [{}]
    ]
    published = {"says": "reliably", "where": "abstract"}
    return Claim(id="C4", claim="it grows", published=published, parts=whole)


def judged(
    tables: dict[str, pd.DataFrame], *parts: dict[str, Any], loops: Loops | None = None
) -> dict[str, Any]:
    """The verdict on one claim in a study with these tables, by default of the setting "on"."""
    loops = loops or Loops((ON,), ())
    chains = chains_of(*(loop.name for loop in loops.loops))
    return judge_claims([claim(*parts)], tables, chains, loops)[0]


def verdict(low: float, high: float, *parts: dict[str, Any]) -> str:
    return judged(shares(on=(low, high)), *parts)["verdict"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.6, 0.9, SUPPORTED), (0.1, 0.4, CONTRADICTED), (0.3, 0.8, UNDECIDED),
     (0.5, 0.9, UNDECIDED), (NAN, NAN, UNTESTED)],
)  # fmt: skip
def test_a_verdict_is_where_the_limits_stand(low, high, expected):
    assert verdict(low, high) == expected


@pytest.mark.parametrize("warning", ["only 1 panel(s): no interval", ""])
def test_the_reason_for_no_interval_is_the_tables_warning(warning):
    tables = {"rules": shares(on=(NAN, NAN))["rules"].assign(warnings=warning)}
    assert judged(tables)["parts"][0]["why"] == (warning or "no interval")
    assert judged(shares(on=(NAN, NAN)))["parts"][0]["why"] == "no interval"


OVER_PANELS = {
    "supported": {"panel_low": {"above": 0.5}}, "contradicted": {"panel_high": {"below": 0.5}},
}  # fmt: skip


def test_a_verdict_rests_on_the_interval_that_its_conditions_name():
    tables = {"rules": shares(on=(0.6, 0.9))["rules"].assign(panel_low=0.2, panel_high=0.95)}
    over_chains = judged(tables)["parts"][0]
    assert (over_chains["panel_low"], over_chains["rests_on"]) == (0.2, "ci")
    assert over_chains["verdict"] == SUPPORTED
    result = judged(tables, OVER_PANELS)
    part = result["parts"][0]
    assert (part["verdict"], part["rests_on"]) == (UNDECIDED, "panels")
    assert as_table([result])["rests_on"].tolist() == ["panels"]


def test_without_the_interval_that_it_rests_on_a_part_is_untested():
    tables = {"rules": shares(on=(0.6, 0.9))["rules"].assign(panel_low=NAN, panel_high=NAN)}
    assert judged(tables, OVER_PANELS)["verdict"] == UNTESTED
    with pytest.raises(UserError, match="no column panel_high, panel_low"):
        judged(shares(on=(0.6, 0.9)), OVER_PANELS)


def test_a_part_cannot_rest_on_two_intervals():
    with pytest.raises(ValueError, match="one interval"):
        claim({"supported": OVER_PANELS["supported"]})


def test_a_part_that_is_shown_only_decides_nothing():
    shown = {"contradicted": {"ci_low": {"above": 0.5}}, "decides": False}
    assert verdict(0.6, 0.9, {}, shown) == SUPPORTED
    assert verdict(0.6, 0.9, shown) == UNTESTED
    table = as_table([judged(shares(on=(0.6, 0.9)), {}, shown)])
    assert table["decides"].tolist() == [True, False]


def test_numbers_have_the_digits_of_the_tables_csv():
    part = judged(shares(on=(0.123456789, 0.9)))["parts"][0]
    assert part["ci_low"] == 0.123457
    assert judged(shares(on=(-123.456789, 0.9)))["parts"][0]["ci_low"] == -123.457


def test_all_tested_parts_must_agree():
    narrow = {"supported": {"ci_low": {"above": 0.55}}}
    stricter = {"supported": {"ci_low": {"above": 0.7}}}
    absent = {"loop": {"objective": "sdf", "start": "initial"}}
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


def test_a_setting_is_known_by_its_recipe_and_not_by_its_name():
    loops = Loops((Loop("dpo", "sft", "initial", "", 6), ON), ())
    result = judged(shares(dpo=(0.1, 0.2), on=(0.6, 0.9)), loops=loops)
    assert result["verdict"] == SUPPORTED and len(result["parts"]) == 1
    assert "setting" not in result["parts"][0]
    assert not {"setting", "changes"} & set(as_table([result]).columns)


def test_a_changed_setting_is_shown_and_decides_nothing():
    tables = shares(hot=(0.1, 0.2), on=(0.6, 0.9))
    result = judged(tables, loops=Loops((HOT, ON), ()))
    assert result["verdict"] == SUPPORTED
    plain, changed = result["parts"]
    assert "setting" not in plain and plain["verdict"] == SUPPORTED
    assert (changed["setting"], changed["changes"]) == ("hot", "generation.temperature 2")
    assert (changed["verdict"], changed["ci_high"]) == (CONTRADICTED, 0.2)
    table = as_table([result])
    assert table["setting"].tolist() == ["", "hot"]
    assert table["changes"].tolist() == ["", "generation.temperature 2"]


def test_without_a_plain_setting_a_part_is_untested_with_the_reason():
    result = judged(shares(hot=(0.6, 0.9)), loops=Loops((HOT,), ()))
    assert result["verdict"] == UNTESTED
    reason, changed = result["parts"]
    assert reason["verdict"] == UNTESTED and reason["estimate"] is None
    assert reason["why"] == "hot differs from the paper's loop: generation.temperature 2"
    assert changed["setting"] == "hot" and changed["verdict"] == SUPPORTED


def test_of_several_plain_settings_those_that_fulfil_the_needs_are_tested():
    loops = Loops((ON, LONG), ())
    tables = shares(on=(0.1, 0.2), long=(0.6, 0.9))
    chains = pd.concat([chains_of("on"), chains_of("long", last_cycle=20)], ignore_index=True)

    def rows(part: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
        result = judge_claims([claim(part)], tables, chains, loops)[0]
        return result["verdict"], [(row["setting"], row["verdict"]) for row in result["parts"]]

    assert rows({"needs_cycles": 20}) == (SUPPORTED, [("on", UNTESTED), ("long", SUPPORTED)])
    assert rows({}) == (CONTRADICTED, [("on", CONTRADICTED), ("long", SUPPORTED)])
    table = as_table(judge_claims([claim()], tables, chains, loops))
    assert table["setting"].tolist() == ["on", "long"] and "changes" not in table


def test_a_setting_without_a_row_is_told_what_it_lacks():
    loops = Loops((ON, LONG), ())
    tables = shares(on=(0.6, 0.9))  # a table of pairs of doses has no row of a setting with one
    chains = pd.concat([chains_of("on"), chains_of("long")], ignore_index=True)
    result = judge_claims([claim({"needs_cells": 8})], tables, chains, loops)[0]
    assert [row["why"] for row in result["parts"]] == ["2 doses a panel; it takes 8"] * 2


def test_twins_are_the_studys_pairs():
    loops = Loops((ON, HOT, ANEW, HOT_ANEW), (("on", "anew"), ("hot", "hot-anew")))
    pairs = {
        "continual": ["hot", "on"], "reinit": ["hot-anew", "anew"],
        "share": 0.5, "ci_low": [0.1, 0.6], "ci_high": [0.2, 0.9],
    }  # fmt: skip
    part = {"twins": {"objective": "dpo"}, "table": "continual"}
    tables = {"continual": pd.DataFrame(pairs)}
    result = judged(tables, part, loops=loops)
    assert result["verdict"] == SUPPORTED
    assert [row["verdict"] for row in result["parts"]] == [SUPPORTED, CONTRADICTED]
    assert result["parts"][1]["setting"] == "hot and hot-anew"
    two = Loops((*loops.loops, LONG), (("on", "anew"), ("long", "anew")))
    more = pd.DataFrame({**pairs, "continual": ["on", "long"], "reinit": "anew"})
    names = [row["setting"] for row in judged({"continual": more}, part, loops=two)["parts"]]
    assert names == ["on and anew", "long and anew"]
    other = judged(tables, {**part, "twins": {"objective": "sft"}}, loops=loops)
    assert (
        other["verdict"] == UNTESTED and other["parts"][0]["why"] == "the study has no such setting"
    )


def test_a_test_that_does_not_fit_the_tables_is_an_error():
    tables = {"rules": pd.DataFrame({"setting": ["on", "on"], "share": [1, 1]})}
    with pytest.raises(UserError, match="no column ci_high, ci_low"):
        judged(tables)
    tables["rules"] = tables["rules"].assign(ci_low=0.0, ci_high=1.0)
    with pytest.raises(UserError, match="fits 2 rows"):
        judged(tables)
    absent = {"loop": {"objective": "sdf", "start": "initial"}, "table": "ruls"}
    for part in ({"table": "ruls"}, absent):
        with pytest.raises(UserError, match="there are rules"):
            judged(tables, part)


@pytest.mark.parametrize("file", ["claims.yaml", "claims_first.yaml"])
def test_the_projects_claims_are_whole(file):
    claims = load_claims(DATA / file)
    assert [c.id for c in claims] == [f"C{i}" for i in range(1, 10)]
    for part in (part for c in claims for part in c.parts):
        assert not {"setting", "objective"} & set(part.where)
        for limits in (part.supported, part.contradicted):
            assert limits and all((x.above is None) != (x.below is None) for x in limits.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{id: C1, clam: x, %s parts: []}", "C1: clam: there is no such key"),
        ("{id: C1, claim: x, %s parts: [{%s}]}", "either loop"),
        ("{id: C1, claim: x, %s parts: [{%s, loop: {objective: dpo, start: base}}]}", "'previous'"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, text, message):
    published = "published: {says: y, where: z},"
    part = "what: w, table: t, estimate: e, supported: {}, contradicted: {}"
    path = tmp_path / "claims.yaml"
    path.write_text(f"claims:\n  - {text.replace('[{%s', '[{' + part).replace('%s', published)}\n")
    with pytest.raises(UserError, match=message):
        load_claims(path)


def test_a_file_without_claims_is_an_error(tmp_path):
    path = tmp_path / "claims.yaml"
    path.write_text("- C1\n")
    for missing in (path, tmp_path / "absent.yaml"):
        with pytest.raises(UserError, match="cannot be read as a list"):
            load_claims(missing)


def number(**values: Any) -> Number:
    """A published number of C4."""
    base = {
        "claim": "C4", "test": None, "quantity": "a rise", "value": 46.0, "unit": "points", "n": 1,
        "ci_low": None, "ci_high": None, "interval": None, "where": "full text", "note": None,
    }  # fmt: skip
    return Number(**{**base, **values})


def test_a_published_number_stands_beside_the_test_of_its_quantity_and_decides_nothing():
    share = {"test": 2, "value": 0.25, "unit": "share", "n": 8}
    interval = {"ci_low": 0.125, "ci_high": 0.5, "interval": "Wilson 95 %"}
    numbers = [number(), number(**share, **interval), number(claim="C1", value=1.0)]
    loops = Loops((ON, HOT), ())
    tables = shares(on=(0.6, 0.9), hot=(0.6, 0.9))
    study = (tables, chains_of("on", "hot"), loops)
    without = judge_claims([claim({}, {})], *study)[0]
    result = judge_claims([claim({}, {})], *study, numbers)[0]
    assert result["verdict"] == without["verdict"] == SUPPORTED
    value = "0.25 (0.125 to 0.5), n = 8, full text"
    shown = [(part.get("setting", ""), part["published_value"]) for part in result["parts"]]
    assert shown == [("", ""), ("hot", ""), ("", value), ("hot", "")]
    rise = "a rise: 46 points, n = 1, full text"
    assert result["published"]["numbers"] == [{"text": rise, "where": "full text"}]
    assert as_table([result])["published_value"].tolist() == [rise, rise, value, rise]
    assert as_table([without])["published_value"].tolist() == [""] * 4


def test_the_table_has_a_row_for_each_part():
    frame = as_table([judged(shares(on=(0.6, 0.9)), {}, {})])
    assert frame["test_verdict"].tolist() == [SUPPORTED] * 2 and frame["id"].tolist() == ["C4"] * 2


def test_all_verdicts_of_the_second_version_rest_on_panels():
    parts = [part for claim in load_claims(DATA / "claims.yaml") for part in claim.parts]
    assert {part.interval[0] for part in parts if part.table == "rules"} == {"panel_low"}
    # the intervals of the other tables are over panels themselves
    assert {part.table for part in parts} <= {"rules", "equivalence", "course", "continual",
                                              "dose_flips"}  # fmt: skip
