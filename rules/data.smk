# What a study starts from: seed rows, calibrated doses, and the initial models' own scores.
rule seed_data:
    input:
        lambda w: model_files(MODELS[w.model].path),
    output:
        f"{PANEL}/seed_data.jsonl",
    log:
        f"{LOGS}/seed_data/{{setting}}.{{model}}.{{trait}}.{{seed}}.log",
    conda:
        "../envs/train.yaml"
    resources:
        **loads(its_model),
    params:
        code=texts_code("seed_data"),
        settings=lambda w: settings(PLAN.seed_data(panel_of(w))),
        model=lambda w: model_folder(MODELS[w.model].path),
    shell:
        "python -m idempotence.warm run scripts/seed_data.py --settings {params.settings:q} --model {params.model} "
        "--output {output} > {log} 2>&1"


rule calibrate:
    input:
        lambda w: model_files(MODELS[w.model].path),
        model_files(STUDY.judge.path),
    output:
        f"{RESULTS}/calibration/{{objective}}/{{model}}/{{trait}}.json",
    log:
        f"{LOGS}/calibrate/{{objective}}.{{model}}.{{trait}}.log",
    # the doses are what every chain of an objective waits for
    priority: 10
    conda:
        "../envs/train.yaml"
    resources:
        **loads(its_model, the_judge),
    params:
        code=texts_code("calibrate"),
        settings=lambda w: settings(PLAN.calibrate(w.objective, w.model, w.trait)),
        model=lambda w: model_folder(MODELS[w.model].path),
        judge=lambda w: model_folder(STUDY.judge.path),
    shell:
        "python -m idempotence.warm run scripts/calibrate.py --settings {params.settings:q} --model {params.model} "
        "--judge {params.judge} --output {output} > {log} 2>&1"


rule sample_initial:
    input:
        lambda w: model_files(MODELS[w.model].path),
    output:
        f"{RESULTS}/initial/{{model}}/{{trait}}/responses.jsonl",
    log:
        f"{LOGS}/sample_initial/{{model}}.{{trait}}.log",
    conda:
        "../envs/sample.yaml"
    resources:
        **loads(its_model),
    params:
        code=texts_code("sample"),
        settings=lambda w: settings(PLAN.initial(w.model, w.trait)),
        model=lambda w: model_folder(MODELS[w.model].path),
    shell:
        "python -m idempotence.warm run scripts/sample.py --settings {params.settings:q} --model {params.model} "
        "--responses {output} > {log} 2>&1"


rule judge_initial:
    input:
        model_files(STUDY.judge.path),
        responses=f"{RESULTS}/initial/{{model}}/{{trait}}/responses.jsonl",
    output:
        f"{RESULTS}/initial/{{model}}/{{trait}}/scores.parquet",
    log:
        f"{LOGS}/judge_initial/{{model}}.{{trait}}.log",
    conda:
        "../envs/sample.yaml"
    resources:
        **loads(the_judge),
    params:
        code=texts_code("judge"),
        settings=lambda w: settings(PLAN.initial(w.model, w.trait)),
        judge=lambda w: model_folder(STUDY.judge.path),
    shell:
        "python -m idempotence.warm run scripts/judge.py --settings {params.settings:q} --judge {params.judge} "
        "--responses {input.responses} --output {output} > {log} 2>&1"
