# Regressions and tests; a table each.


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
