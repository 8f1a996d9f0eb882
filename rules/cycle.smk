# One turn of the loop for one panel: finetune -> sample -> judge.
JOB = ("setting", "model", "trait", "seed", "cycle")
# training.json stays in any case: tables need it, and a study may be run a setting at a time
DELETED = () if STUDY.keep_adapters else ADAPTER_WEIGHTS
COPIED = STUDY.first_cycles  # setting -> an earlier one with the same cycle 0


RULE_NAMES = {setting: setting.replace("-", "_") for setting in SETTINGS}


for setting in STUDY.settings:

    rule:
        name:
            f"finetune_{RULE_NAMES[setting.name]}"
        input:
            unpack(LOOP.finetune),
        output:
            [
                temp(file) if Path(file).name in DELETED else file
                for file in PATHS.adapter_patterns(setting)
            ],
        log:
            **job_log("finetune", *JOB),
        wildcard_constraints:
            setting=setting.name,
            cycle=r"[1-9]\d*" if setting.name in COPIED else r"\d+",
        conda:
            TRAINING
        resources:
            **loads(its_model),
        params:
            **script(
                "finetune",
                job=lambda w: JOBS.finetune(LOOP.panel(w), int(w.cycle)),
                model=model_path,
                previous=LOOP.previous,
                output=LOOP.folder,
                scratch=f"{RESULTS}/scratch/{code('finetune')[:12]}",
            ),
            kind="run",
        shell:
            RUN


for setting, earlier in COPIED.items():

    rule:
        name:
            f"copy_first_cycle_{RULE_NAMES[setting]}"
        input:
            inputs=PATHS.first_cycle(SETTINGS[earlier]),
        output:
            outputs=[
                temp(file) if Path(file).name in DELETED else file
                for file in PATHS.first_cycle(SETTINGS[setting])
            ],
        log:
            PATHS.log(f"copy_first_cycle/{setting}", "model", "trait", "seed"),
        localrule: True
        conda:
            ANALYSIS
        params:
            **script("copy_first_cycle"),
        shell:
            ANALYSE


rule sample:
    input:
        LOOP.adapters,
        lambda w: LOOP.adapters_before(w) if LOOP.writes_rejected(w) else [],
        after_model=model_files,
    output:
        responses=f"{CYCLE}/responses.jsonl",
        generated=f"{CYCLE}/generated.jsonl",
    log:
        **job_log("sample", *JOB),
    conda:
        SAMPLING
    resources:
        **loads(its_model),
    params:
        **texts_script(
            "sample",
            engine=lambda w: JOBS.sample(LOOP.panel(w), int(w.cycle)).engine,
            job=lambda w: JOBS.sample(LOOP.panel(w), int(w.cycle)),
            model=model_path,
            adapters=LOOP.folder,
            before=LOOP.before,
        ),
    shell:
        RUN


# Cycle 0 of a setting that copies it could be sampled, too.
workflow.ruleorder(*(f"copy_first_cycle_{RULE_NAMES[setting]}" for setting in COPIED), "sample")


rule judge:
    input:
        after_judge=JUDGE_FILES,
        responses=f"{CYCLE}/responses.jsonl",
        calibration=lambda w: PATHS.calibration(w.setting, w.model, w.trait),
    output:
        output=f"{CYCLE}/scores.parquet",
    log:
        **job_log("judge", *JOB),
    # scores first: who watches a run reads each cycle as it ends
    priority: 5
    conda:
        SAMPLING
    resources:
        **loads(the_judge),
    params:
        **texts_script(
            "judge",
            engine=lambda w: JOBS.judge(LOOP.panel(w), int(w.cycle)).judge.engine,
            job=lambda w: JOBS.judge(LOOP.panel(w), int(w.cycle)),
            judge=JUDGE,
        ),
    shell:
        RUN


# settings that choose among samples; a shipped study and an audit have no samples
CHOOSING = [
    setting.name for setting in STUDY.settings if setting.selection is not None and STUDY.trains
]
FILTERED = [
    setting.name
    for setting in STUDY.settings
    if setting.min_coherence is not None and setting.name not in CHOOSING
]

