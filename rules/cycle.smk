# One turn of the loop for one panel: finetune -> sample -> judge.

for setting in OBJECTIVE:

    rule:
        name:
            f"finetune_{setting.replace('-', '_')}"
        input:
            unpack(finetune_input),
        output:
            [kept(f) for f in adapter_files(setting)],
        log:
            f"{LOGS}/finetune/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
        benchmark:
            f"{BENCHMARKS}/finetune/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.tsv"
        wildcard_constraints:
            setting=setting,
            cycle=r"[1-9]\d*" if setting in TWINS else r"\d+",
        conda:
            "../envs/train.yaml"
        resources:
            **loads(its_model),
        params:
            code=code("finetune"),
            settings=lambda w: settings(PLAN.finetune(panel_of(w), int(w.cycle))),
            model=lambda w: model_folder(MODELS[w.model].path),
            options=finetune_options,
            folder=f"{CYCLE}/adapters",
        shell:
            "python -m idempotence.launch run scripts/finetune.py --settings {params.settings:q} --model {params.model} "
            "{params.options} --output {params.folder} > {log} 2>&1"


for setting, twin in TWINS.items():

    rule:
        name:
            f"copy_first_cycle_{setting.replace('-', '_')}"
        input:
            first_cycle(twin, adapter_files(twin)),
            first_cycle(twin, SAMPLED),
        output:
            [kept(f) for f in first_cycle(setting, adapter_files(setting))],
            first_cycle(setting, SAMPLED),
        log:
            f"{LOGS}/copy_first_cycle/{setting}.{{model}}.{{trait}}.{{seed}}.log",
        localrule: True
        conda:
            "../envs/analysis.yaml"
        params:
            code=code("copy_first_cycle"),
        shell:
            "python scripts/copy_first_cycle.py --inputs {input} --outputs {output} > {log} 2>&1"


rule sample:
    input:
        lambda w: model_files(MODELS[w.model].path),
        adapters_of,
        before=rejected_by,
    output:
        responses=f"{CYCLE}/responses.jsonl",
        generated=f"{CYCLE}/generated.jsonl",
    log:
        f"{LOGS}/sample/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
    benchmark:
        f"{BENCHMARKS}/sample/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.tsv"
    wildcard_constraints:
        setting=settings_where(last_cycle=False),
    conda:
        SAMPLING
    resources:
        **loads(its_model),
    params:
        code=texts_code("sample"),
        start=lambda w: start(PLAN.sample(panel_of(w), int(w.cycle))),
        settings=lambda w: settings(PLAN.sample(panel_of(w), int(w.cycle))),
        model=lambda w: model_folder(MODELS[w.model].path),
        adapters=f"{CYCLE}/adapters",
        options=sample_options,
    shell:
        "python -m idempotence.launch {params.start} scripts/sample.py --settings {params.settings:q} --model {params.model} "
        "--adapters {params.adapters} --responses {output.responses} "
        "{params.options} > {log} 2>&1"


use rule sample as sample_last with:
    output:
        responses=f"{CYCLE}/responses.jsonl",
    log:
        f"{LOGS}/sample/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
    benchmark:
        f"{BENCHMARKS}/sample/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.tsv"
    wildcard_constraints:
        setting=settings_where(last_cycle=True),


rule judge:
    input:
        model_files(STUDY.judge.path),
        responses=f"{CYCLE}/responses.jsonl",
        calibration=calibration_file,
    output:
        f"{CYCLE}/scores.parquet",
    log:
        f"{LOGS}/judge/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
    benchmark:
        f"{BENCHMARKS}/judge/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.tsv"
    conda:
        SAMPLING
    resources:
        **loads(the_judge),
    params:
        code=texts_code("judge"),
        start=lambda w: start(PLAN.judge(panel_of(w), int(w.cycle))["judge"]),
        settings=lambda w: settings(PLAN.judge(panel_of(w), int(w.cycle))),
        judge=lambda w: model_folder(STUDY.judge.path),
        options=lambda w, input: f"--calibration {input.calibration}" if input.calibration else "",
    shell:
        "python -m idempotence.launch {params.start} scripts/judge.py --settings {params.settings:q} --judge {params.judge} "
        "{params.options} --responses {input.responses} --output {output} > {log} 2>&1"


FILTERED = [setting for setting in OBJECTIVE if training_data(setting) != "generated.jsonl"]

if FILTERED:

    rule judge_generated:
        input:
            model_files(STUDY.judge.path),
            generated=f"{CYCLE}/generated.jsonl",
        output:
            f"{CYCLE}/generated_judged.jsonl",
        log:
            f"{LOGS}/judge_generated/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
        wildcard_constraints:
            setting="|".join(FILTERED),
        conda:
            "../envs/sample.yaml"
        resources:
            **loads(the_judge),
        params:
            code=texts_code("judge_generated"),
            settings=lambda w: settings(PLAN.judge_generated(panel_of(w))),
            judge=lambda w: model_folder(STUDY.judge.path),
        shell:
            "python -m idempotence.launch run scripts/judge_generated.py --settings {params.settings:q} "
            "--judge {params.judge} --generated {input.generated} --output {output} > {log} 2>&1"


# Nodes often have no way out, and the answers' SQLite file is best written on one machine.
if STUDY.judge.backend == "openai":

    localrules:
        judge,
        judge_initial,

    if FILTERED:

        localrules:
            judge_generated,


if STUDY.generator.backend == "openai":

    localrules:
        generate_seed_data,


LOOP_FILES = [
    *panel_files("responses.jsonl"),
    *panel_files("generated.jsonl", but_last=True),
    *panel_files("generated_judged.jsonl", but_last=True, settings=FILTERED),
    *panel_files("scores.parquet"),
    *(panel_adapters() if STUDY.keep_adapters else []),
]


rule loop:
    # every file of the loop, so that one that was lost is made again
    input:
        LOOP_FILES if STUDY.trains else [],
