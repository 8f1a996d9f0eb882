# What a study will do and cost: `snakemake plan`, before anything runs.
rule estimate:
    input:
        [
            f"{folder}/{name}"
            for folder in sorted(model_folder(model.path) for model in [*STUDY.models, *JUDGES])
            for name in ("config.json", "tokenizer.json")
            if Path(folder, name).is_file()
        ],
    output:
        table=f"{RESULTS}/plan.csv",
        text=f"{RESULTS}/plan.txt",
    log:
        f"{LOGS}/estimate.log",
    conda:
        "../envs/train.yaml"
    params:
        code=code(
            "estimate",
            workflow.main_snakefile,
            *sorted((BASE / "rules").glob("*.smk")),
            *(file for trait in STUDY.traits for file in data_files(STUDY, trait)),
        ),
        # a function: braces in the config are no wildcards
        config=lambda w: json.dumps(config, sort_keys=True),
        snakefile=workflow.main_snakefile,
        world=lambda w: WORLD,
    shell:
        "python scripts/estimate.py --config {params.config:q} --snakefile {params.snakefile} "
        "--world {params.world} --output-table {output.table} --output-text {output.text} > {log} 2>&1"
