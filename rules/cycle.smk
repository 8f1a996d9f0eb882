# One turn of the loop for one panel: finetune -> sample -> judge.
JOB = ("setting", "model", "trait", "seed", "cycle")
KEPT = (lambda file: file) if STUDY.keep_adapters else temp
COPIED = STUDY.first_cycles  # setting -> an earlier one with the same cycle 0


def rule_name(setting):
    return setting.replace("-", "_")


def adapters_before(w):
    """The adapter files of the cycle before."""
    return PATHS.adapters(panel_of(w), int(w.cycle) - 1)


def adapters_folder(w, before=0):
    """The folder of a cycle's adapters, or of those of an earlier cycle."""
    return f"{PATHS.cycle(panel_of(w), int(w.cycle) - before)}/adapters"


def goes_on(w):
    """Whether a cycle's training begins from the last cycle's adapters."""
    return SETTINGS[w.setting].goes_on(int(w.cycle))


def finetune_input(w):
    """Cycle 0: seed rows and doses; later: the last cycle's samples, and its adapters to go on from."""
    panel, cycle = panel_of(w), int(w.cycle)
    files = {"after_model": model_files(w)}
    if cycle == 0 or panel.setting.seed_share:
        files["seed_data"] = f"{PATHS.panel(panel)}/seed_data.jsonl"
        files["calibration"] = PATHS.calibration(w.setting, w.model, w.trait)
    if cycle > 0:
        data = PATHS.training_data(panel.setting)
        files["generated"] = f"{PATHS.cycle(panel, cycle - 1)}/{data}"
    if goes_on(w):
        files["after_previous"] = adapters_before(w)
    return files


def writes_rejected(w):
    """Whether the model of the cycle before writes the rejected replies; cycle 0 has none before it."""
    setting = SETTINGS[w.setting]
    return setting.rejected_from == "two_back" and 0 < int(w.cycle) < setting.cycles


for setting in STUDY.settings:

    rule:
        name:
            f"finetune_{rule_name(setting.name)}"
        input:
            unpack(finetune_input),
        output:
            [KEPT(file) for file in PATHS.adapter_patterns(setting)],
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
                job=lambda w: JOBS.finetune(panel_of(w), int(w.cycle)),
                model=model_path,
                previous=lambda w: adapters_folder(w, before=1) if goes_on(w) else None,
                output=adapters_folder,
            ),
            kind="run",
        shell:
            RUN


for setting, earlier in COPIED.items():

    rule:
        name:
            f"copy_first_cycle_{rule_name(setting)}"
        input:
            inputs=PATHS.first_cycle(SETTINGS[earlier]),
        output:
            outputs=[
                KEPT(file) if "/adapters/" in file else file
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
        lambda w: PATHS.adapters(panel_of(w), int(w.cycle)),
        lambda w: adapters_before(w) if writes_rejected(w) else [],
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
            engine=lambda w: JOBS.sample(panel_of(w), int(w.cycle)).engine,
            job=lambda w: JOBS.sample(panel_of(w), int(w.cycle)),
            model=model_path,
            adapters=adapters_folder,
            before=lambda w: adapters_folder(w, before=1) if writes_rejected(w) else None,
        ),
    shell:
        RUN


# Cycle 0 of a setting that copies it could be sampled, too.
workflow.ruleorder(*(f"copy_first_cycle_{rule_name(setting)}" for setting in COPIED), "sample")


rule judge:
    input:
        after_judge=JUDGE_FILES,
        responses=f"{CYCLE}/responses.jsonl",
        calibration=lambda w: PATHS.calibration(w.setting, w.model, w.trait),
    output:
        output=f"{CYCLE}/scores.parquet",
    log:
        **job_log("judge", *JOB),
    conda:
        SAMPLING
    resources:
        **loads(the_judge),
    params:
        **texts_script(
            "judge",
            engine=lambda w: JOBS.judge(panel_of(w), int(w.cycle)).judge.engine,
            job=lambda w: JOBS.judge(panel_of(w), int(w.cycle)),
            judge=JUDGE,
        ),
    shell:
        RUN


FILTERED = [setting.name for setting in STUDY.settings if setting.min_coherence is not None]

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
            setting="|".join(FILTERED),
        conda:
            SAMPLING
        resources:
            **loads(the_judge),
        params:
            **texts_script(
                "judge_generated",
                engine=lambda w: JOBS.judge_generated(panel_of(w)).judge.engine,
                job=lambda w: JOBS.judge_generated(panel_of(w)),
                judge=JUDGE,
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


if STUDY.generator.backend == "openai":

    localrules:
        generate_seed_data,


LOOP_FILES = [
    *PATHS.of_cycles("responses.jsonl"),
    *PATHS.of_cycles("generated.jsonl"),
    *PATHS.filtered(),
    *PATHS.of_cycles("scores.parquet"),
    *(PATHS.all_adapters() if STUDY.keep_adapters else []),
]


rule loop:
    # every file of the loop, so that one that was lost is made again
    input:
        LOOP_FILES if STUDY.trains else [],
