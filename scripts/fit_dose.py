"""Doses: log odds of amplification, and verdicts that differ between neighbours."""

from pathlib import Path


def fit_dose(chains: Path, confidence: float, output_model: Path, output_flips: Path) -> None:
    """Fit amplification to doses, and count verdicts that differ between neighbouring doses.

    chains: table of chains (Parquet).
    confidence: of intervals, as 0.95.
    output_model: table to write, log odds per doubling (CSV; Parquet beside it).
    output_flips: table to write, shares of pairs that differ (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.dose import dose_flips, dose_model, dose_pairs

    table = read_table(chains)
    write_table(dose_model(table, confidence), output_model)
    write_table(dose_flips(dose_pairs(table), confidence), output_flips)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_dose)