if FILTERED:

    rule judge_generated:
        input:
            after_judge=JUDGE_FILES,
            generated=f"{CYCLE}/generated.jsonl",
        output:
            output=f"{CYCLE}/generated_judged.jsonl",
        log:
            **job_log("judge_generated", *JOB),
        wildcard_constraints:
            setting=one_of(FILTERED),
        conda:
            SAMPLING
        resources:
            **loads(the_judge),
        params:
            **texts_script(
                "judge_generated",
                engine=lambda w: JOBS.judge_generated(LOOP.panel(w)).judge.engine,
                job=lambda w: JOBS.judge_generated(LOOP.panel(w)),
                judge=JUDGE,
            ),
        shell:
            RUN


if CHOOSING:

    rule sample_candidates:
        input:
            LOOP.adapters,
            after_model=model_files,
        output:
            output=f"{CYCLE}/candidates.jsonl",
        log:
            **job_log("sample_candidates", *JOB),
        wildcard_constraints:
            setting=one_of(CHOOSING),
        conda:
            SAMPLING
        resources:
            **loads(its_model),
        params:
            **texts_script(
                "sample_candidates",
                engine=lambda w: JOBS.candidates(LOOP.panel(w), int(w.cycle)).engine,
                job=lambda w: JOBS.candidates(LOOP.panel(w), int(w.cycle)),
                model=model_path,
                adapters=LOOP.folder,
            ),
        shell:
            RUN

    rule judge_candidates:
        input:
            after_judge=JUDGE_FILES,
            generated=f"{CYCLE}/generated.jsonl",
            candidates=f"{CYCLE}/candidates.jsonl",
        output:
            output=f"{CYCLE}/candidates_judged.jsonl",
        log:
            **job_log("judge_candidates", *JOB),
        wildcard_constraints:
            setting=one_of(CHOOSING),
        conda:
            SAMPLING
        resources:
            **loads(the_judge),
        params:
            **texts_script(
                "judge_candidates",
                engine=lambda w: JOBS.judge_candidates(LOOP.panel(w)).judge.engine,
                job=lambda w: JOBS.judge_candidates(LOOP.panel(w)),
                judge=JUDGE,
            ),
        shell:
            RUN


WITH_INITIAL = [setting.name for setting in STUDY.settings if setting.initial_share]

if WITH_INITIAL:

    rule sample_initial_rows:
        input:
            after_model=model_files,
        output:
            output=f"{CYCLE}/initial_rows.jsonl",
        log:
            **job_log("sample_initial_rows", *JOB),
        wildcard_constraints:
            setting="|".join(WITH_INITIAL),
        conda:
            SAMPLING
        resources:
            **loads(its_model),
        params:
            **texts_script(
                "sample_initial_rows",
                engine=lambda w: JOBS.initial_rows(LOOP.panel(w), int(w.cycle)).engine,
                job=lambda w: JOBS.initial_rows(LOOP.panel(w), int(w.cycle)),
                model=model_path,
            ),
        shell:
            RUN


# Nodes often have no way out, and the answers' SQLite file is best written on one machine.
if STUDY.judge.backend == "openai":

    localrules:
        judge,
        judge_initial,

    if FILTERED:

        localrules:
            judge_generated,

    if CHOOSING:

        localrules:
            judge_candidates,


if STUDY.generator.backend == "openai":

    localrules:
        generate_seed_data,


LOOP_FILES = [
    *PATHS.of_cycles("responses.jsonl"),
    *PATHS.of_cycles("generated.jsonl"),
    *PATHS.filtered(),
    *PATHS.candidates("candidates.jsonl"),
    *PATHS.initial_rows(),
    *PATHS.of_cycles("scores.parquet"),
    *(PATHS.all_adapters() if STUDY.keep_adapters else []),
]


rule loop:
    # every file of the loop, so that a lost one is written again
    input:
        LOOP_FILES if STUDY.trains else [],
