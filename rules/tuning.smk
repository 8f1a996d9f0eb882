# Choosing learning rates on cycle 0. No part of a study: `snakemake tune` when a model is new.
TUNED = sorted({(panel.objective, panel.model.name) for panel in STUDY.panels()})


rule try_learning_rates:
    input:
        lambda w: model_files(MODELS[w.model].path),
        model_files(STUDY.judge.path),
        lambda w: generated_rows(w.objective, w.trait),
    output:
        f"{RESULTS}/tuning/{{objective}}/{{model}}/{{trait}}.json",
    log:
        f"{LOGS}/try_learning_rates/{{objective}}.{{model}}.{{trait}}.log",
    conda:
        "../envs/train.yaml"
    resources:
        **loads(its_model, the_judge),
    params:
        code=texts_code("try_learning_rates"),
        settings=lambda w: settings(PLAN.tune(w.objective, w.model, w.trait)),
        model=lambda w: model_folder(MODELS[w.model].path),
        judge=lambda w: model_folder(STUDY.judge.path),
    shell:
        "python -m idempotence.launch run scripts/try_learning_rates.py --settings {params.settings:q} "
        "--model {params.model} --judge {params.judge} --output {output} > {log} 2>&1"


rule choose_learning_rates:
    input:
        [
            f"{RESULTS}/tuning/{objective}/{model}/{trait}.json"
            for objective, model in TUNED
            for trait in STUDY.traits
        ],
    output:
        f"{RESULTS}/tuning/learning_rates.csv",
    log:
        f"{LOGS}/choose_learning_rates.log",
    conda:
        "../envs/train.yaml"
    params:
        code=code("choose_learning_rates"),
    shell:
        "python -m idempotence.launch run scripts/choose_learning_rates.py --inputs {input} --output {output} 2>&1 "
        "| tee {log}"
