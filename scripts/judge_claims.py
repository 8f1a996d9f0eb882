"""Verdicts on the paper's claims."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def judge_claims(
    claims: Path,
    numbers: Path,
    chains: Path,
    tables: list[Path],
    loops: Loops,
    amplification_points: float,
    from_cycle: int,
    peak_coherence: float,
    output_csv: Path,
    output_json: Path,
) -> None:
    """Apply the tests of the paper's claims to a study's tables.

    claims: the tests (YAML).
    numbers: published numbers of the claims (CSV).
    chains: table of chains (Parquet).
    tables: the tables that the tests name (Parquet).
    loops: the study's settings and which of them are twins.
    amplification_points: rise (points) that counts as amplification, for the tests' words.
    from_cycle: first cycle that the rule looks at, for the tests' words.
    peak_coherence: coherence (points) that a rise must have, for the tests' words.
    output_csv: table to write, one test per row (CSV; Parquet beside it).
    output_json: claims with all their tests, to write.
    """
    from idempotence.claims import verdicts
    from idempotence.claims.definition import load_claims
    from idempotence.claims.rule_words import in_words_of
    from idempotence.io import read_table, write_json, write_table
    from idempotence.published.numbers import load_numbers

    tests = in_words_of(load_claims(claims), amplification_points, from_cycle, peak_coherence)
    published = load_numbers(numbers, {claim.id: len(claim.parts) for claim in tests})
    results = {path.stem: read_table(path) for path in tables}
    judged = verdicts.judge_claims(tests, results, read_table(chains), loops, published)
    write_json(output_json, judged)
    write_table(verdicts.as_table(judged), output_csv)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(judge_claims)
