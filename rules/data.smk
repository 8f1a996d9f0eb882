# What a study starts from: seed rows, calibrated doses, and the initial models' own scores.


rule generate_seed_data:
    output:
        output_rows=f"{RESULTS}/seed_rows/{{kind}}/{{trait}}.jsonl",
        output_counts=f"{RESULTS}/seed_rows/{{kind}}/{{trait}}.counts.json",
    log:
        **job_log("generate_seed_data", "kind", "trait"),
    wildcard_constraints:
        kind="chat|document",
    # every panel of the trait waits for it
    priority: 20
    conda:
        SAMPLING
    resources:
        **loads(the_generator),
    params:
        **texts_script(
            "generate_seed_data",
            BASE / "data/generation.yaml",
            engine=lambda w: JOBS.generate_seed_data(w.kind, w.trait).writer.engine,
            job=lambda w: JOBS.generate_seed_data(w.kind, w.trait),
            model=STUDY.generator.path,
        ),
    shell:
        RUN


rule seed_data:
    input:
        after_model=model_files,
        after_rows=lambda w: LOOP.generated_rows(w.setting, w.trait),
    output:
        output=f"{PATHS.panel_pattern}/seed_data.jsonl",
    log:
        **job_log("seed_data", "setting", "model", "trait", "seed"),
    conda:
        SAMPLING
    resources:
        **loads(its_model),
    params:
        **texts_script(
            "seed_data",
            engine=lambda w: JOBS.seed_data(LOOP.panel(w)).engine,
            job=lambda w: JOBS.seed_data(LOOP.panel(w)),
            model=model_path,
        ),
    shell:
        RUN


rule calibrate:
    # named by the first of the settings that share the doses
    input:
        after_model=model_files,
        after_judge=JUDGE_FILES,
        after_rows=lambda w: LOOP.generated_rows(w.setting, w.trait),
    output:
        output=f"{RESULTS}/calibration/{{setting}}/{{model}}/{{trait}}.json",
    log:
        **job_log("calibrate", "setting", "model", "trait"),
    # the doses are what every chain of a setting waits for
    priority: 10
    conda:
        TRAINING
    resources:
        **loads(its_model, the_judge),
    params:
        **texts_script(
            "calibrate",
            job=lambda w: JOBS.calibrate(w.setting, w.model, w.trait),
            model=model_path,
            judge=JUDGE,
        ),
    shell:
        RUN


rule sample_initial:
    input:
        after_model=model_files,
    output:
        responses=PATHS.initial("{model}", "{trait}", "responses.jsonl"),
    log:
        **job_log("sample_initial", "model", "trait"),
    conda:
        SAMPLING
    resources:
        **loads(its_model),
    params:
        **texts_script(
            "sample",
            engine=lambda w: JOBS.initial_sample(w.model, w.trait).engine,
            job=lambda w: JOBS.initial_sample(w.model, w.trait),
            model=model_path,
        ),
    shell:
        RUN


rule judge_initial:
    input:
        after_judge=JUDGE_FILES,
        responses=rules.sample_initial.output.responses,
    output:
        output=PATHS.initial("{model}", "{trait}", "scores.parquet"),
    log:
        **job_log("judge_initial", "model", "trait"),
    conda:
        SAMPLING
    resources:
        **loads(the_judge),
    params:
        **texts_script(
            "judge",
            engine=lambda w: JOBS.initial_judge(w.model, w.trait).judge.engine,
            job=lambda w: JOBS.initial_judge(w.model, w.trait),
            judge=JUDGE,
        ),
    shell:
        RUN
