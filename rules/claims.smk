# Verdicts on the paper's claims, and what the study can decide.


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
