# A loop that ran elsewhere: its replies are read, scored and put where a study's own would be.
from idempotence.audit.paths import reply_files

REPLIES = f"{RESULTS}/audit/replies.parquet"
AUDIT_TABLES = {
    name: f"{TABLES}/audit_{name}.csv" for name in ["rows", "bad_rows", "chains", "metrics"]
}
JUDGED = STUDY.judge.backend != "none"

try:
    check_entries(JOBS.read_replies())
    if JUDGED:
        check_rubrics(STUDY)
except UserError as error:
    sys.exit(f"error: {error}")


rule read_replies:
    input:
        [file.path for file in reply_files(JOBS.read_replies().files)],
    output:
        **table("audit_rows", "output_rows"),
        **table("audit_bad_rows", "output_bad"),
        **table("audit_chains", "output_chains"),
        output_replies=REPLIES,
    log:
        PATHS.log("read_replies"),
    conda:
        ANALYSIS
    params:
        **script(
            "read_replies",
            job=lambda w: JOBS.read_replies(),
            from_cycle=RULE["from_cycle"],
            least_replies=STUDY.audit.least_replies,
        ),
    shell:
        ANALYSE


rule weigh_replies:
    input:
        after_model=lambda w: PATHS.model_files(AUDITED_MODELS[w.audited].path),
        replies=REPLIES,
    output:
        output=f"{RESULTS}/audit/likelihoods/{{audited}}.parquet",
    log:
        **job_log("weigh_replies", "audited"),
    wildcard_constraints:
        audited=one_of(AUDITED_MODELS) or "none",
    conda:
        TRAINING
    resources:
        **loads(lambda w: AUDITED_MODELS[w.audited]),
    params:
        **script(
            "weigh_replies",
            job=lambda w: JOBS.weigh_replies(w.audited),
            model=lambda w: PATHS.model(AUDITED_MODELS[w.audited].path),
        ),
        kind="run",
    shell:
        RUN


rule judge_replies:
    input:
        after_judge=JUDGE_FILES if JUDGED else [],
        replies=REPLIES,
        likelihoods=expand(rules.weigh_replies.output.output, audited=AUDITED_MODELS),
    output:
        output=f"{RESULTS}/audit/scores/{{trait}}.parquet",
    log:
        **job_log("judge_replies", "trait"),
    conda:
        SAMPLING
    resources:
        **loads(the_judge),
    params:
        **texts_script(
            "judge_replies",
            engine=lambda w: JOBS.judge_replies(w.trait).judge.engine if JUDGED else None,
            job=lambda w: JOBS.judge_replies(w.trait),
            judge=JUDGE if JUDGED else None,
        ),
    shell:
        RUN


if STUDY.judge.backend == "openai":

    localrules:
        judge_replies,


rule gather_replies:
    input:
        inputs=expand(rules.judge_replies.output.output, trait=STUDY.traits),
    output:
        **table("training", "output_training", shown=False),
        output_scores=SCORES,
        output_initial=INITIAL,
    log:
        PATHS.log("gather_replies"),
    conda:
        ANALYSIS
    params:
        **script("gather_replies"),
    shell:
        ANALYSE


rule fit_metrics:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("audit_metrics"),
    log:
        PATHS.log("fit_metrics"),
    conda:
        ANALYSIS
    params:
        **script("fit_metrics", confidence=CONFIDENCE),
    shell:
        ANALYSE
