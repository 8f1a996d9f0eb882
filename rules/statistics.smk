# Regressions, tests and the verdicts on the paper's claims; a table each.


rule compare_rules:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("rules"),
    log:
        PATHS.log("compare_rules"),
    conda:
        ANALYSIS
    params:
        **script("compare_rules", **RULE, **COHERENT, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule simulate_null:
    input:
        scores=SCORES,
    output:
        **table("null_rate", "output_rates"),
        **table("null_quantiles", "output_quantiles", shown=False),
    log:
        PATHS.log("simulate_null"),
    conda:
        ANALYSIS
    params:
        **script("simulate_null", **RULE, **COHERENT, seed=STUDY.study_seed),
    shell:
        ANALYSE


rule fit_mixed_model:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("mixed_model"),
    log:
        PATHS.log("fit_mixed_model"),
    conda:
        ANALYSIS
    params:
        **script("fit_mixed_model", confidence=CONFIDENCE),
    shell:
        ANALYSE


rule fit_equivalence:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("equivalence"),
    log:
        PATHS.log("fit_equivalence"),
    conda:
        ANALYSIS
    params:
        **script(
            "fit_equivalence",
            bound=STUDY.analysis.equivalence_points,
            from_cycle=RULE["from_cycle"],
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule fit_relaxation:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("relaxation", "output_chains", shown=False),
        **table("contraction", "output_contraction"),
    log:
        PATHS.log("fit_relaxation"),
    conda:
        ANALYSIS
    params:
        **script("fit_relaxation", confidence=CONFIDENCE, seed=STUDY.study_seed),
    shell:
        ANALYSE


rule fit_course:
    input:
        trajectories=TRAJECTORIES,
        chains=CHAINS,
    output:
        **table("course"),
    log:
        PATHS.log("fit_course"),
    conda:
        ANALYSIS
    params:
        **script("fit_course", from_cycle=RULE["from_cycle"], confidence=CONFIDENCE),
    shell:
        ANALYSE


rule fit_return_map:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("return_map"),
        **table("return_map_bins", "output_bins", shown=False),
        **table("fixed_points", "output_points"),
    log:
        PATHS.log("fit_return_map"),
    conda:
        ANALYSIS
    params:
        **script(
            "fit_return_map",
            loops=JOBS.loops,
            peak_coherence=STUDY.analysis.peak_coherence,
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule map_outcomes:
    input:
        trajectories=TRAJECTORIES,
        chains=CHAINS,
    output:
        **table("outcome_map"),
    log:
        PATHS.log("map_outcomes"),
    conda:
        ANALYSIS
    params:
        **script(
            "map_outcomes",
            loops=JOBS.loops,
            amplification_points=RULE["amplification_points"],
            peak_coherence=STUDY.analysis.peak_coherence,
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule fit_dose:
    input:
        chains=CHAINS,
    output:
        **table("dose", "output_model"),
        **table("dose_flips", "output_flips"),
    log:
        PATHS.log("fit_dose"),
    conda:
        ANALYSIS
    params:
        **script("fit_dose", confidence=CONFIDENCE),
    shell:
        ANALYSE


rule fit_tradeoff:
    input:
        trajectories=TRAJECTORIES,
        chains=CHAINS,
    output:
        **table("tradeoff_chains", "output_chains", shown=False),
        **table("tradeoff", "output_slopes"),
    log:
        PATHS.log("fit_tradeoff"),
    conda:
        ANALYSIS
    params:
        **script("fit_tradeoff", from_cycle=RULE["from_cycle"], confidence=CONFIDENCE),
    shell:
        ANALYSE


rule fit_continual:
    input:
        chains=CHAINS,
    output:
        **table("continual_pairs", "output_pairs", shown=False),
        **table("continual", "output_means"),
    log:
        PATHS.log("fit_continual"),
    conda:
        ANALYSIS
    params:
        **script("fit_continual", loops=JOBS.loops, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule compare_defences:
    input:
        trajectories=TRAJECTORIES,
        training=TRAINING_LOG,
    output:
        **table("defences"),
    log:
        PATHS.log("compare_defences"),
    conda:
        ANALYSIS
    params:
        **script(
            "compare_defences",
            loops=JOBS.loops,
            peak_coherence=STUDY.analysis.peak_coherence,
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule compare_shapes:
    input:
        trajectories=TRAJECTORIES,
        authors=AUTHORS,
    output:
        **table("shapes"),
    log:
        PATHS.log("compare_shapes"),
    conda:
        ANALYSIS
    params:
        **script(
            "compare_shapes",
            AUTHORS,
            loops=JOBS.loops,
            confidence=CONFIDENCE,
            seed=STUDY.study_seed,
        ),
    shell:
        ANALYSE


rule judge_claims:
    input:
        claims=CLAIMS,
        numbers=NUMBERS,
        chains=CHAINS,
        tables=[
            rules.compare_rules.output.output_parquet,
            rules.fit_equivalence.output.output_parquet,
            rules.fit_course.output.output_parquet,
            rules.fit_tradeoff.output.output_slopes_parquet,
            rules.fit_continual.output.output_means_parquet,
            rules.fit_dose.output.output_flips_parquet,
        ],
    output:
        **table("claims", "output_csv", "Claims"),
        output_json=f"{RESULTS}/claims.json",
    log:
        PATHS.log("judge_claims"),
    conda:
        ANALYSIS
    params:
        **script(
            "judge_claims",
            CLAIMS,
            NUMBERS,
            **RULE,
            peak_coherence=COHERENT["peak_coherence"],
            loops=JOBS.loops,
        ),
    shell:
        ANALYSE


use rule judge_claims as judge_claims_first with:
    input:
        claims=FIRST_CLAIMS,
        numbers=NUMBERS,
        chains=CHAINS,
        tables=rules.judge_claims.input.tables,
    output:
        **table("claims_first", "output_csv", "Claims"),
        output_json=f"{RESULTS}/claims_first.json",
    log:
        PATHS.log("judge_claims_first"),
    params:
        **script(
            "judge_claims",
            FIRST_CLAIMS,
            NUMBERS,
            **RULE,
            peak_coherence=COHERENT["peak_coherence"],
            loops=JOBS.loops,
        ),


rule estimate_noise:
    # data/noise.csv is made of rows of this table, so that power needs no finished study
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("noise", shown=False),
    log:
        PATHS.log("estimate_noise"),
    conda:
        ANALYSIS
    params:
        **script("estimate_noise"),
    shell:
        ANALYSE


rule noise:
    # the table of scatter that simulations of power rest on
    input:
        rules.estimate_noise.output,


rule simulate_power:
    # needs no scores: it can run before the study, and `snakemake plan` shows it
    input:
        claims=CLAIMS,
        noise=NOISE,
    output:
        **table("power"),
    log:
        PATHS.log("simulate_power"),
    conda:
        ANALYSIS
    params:
        **script(
            "simulate_power",
            CLAIMS,
            NOISE,
            **RULE,
            **COHERENT,
            loops=JOBS.loops,
            grid=planned_grid(STUDY),
            bound=STUDY.analysis.equivalence_points,
            confidence=CONFIDENCE,
            seed=STUDY.study_seed,
        ),
    shell:
        ANALYSE


if CHOOSING:

    rule fit_selection:
        input:
            selection=rules.gather_selection.output.output_parquet,
            trajectories=TRAJECTORIES,
        output:
            **table("selection"),
        log:
            PATHS.log("fit_selection"),
        conda:
            ANALYSIS
        params:
            **script("fit_selection", confidence=CONFIDENCE),
        shell:
            ANALYSE


SCORE_TABLES = [
    rules.fit_slopes.output,
    rules.tabulate_judge.output,
    list(AGREEMENT.values()),
    rules.compare_rules.output,
    rules.simulate_null.output,
    rules.fit_mixed_model.output,
    rules.fit_equivalence.output,
    rules.fit_relaxation.output,
    rules.fit_course.output,
    rules.fit_return_map.output,
    rules.map_outcomes.output,
    rules.fit_dose.output,
    rules.fit_tradeoff.output,
    rules.fit_continual.output,
    rules.compare_defences.output,
    rules.compare_shapes.output,
    rules.judge_claims.output,
    rules.judge_claims_first.output,
    rules.measure_noise.output if STUDY.trains else [],
    [] if STUDY.audit.files else rules.simulate_power.output,
    rules.fit_selection.output if CHOOSING else [],
]


rule tables:
    # every table, and nothing else that is not needed for one
    input:
        TRAINING_LOG,
        rules.follow_chains.output,
        list(AUDIT_TABLES.values()) if STUDY.audit.files else [],
        rules.summarise_chains.output,
        SCORE_TABLES if STUDY.scored else [],
        [] if STUDY.audit.files else rules.tabulate_world.output,
