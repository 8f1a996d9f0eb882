# The noise of a score: initial models, and models of cycle 0, are scored again with fresh samples.
use rule sample as sample_again with:
    input:
        LOOP.adapters,
        after_model=model_files,
    output:
        responses=f"{CYCLE}/again.jsonl",
    log:
        **job_log("sample_again", *JOB),
    wildcard_constraints:
        cycle="0",
    params:
        **texts_script(
            "sample",
            engine=lambda w: JOBS.sample_again(LOOP.panel(w)).engine,
            job=lambda w: JOBS.sample_again(LOOP.panel(w)),
            model=model_path,
            adapters=LOOP.folder,
        ),


use rule judge as judge_again with:
    input:
        after_judge=JUDGE_FILES,
        responses=rules.sample_again.output.responses,
        calibration=lambda w: PATHS.calibration(w.setting, w.model, w.trait),
    output:
        output=f"{CYCLE}/again.parquet",
    log:
        **job_log("judge_again", *JOB),


use rule sample_initial as sample_initial_again with:
    output:
        responses=PATHS.initial("{model}", "{trait}", "again.jsonl"),
    log:
        **job_log("sample_initial_again", "model", "trait"),
    params:
        **texts_script(
            "sample",
            engine=lambda w: JOBS.initial_sample(w.model, w.trait).engine,
            job=lambda w: JOBS.initial_sample(w.model, w.trait, scoring=2),
            model=model_path,
        ),


use rule judge_initial as judge_initial_again with:
    input:
        after_judge=JUDGE_FILES,
        responses=rules.sample_initial_again.output.responses,
    output:
        output=PATHS.initial("{model}", "{trait}", "again.parquet"),
    log:
        **job_log("judge_initial_again", "model", "trait"),


use rule gather_scores as gather_again with:
    input:
        inputs=PATHS.scored_again(),
    output:
        output=f"{RESULTS}/again.parquet",
    log:
        PATHS.log("gather_again"),


rule measure_noise:
    input:
        trajectories=TRAJECTORIES,
        initial=INITIAL,
        again=rules.gather_again.output.output,
        chains=CHAINS,
    output:
        **table("noise_floor", "output_floor", "Instrument"),
        **table("noise_changes", "output_changes"),
    log:
        PATHS.log("measure_noise"),
    conda:
        ANALYSIS
    params:
        **script("measure_noise", confidence=CONFIDENCE),
    shell:
        ANALYSE


# Answers of an endpoint are asked for on one machine, as those of the other rules that judge.
if STUDY.judge.backend == "openai":

    localrules:
        judge_again,
        judge_initial_again,
