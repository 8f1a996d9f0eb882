"""Say whether a config is a valid study, without Snakemake."""

from pathlib import Path


def check_config(configs: list[Path]) -> None:
    """Say whether a config is a valid study, without Snakemake.

    Snakemake itself reads a file of --configfile before any code of the project does, and answers
    one that it cannot read (another encoding, a nesting without end) with a traceback.

    configs: files as --configfile takes them; they are laid over config.yaml.
    """
    from idempotence.config.layers import effective_config, merged
    from idempotence.config.load import load_study
    from idempotence.config.yaml_files import check_files
    from idempotence.texts.files import read_mapping
    from idempotence.workflow.study_texts import supply

    sources = [Path(__file__).resolve().parent.parent / "config.yaml", *configs]
    names = [str(path) for path in sources]
    check_files(names)
    whole: dict = {}
    for path in sources:
        whole = merged(whole, read_mapping(path))
    config = effective_config(whole, names)
    study = load_study(config, names, supply(config))
    print(f"{study.study}: a valid study of {len(study.panels()):,} panels")


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(check_config)
