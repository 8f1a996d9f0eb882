# Choosing learning rates on cycle 0. No part of a study: `snakemake tune` when a model is new.
from idempotence.objectives import OBJECTIVES

ABOVE = STUDY.tuning.above_initial
ABOVE_DPO = STUDY.tuning.dpo.above_initial if STUDY.tuning.dpo.above_initial is not None else ABOVE
# The first setting of each of the sections sft, sdf and dpo stands for all that are laid over it.
TUNED = {OBJECTIVES[setting.objective].section: setting for setting in reversed(STUDY.settings)}


rule try_learning_rates:
    input:
        after_model=model_files,
        after_judge=JUDGE_FILES,
        after_rows=lambda w: LOOP.generated_rows(TUNED[w.objective].name, w.trait),
    output:
        output=f"{RESULTS}/tuning/{{objective}}/{{model}}/{{trait}}.json",
    log:
        **job_log("try_learning_rates", "objective", "model", "trait"),
    wildcard_constraints:
        objective=one_of(TUNED),
    conda:
        TRAINING
    resources:
        **loads(its_model, the_judge),
    params:
        **texts_script(
            "try_learning_rates",
            job=lambda w: JOBS.try_learning_rates(TUNED[w.objective].name, w.model, w.trait),
            model=model_path,
            judge=JUDGE,
        ),
    shell:
        RUN


rule choose_learning_rates:
    input:
        inputs=[
            f"{RESULTS}/tuning/{objective}/{model}/{trait}.json"
            for objective, setting in sorted(TUNED.items())
            for model in sorted(setting.models)
            for trait in setting.traits
        ],
        initial=[
            PATHS.initial(model, trait, "scores.parquet")
            for model, trait in sorted(
                {(m, t) for s in TUNED.values() for m in s.models for t in s.traits}
            )
            if (ABOVE, ABOVE_DPO) != (None, None)
        ],
    output:
        output=f"{RESULTS}/tuning/learning_rates.csv",
    log:
        PATHS.log("choose_learning_rates"),
    conda:
        TRAINING
    params:
        **script("choose_learning_rates", above_initial=ABOVE, above_initial_dpo=ABOVE_DPO),
    shell:
        launched("run") + " {params.args} {params.options} 2>&1 | tee {log:q}"
