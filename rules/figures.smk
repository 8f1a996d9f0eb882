# Figures: PDF, SVG and PNG, with a CSV of the numbers beside each.


rule plot_trajectories:
    input:
        trajectories=TRAJECTORIES,
        initial=INITIAL,
        authors=AUTHORS,
    output:
        **pictures("trajectories_{setting}", "trajectories", "Trajectories", setting="{setting}"),
    log:
        PATHS.log("plot_trajectories", "setting"),
    conda:
        ANALYSIS
    params:
        **plot_script(
            "plot_trajectories",
            "trajectories_{setting}",
            AUTHORS,
            loops=JOBS.loops,
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule plot_judge:
    input:
        scores=SCORES,
    output:
        **pictures("judge", "plot_judge", "Instrument", figure="judge against truth"),
    log:
        PATHS.log("plot_judge"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_judge", "judge"),
    shell:
        ANALYSE


rule plot_outcomes:
    input:
        scores=SCORES,
        trajectories=TRAJECTORIES,
    output:
        **pictures("outcomes", "outcomes", "Findings", figure="an example of each outcome"),
    log:
        PATHS.log("plot_outcomes"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_outcomes", "outcomes", **RULE, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule plot_dpo:
    input:
        trajectories=TRAJECTORIES,
        authors=AUTHORS,
    output:
        **pictures("dpo", "dpo", "Findings", figure="DPO, continual and re-initialised"),
    log:
        PATHS.log("plot_dpo"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_dpo", "dpo", AUTHORS, loops=JOBS.loops, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule plot_worlds:
    input:
        trajectories=TRAJECTORIES,
        micro_world=PATHS.own("results/shipped/default/scores.parquet"),
        micro_loops=PATHS.own("results/shipped/default/loops.json"),
        authors=AUTHORS,
    output:
        **pictures("worlds", "worlds", "Findings", figure="the same loops in other worlds"),
    log:
        PATHS.log("plot_worlds"),
    conda:
        ANALYSIS
    params:
        **plot_script(
            "plot_worlds",
            "worlds",
            AUTHORS,
            loops=JOBS.loops,
            world=" and ".join(model.name for model in STUDY.models if model.kind == "instruct"),
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule plot_tradeoff:
    input:
        changes=rules.fit_tradeoff.output.output_chains_parquet,
        slopes=rules.fit_tradeoff.output.output_slopes_parquet,
    output:
        **pictures("tradeoff", "plot_tradeoff", "Findings", figure="trait against coherence"),
    log:
        PATHS.log("plot_tradeoff"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_tradeoff", "tradeoff", loops=JOBS.loops, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule plot_continual_vs_reinit:
    input:
        pairs=rules.fit_continual.output.output_pairs_parquet,
        means=rules.fit_continual.output.output_means_parquet,
    output:
        **pictures(
            "continual_vs_reinit",
            "continual_vs_reinit",
            "Findings",
            figure="continual against re-initialised",
        ),
    log:
        PATHS.log("plot_continual_vs_reinit"),
    conda:
        ANALYSIS
    params:
        **plot_script(
            "plot_continual_vs_reinit",
            "continual_vs_reinit",
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule plot_equivalence:
    input:
        table=rules.fit_equivalence.output.output_parquet,
    output:
        **pictures(
            "equivalence", "plot_equivalence", "Findings", figure="do further cycles do nothing"
        ),
    log:
        PATHS.log("plot_equivalence"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_equivalence", "equivalence", loops=JOBS.loops, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule plot_relaxation:
    input:
        table=rules.fit_relaxation.output.output_contraction_parquet,
    output:
        **pictures("relaxation", "plot_relaxation", "Findings", figure="is a cycle a contraction"),
    log:
        PATHS.log("plot_relaxation"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_relaxation", "relaxation", loops=JOBS.loops, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule plot_return_map:
    input:
        trajectories=TRAJECTORIES,
        bins=rules.fit_return_map.output.output_bins_parquet,
        points=rules.fit_return_map.output.output_points_parquet,
    output:
        **pictures("return_map", "plot_return_map", "Findings", figure="a cycle as a map"),
    log:
        PATHS.log("plot_return_map"),
    conda:
        ANALYSIS
    params:
        **plot_script(
            "plot_return_map",
            "return_map",
            loops=JOBS.loops,
            peak_coherence=STUDY.analysis.peak_coherence,
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule plot_outcome_map:
    input:
        table=rules.map_outcomes.output.output_parquet,
    output:
        **pictures("outcome_map", "plot_outcome_map", "Findings", figure="outcomes by dose"),
    log:
        PATHS.log("plot_outcome_map"),
    conda:
        ANALYSIS
    params:
        **plot_script(
            "plot_outcome_map",
            "outcome_map",
            peak_coherence=STUDY.analysis.peak_coherence,
        ),
    shell:
        ANALYSE


rule plot_defences:
    input:
        table=rules.compare_defences.output.output_parquet,
    output:
        **pictures("defences", "plot_defences", "Findings", figure="what stops an amplification"),
    log:
        PATHS.log("plot_defences"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_defences", "defences", loops=JOBS.loops, confidence=CONFIDENCE),
    shell:
        ANALYSE


rule plot_null:
    input:
        quantiles=rules.simulate_null.output.output_quantiles_parquet,
        rates=rules.simulate_null.output.output_rates_parquet,
    output:
        **pictures("null", "null", "Instrument", figure="a model that does not change"),
    log:
        PATHS.log("plot_null"),
    conda:
        ANALYSIS
    params:
        **plot_script(
            "plot_null",
            "null",
            loops=JOBS.loops,
            amplification_points=RULE["amplification_points"],
        ),
    shell:
        ANALYSE


rule plot_grid:
    input:
        trajectories=TRAJECTORIES,
        initial=INITIAL,
    output:
        **pictures("grid_{setting}", "grid", "Grids", figure="grid", setting="{setting}"),
    log:
        PATHS.log("plot_grid", "setting"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_grid", "grid_{setting}", loops=JOBS.loops),
    shell:
        ANALYSE


rule plot_dose_map:
    input:
        chains=CHAINS,
    output:
        **pictures("dose_map_{setting}", "dose_map", "Grids", figure="doses", setting="{setting}"),
    log:
        PATHS.log("plot_dose_map", "setting"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_dose_map", "dose_map_{setting}", loops=JOBS.loops),
    shell:
        ANALYSE


rule plot_metrics:
    # of audits
    input:
        trajectories=TRAJECTORIES,
    output:
        **pictures("metrics_{setting}", "metrics", "Trajectories", setting="{setting}"),
    log:
        PATHS.log("plot_metrics", "setting"),
    conda:
        ANALYSIS
    params:
        **plot_script("plot_metrics", "metrics_{setting}", loops=JOBS.loops),
    shell:
        ANALYSE


BY_SETTING = [name for name in ["trajectories", "metrics", "grid", "dose_map"] if has_content(name)]
if not STUDY.audit.files:
    BY_SETTING.remove("metrics")
OF_STUDY = [
    name
    for name in [
        "worlds",
        "outcomes",
        "dpo",
        "tradeoff",
        "continual_vs_reinit",
        "equivalence",
        "relaxation",
        "return_map",
        "outcome_map",
        "defences",
        "null",
        "judge",
    ]
    if has_content(name)
]

# shown on the report's front page
FRONT_FIGURES = [
    f"{FIGURES}/{name}.png"
    for name in [
        "worlds",
        "dpo",
        "return_map",
        "continual_vs_reinit",
        "outcomes",
        "tradeoff",
        "equivalence",
    ]
    if has_content(name)
]
if STUDY.audit.files:
    FRONT_FIGURES += [
        f"{FIGURES}/{name}_{setting}.png"
        for setting in SETTINGS
        for name in ["trajectories", "metrics"]
        if has_content(name)
    ]


rule figures:
    # every figure, and nothing else that is not needed for one
    input:
        [
            f"{FIGURES}/{name}_{setting}.{suffix}"
            for name in BY_SETTING
            for setting in settings_of(name)
            for suffix in ["pdf", "svg", "png", "csv", "txt"]
        ],
        [getattr(rules, f"plot_{name}").output for name in OF_STUDY],
