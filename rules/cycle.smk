# One turn of the loop for one panel: finetune -> sample -> judge.
CYCLE = f"{PANEL}/cycle{{cycle}}"
ADAPTER_FILES = ["adapter_model.safetensors", "adapter_config.json", "training.json"]
kept = (lambda files: files) if STUDY.keep_adapters else temp


def adapter_files(objective):
    """Patterns of the adapter files of every cell of an objective's settings."""
    setting = next(s for s, o in OBJECTIVE.items() if o == objective)
    return [
        f"{CYCLE}/adapters/{cell.name}/{name}"
        for cell in STUDY.cells(setting)
        for name in ADAPTER_FILES
    ]


def adapters_of(w):
    """The adapter files of a panel at its cycle."""
    return [pattern.format(**w) for pattern in adapter_files(OBJECTIVE[w.setting])]


def finetune_input(w):
    """Cycle 0: seed rows and doses; later: the last cycle's samples, its adapters if continual."""
    panel, cycle = panel_of(w), int(w.cycle)
    folder = panel_folder(panel)
    files = {"model": model_files(panel.model.path)}
    if cycle == 0:
        return {**files, "seed_data": f"{folder}/seed_data.jsonl", "calibration": calibration_file(w)}
    files["generated"] = f"{folder}/cycle{cycle - 1}/generated.jsonl"
    if panel.start == "previous":
        last = {**w, "cycle": cycle - 1}
        files["previous"] = [f.format(**last) for f in adapter_files(panel.objective)]
    return files


def finetune_options(w, input):
    """The command line's names of those files."""
    panel, cycle = panel_of(w), int(w.cycle)
    options = [
        f"--{name.replace('_', '-')} {input[name]}"
        for name in ("seed_data", "calibration", "generated")
        if input.get(name)
    ]
    if "previous" in input.keys():
        options.append(f"--previous {panel_folder(panel)}/cycle{cycle - 1}/adapters")
    return " ".join(options)


for objective in OBJECTIVES:

    rule:
        name:
            f"finetune_{objective}"
        wildcard_constraints:
            setting="|".join(s for s, o in OBJECTIVE.items() if o == objective),
        input:
            unpack(finetune_input),
        output:
            [kept(f) for f in adapter_files(objective)],
        params:
            code=code("finetune"),
            settings=lambda w: settings(PLAN.finetune(panel_of(w), int(w.cycle))),
            model=lambda w: model_folder(MODELS[w.model].path),
            options=finetune_options,
            folder=f"{CYCLE}/adapters",
        log:
            f"{LOGS}/finetune/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
        conda:
            "../envs/train.yaml"
        shell:
            "{RUN} scripts/finetune.py --settings {params.settings:q} --model {params.model} "
            "{params.options} --output {params.folder} > {log} 2>&1"


rule sample:
    wildcard_constraints:
        cycle="|".join(str(cycle) for cycle in range(LAST)) or "none",
    input:
        lambda w: model_files(MODELS[w.model].path),
        adapters_of,
    output:
        responses=f"{CYCLE}/responses.jsonl",
        generated=f"{CYCLE}/generated.jsonl",
    params:
        code=code("sample", *GRAMMAR),
        settings=lambda w: settings(PLAN.sample(panel_of(w), int(w.cycle))),
        model=lambda w: model_folder(MODELS[w.model].path),
        adapters=f"{CYCLE}/adapters",
        options=lambda w, output: (
            f"--generated {output.generated}" if "generated" in output.keys() else ""
        ),
    log:
        f"{LOGS}/sample/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
    conda:
        "../envs/sample.yaml"
    shell:
        "{RUN} scripts/sample.py --settings {params.settings:q} --model {params.model} "
        "--adapters {params.adapters} --responses {output.responses} "
        "{params.options} > {log} 2>&1"


use rule sample as sample_last with:
    wildcard_constraints:
        cycle=str(LAST),
    output:
        responses=f"{CYCLE}/responses.jsonl",
    log:
        f"{LOGS}/sample/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",


rule judge:
    input:
        model_files(STUDY.judge.path),
        responses=f"{CYCLE}/responses.jsonl",
        calibration=calibration_file,
    output:
        f"{CYCLE}/scores.parquet",
    params:
        code=code("judge", *GRAMMAR, RUBRICS),
        settings=lambda w: settings(PLAN.judge(panel_of(w), int(w.cycle))),
        judge=model_folder(STUDY.judge.path),
        options=lambda w, input: f"--calibration {input.calibration}" if input.calibration else "",
    log:
        f"{LOGS}/judge/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
    conda:
        "../envs/sample.yaml"
    shell:
        "{RUN} scripts/judge.py --settings {params.settings:q} --judge {params.judge} "
        "{params.options} --responses {input.responses} --output {output} > {log} 2>&1"
