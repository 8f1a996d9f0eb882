# What a study will do and cost: `snakemake plan`, before anything runs.
PLANNED = [STUDY.judge, STUDY.second_judge, *STUDY.models]


rule estimate:
    input:
        [
            f"{folder}/{name}"
            for folder in sorted({PATHS.model(model.path) for model in PLANNED if model})
            for name in ("config.json", "tokenizer.json")
            if Path(folder, name).is_file()
        ],
        power=[] if STUDY.audit.files else rules.simulate_power.output.output_parquet,
    output:
        output_table=f"{RESULTS}/plan.csv",
        output_text=f"{RESULTS}/plan.txt",
    log:
        PATHS.log("estimate"),
    conda:
        TRAINING
    params:
        **script(
            "estimate",
            workflow.main_snakefile,
            *sorted((BASE / "rules").glob("*.smk")),
            *(file for trait in STUDY.traits for file in data_files(STUDY, trait)),
            config=json.dumps(CONFIG),
            snakefile=workflow.main_snakefile,
            world=PATHS.world,
        ),
    shell:
        ANALYSE
