"""Verdicts on the paper's claims."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def judge_claims(
    claims: Path,
    numbers: Path,
    chains: Path,
    tables: list[Path],
    loops: Loops,
    output_csv: Path,
    output_json: Path,
) -> None:
    """Apply the tests of the paper's claims to a study's tables.

    claims: the tests (YAML).
    numbers: published numbers of the claims (CSV).
    chains: table of chains (Parquet).
    tables: the tables that the tests name (Parquet).
    loops: the study's settings and which of them are twins.
    output_csv: table to write, one test per row (CSV; Parquet beside it).
    output_json: claims with all their tests, to write.
    """
    from idempotence.claims import verdicts
    from idempotence.claims.definition import load_claims
    from idempotence.io import read_table, write_json, write_table
    from idempotence.published.numbers import load_numbers

    tests = load_claims(claims)
    published = load_numbers(numbers, {claim.id: len(claim.parts) for claim in tests})
    results = {path.stem: read_table(path) for path in tables}
    judged = verdicts.judge_claims(tests, results, read_table(chains), loops, published)
    write_json(output_json, judged)
    write_table(verdicts.as_table(judged), output_csv)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge_claims)
