# What a study starts from: seed rows, calibrated doses, and the initial models' own scores.
rule generate_seed_data:
    output:
        rows=f"{RESULTS}/seed_rows/{{kind}}/{{trait}}.jsonl",
        counts=f"{RESULTS}/seed_rows/{{kind}}/{{trait}}.counts.json",
    log:
        f"{LOGS}/generate_seed_data/{{kind}}.{{trait}}.log",
    wildcard_constraints:
        kind="chat|document",
    # every panel of the trait waits for it
    priority: 20
    conda:
        SAMPLING
    resources:
        **loads(the_generator),
    params:
        code=texts_code("generate_seed_data", GENERATION),
        start=lambda w: start(PLAN.generate(w.kind, w.trait)["model"]),
        settings=lambda w: settings(PLAN.generate(w.kind, w.trait)),
        model=STUDY.generator.path,
    shell:
        "python -m idempotence.launch {params.start} scripts/generate_seed_data.py --settings {params.settings:q} "
        "--model {params.model} --output-rows {output.rows} --output-counts {output.counts} > {log} 2>&1"


rule seed_data:
    input:
        lambda w: model_files(MODELS[w.model].path),
        lambda w: generated_rows(OBJECTIVE[w.setting], w.trait),
    output:
        f"{PANEL}/seed_data.jsonl",
    log:
        f"{LOGS}/seed_data/{{setting}}.{{model}}.{{trait}}.{{seed}}.log",
    conda:
        SAMPLING
    resources:
        **loads(its_model),
    params:
        code=texts_code("seed_data"),
        start=lambda w: start(PLAN.seed_data(panel_of(w))),
        settings=lambda w: settings(PLAN.seed_data(panel_of(w))),
        model=lambda w: model_folder(MODELS[w.model].path),
    shell:
        "python -m idempotence.launch {params.start} scripts/seed_data.py --settings {params.settings:q} --model {params.model} "
        "--output {output} > {log} 2>&1"


rule calibrate:
    input:
        lambda w: model_files(MODELS[w.model].path),
        model_files(STUDY.judge.path),
        lambda w: generated_rows(w.objective, w.trait),
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
        "python -m idempotence.launch run scripts/calibrate.py --settings {params.settings:q} --model {params.model} "
        "--judge {params.judge} --output {output} > {log} 2>&1"


rule sample_initial:
    input:
        lambda w: model_files(MODELS[w.model].path),
    output:
        f"{RESULTS}/initial/{{model}}/{{trait}}/responses.jsonl",
    log:
        f"{LOGS}/sample_initial/{{model}}.{{trait}}.log",
    conda:
        SAMPLING
    resources:
        **loads(its_model),
    params:
        code=texts_code("sample"),
        start=lambda w: start(PLAN.initial(w.model, w.trait)),
        settings=lambda w: settings(PLAN.initial(w.model, w.trait)),
        model=lambda w: model_folder(MODELS[w.model].path),
    shell:
        "python -m idempotence.launch {params.start} scripts/sample.py --settings {params.settings:q} --model {params.model} "
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
        SAMPLING
    resources:
        **loads(the_judge),
    params:
        code=texts_code("judge"),
        start=lambda w: start(PLAN.initial(w.model, w.trait)["judge"]),
        settings=lambda w: settings(PLAN.initial(w.model, w.trait)),
        judge=lambda w: model_folder(STUDY.judge.path),
    shell:
        "python -m idempotence.launch {params.start} scripts/judge.py --settings {params.settings:q} --judge {params.judge} "
        "--responses {input.responses} --output {output} > {log} 2>&1"
