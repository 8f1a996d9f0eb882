"""The numbers of the claims: what is shown of them, mistakes, and those that follow from series."""

import pandas as pd
import pytest
from make_published import CHAINS, NUMBERS, SERIES
from run_script import ROOT

from idempotence.claims.definition import load_claims
from idempotence.errors import UserError
from idempotence.published.numbers import Number, load_numbers
from idempotence.published.rows import read_rows
from idempotence.published.series import SeriesRow
from idempotence.stats.intervals import wilson

TESTS = {"C1": 2, "C2": 1}
GOOD = {
    "claim": "C1", "test": "1", "quantity": "a share", "value": "0.1", "unit": "share",
    "n": "20", "ci_low": "0.05", "ci_high": "0.2", "interval": "Wilson 95 %",
    "where": "full text", "note": "",
}  # fmt: skip
WORDS = dict.fromkeys(["test", "value", "unit", "n", "ci_low", "ci_high", "interval"], "")


def write(tmp_path, **row):
    path = tmp_path / "numbers.csv"
    pd.DataFrame([GOOD, GOOD | row]).to_csv(path, index=False)
    return path


def shipped():
    claims = load_claims(ROOT / "data/claims.yaml")
    return load_numbers(NUMBERS, {claim.id: len(claim.parts) for claim in claims})


def test_every_claim_has_a_row_and_those_of_words_alone_have_no_value():
    rows = [row for _, row in read_rows(NUMBERS, Number)]
    assert {row.claim for row in rows} == {f"C{i}" for i in range(1, 10)}
    assert {row.claim for row in rows if row.value is not None} == {
        "C1",
        "C2",
        "C4",
        "C6",
        "C7",
        "C9",
    }
    assert len(shipped()) == 6


def test_the_published_share_of_documents_is_wilsons():
    number = next(number for number in shipped() if number.claim == "C2")
    low, high = wilson(12, 270, 0.95)
    assert (number.value, number.ci_low, number.ci_high) == pytest.approx(
        (12 / 270, low, high), abs=5e-4
    )
    assert number.as_text() == "0.044 (0.026 to 0.076), n = 270, full text"


def test_numbers_of_the_authors_code_follow_from_their_series():
    numbers = {number.claim: number for number in shipped() if number.where == "authors' code"}
    sft = CHAINS[CHAINS["objective"] == "sft"].pivot(
        index="cell", columns="cycle", values="trait_score"
    )
    amplified = (sft[4] - sft[0] >= 15).sum()
    low, high = wilson(int(amplified), len(sft), 0.95)
    share = numbers["C1"]
    assert (share.value, share.n, share.ci_low) == (amplified / len(sft), len(sft), low)
    assert share.ci_high == pytest.approx(high, abs=5e-4)
    dpo = [row for _, row in read_rows(SERIES, SeriesRow) if row.objective == "dpo"]
    first, peak = (next(r for r in dpo if r.cycle == 0), next(r for r in dpo if r.kind == "peak"))
    assert numbers["C4"].value == pytest.approx(peak.trait_score - first.trait_score)
    assert numbers["C7"].value == pytest.approx(peak.coherence - first.coherence)
    assert numbers["C7"].as_text() == "-2.9 points, n = 1, authors' code"


def test_a_row_of_words_is_left_out(tmp_path):
    assert len(load_numbers(write(tmp_path, **WORDS), TESTS)) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"claim": "C11"}, "line 3, column claim: 'C11' is none of C1, C2"),
        ({"claim": "C2", "test": "2"}, r"line 3, column test: C2 has 1 test\(s\)"),
        ({"test": "0"}, "line 3, column test: .* greater than or equal to 1"),
        ({"n": "many"}, "line 3, column n: .* valid integer"),
        ({"where": "blog"}, "line 3, column where: "),
        ({"value": ""}, "line 3, column any: .* without a value"),
        ({"unit": ""}, "line 3, column any: .* needs its unit"),
        ({"interval": ""}, "line 3, column any: .* together"),
        ({"ci_low": ""}, "line 3, column any: .* together"),
        ({"value": "0.3"}, "line 3, column any: .* outside"),
    ],
)
def test_a_mistake_is_named_with_line_and_column(tmp_path, row, message):
    with pytest.raises(UserError, match=message):
        load_numbers(write(tmp_path, **row), TESTS)
