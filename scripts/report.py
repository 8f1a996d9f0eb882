"""The study's report: Snakemake's own, of what the rule `findings` gathers."""

from pathlib import Path


def report(config: Path, snakefile: Path, output: Path) -> None:
    """Write Snakemake's report of a study.

    It runs in this process, which ends with the workflow: a Snakemake of its own would write on.

    config: the study's whole config, as the workflow has written it.
    snakefile: the workflow's.
    output: page to write (HTML).
    """
    from snakemake.cli import main

    files = ["--snakefile", str(snakefile), "--configfile", str(config), "--report", str(output)]
    main(["findings", *files, "--nolock", "--cores", "1"])


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(report)
