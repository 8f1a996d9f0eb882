# A judge of written traits, tuned from the study's first model: `snakemake tune_judge`. No part of a study, which takes
# the adapter that is shipped (data/english/judge): copy there what this writes.
from idempotence.judge_tuning.recipe import load_judge_recipe, rated_files

JUDGE_RECIPE = PATHS.own("data/english/judge_recipe.yaml")
TUNED_JUDGE = f"{RESULTS}/tuned_judge"


rule tune_judge:
    input:
        recipe=JUDGE_RECIPE,
        after_ratings=lambda wildcards: rated_files(Path(JUDGE_RECIPE)),
        after_model=PATHS.model_files(STUDY.models[0].path),
    output:
        [f"{TUNED_JUDGE}/{name}" for name in (*ADAPTER_FILES, "texts.jsonl", "quality.json")],
    log:
        PATHS.log("tune_judge"),
    conda:
        TRAINING
    threads: lambda wildcards: load_judge_recipe(Path(JUDGE_RECIPE)).fit.threads
    resources:
        **loads(lambda wildcards: STUDY.models[0]),
    params:
        **script(
            "tune_judge",
            *(file for trait in STUDY.traits for file in data_files(STUDY, trait)),
            model=PATHS.model(STUDY.models[0].path),
            dtype=STUDY.models[0].dtype,
            traits=STUDY.traits_folder,
            prompts=STUDY.prompts_folder,
            output=TUNED_JUDGE,
            scratch=f"{RESULTS}/scratch/tune_judge",
        ),
    shell:
        launched("run") + " {params.args} {params.options} > {log:q} 2>&1"
