"""Verdicts on the paper's claims, corrected for the judge's error by blind ratings."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def correct_claims(
    claims: Path,
    trajectories: Path,
    scores: Path,
    judged: Path,
    gold: Path,
    loops: Loops,
    amplification_points: float,
    from_cycle: int,
    gate: float,
    peak_coherence: float,
    bound: float,
    confidence: float,
    seed: int,
    output: Path,
) -> None:
    """Judge the claims on scores less the judge's error, which is drawn again and again.

    claims: the tests (YAML).
    trajectories: the study's trajectories.parquet.
    scores: the study's scores.parquet.
    judged: the judge's scores of the replies that were rated blind (CSV).
    gold: folder of those replies and their ratings.
    loops: the study's settings and which of them are twins.
    amplification_points: rise (points) that counts as amplification, > 0.
    from_cycle: first cycle that the rule looks at, and the first of the late cycles.
    gate: coherence (points) that a gated rule needs.
    peak_coherence: coherence (points) that a chain must have while it rises.
    bound: changes within so many points count as nothing.
    confidence: of intervals, as 0.95.
    seed: of the draws.
    output: table to write (CSV; Parquet beside it).
    """
    import pandas as pd

    from idempotence.claims.corrected import corrected_claims
    from idempotence.claims.definition import load_claims
    from idempotence.claims.draws import Analysis
    from idempotence.claims.rule_words import in_words_of
    from idempotence.io import read_table, write_table
    from idempotence.judge_tuning.gold import SAME, both_ratings, in_all_settings, read_gold
    from idempotence.scores.files import read_scores

    replies = read_scores(scores, ["setting", *SAME])
    rated = both_ratings(in_all_settings(read_gold(gold)[0], replies), pd.read_csv(judged))
    rule = (amplification_points, from_cycle, gate, peak_coherence, bound, confidence)
    tests = in_words_of(load_claims(claims), amplification_points, from_cycle, peak_coherence)
    courses = read_table(trajectories)
    write_table(corrected_claims(tests, courses, rated, loops, Analysis(*rule), seed), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(correct_claims)
