# A loop that ran elsewhere: its replies are read, scored and put where a study's own would be.
REPLIES = f"{RESULTS}/audit/replies.parquet"
AUDIT_TABLES = {
    name: f"{TABLES}/audit_{name}.csv" for name in ["rows", "bad_rows", "chains", "metrics"]
}
JUDGED = STUDY.judge.backend != "none"

if JUDGED:
    try:
        check_rubrics(STUDY)
    except UserError as error:
        sys.exit(f"error: {error}")


rule read_replies:
    input:
        [file.path for file in reply_files(PLAN.read_replies()["files"])],
    output:
        replies=REPLIES,
        rows=table("audit_rows"),
        bad=table("audit_bad_rows"),
        chains=table("audit_chains"),
    log:
        f"{LOGS}/read_replies.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("read_replies"),
        settings=lambda w: settings(PLAN.read_replies()),
        from_cycle=STUDY.analysis.amplification_from_cycle,
    shell:
        "python -m idempotence.launch analyse scripts/read_replies.py --settings {params.settings:q} "
        "--from-cycle {params.from_cycle} --output-replies {output.replies} "
        "--output-rows {output.rows} --output-bad {output.bad} --output-chains {output.chains} "
        "> {log} 2>&1"


rule weigh_replies:
    input:
        lambda w: model_files(WEIGHED[w.audited].path),
        replies=REPLIES,
    output:
        f"{RESULTS}/audit/likelihoods/{{audited}}.parquet",
    log:
        f"{LOGS}/weigh_replies/{{audited}}.log",
    wildcard_constraints:
        audited="|".join(WEIGHED) or "none",
    conda:
        "../envs/train.yaml"
    resources:
        **loads(lambda w: WEIGHED[w.audited]),
    params:
        code=code("weigh_replies"),
        model=lambda w: model_folder(WEIGHED[w.audited].path),
        revision=lambda w: (
            f"--revision {WEIGHED[w.audited].revision}" if WEIGHED[w.audited].revision else ""
        ),
        dtype=lambda w: WEIGHED[w.audited].dtype,
    shell:
        "python -m idempotence.launch run scripts/weigh_replies.py --replies {input.replies} "
        "--name {wildcards.audited} --model {params.model:q} {params.revision} --dtype {params.dtype} --output {output} "
        "> {log} 2>&1"


rule judge_replies:
    input:
        model_files(STUDY.judge.path) if JUDGED else [],
        replies=REPLIES,
        likelihoods=expand(rules.weigh_replies.output, audited=WEIGHED),
    output:
        f"{RESULTS}/audit/scores/{{trait}}.parquet",
    log:
        f"{LOGS}/judge_replies/{{trait}}.log",
    conda:
        SAMPLING
    resources:
        **loads(the_judge),
    params:
        code=texts_code("judge_replies"),
        settings=lambda w: settings(PLAN.judge_replies(w.trait)),
        judge=f"--judge {model_folder(STUDY.judge.path)}" if JUDGED else "",
        likelihoods=lambda w, input: (
            f"--likelihoods {' '.join(input.likelihoods)}" if input.likelihoods else ""
        ),
        start=lambda w: start(PLAN.judge_replies(w.trait)["judge"]) if JUDGED else "analyse",
    shell:
        "python -m idempotence.launch {params.start} scripts/judge_replies.py --settings {params.settings:q} "
        "{params.judge} --replies {input.replies} {params.likelihoods} --output {output} > {log} 2>&1"


if STUDY.judge.backend == "openai":

    localrules:
        judge_replies,


rule gather_replies:
    input:
        expand(rules.judge_replies.output, trait=STUDY.traits),
    output:
        scores=SCORES,
        initial=INITIAL,
        training=TRAINING,
    log:
        f"{LOGS}/gather_replies.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("gather_replies"),
    shell:
        "python -m idempotence.launch analyse scripts/gather_replies.py --inputs {input} "
        "--output-scores {output.scores} --output-initial {output.initial} "
        "--output-training {output.training} > {log} 2>&1"


rule fit_metrics:
    input:
        TRAJECTORIES,
    output:
        table("audit_metrics"),
    log:
        f"{LOGS}/fit_metrics.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_metrics"),
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/fit_metrics.py --trajectories {input} "
        "--confidence {params.confidence} --output {output} > {log} 2>&1"
