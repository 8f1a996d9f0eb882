"""The published numbers as shipped."""

from run_script import ROOT

from idempotence.published.series import load_chains

SERIES = ROOT / "data/published/series.csv"
NUMBERS = ROOT / "data/published/numbers.csv"
CHAINS = load_chains(SERIES)  # the authors': 8 of sft, 1 of dpo, all of bliss
