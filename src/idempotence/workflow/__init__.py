"""Snakemake's own process: jobs of a study, paths, commands, fingerprints, environment."""
