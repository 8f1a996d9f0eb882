# Figures: PDF, SVG and PNG, with a CSV of the numbers beside each.


rule plot_trajectories:
    input:
        trajectories=TRAJECTORIES,
        initial=INITIAL,
    output:
        **pictures("trajectories_{setting}", "trajectories", "Trajectories", setting="{setting}"),
    log:
        f"{LOGS}/plot_trajectories/{{setting}}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_trajectories"),
        confidence=STUDY.analysis.confidence,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_trajectories.py --setting {wildcards.setting} "
        "--trajectories {input.trajectories} --initial {input.initial} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_judge:
    input:
        SCORES,
    output:
        **pictures("judge", "plot_judge", "Instrument", figure="judge against truth"),
    log:
        f"{LOGS}/plot_judge.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_judge"),
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_judge.py --scores {input} --output-prefix {params.prefix} "
        "> {log} 2>&1"


rule plot_outcomes:
    input:
        scores=SCORES,
        trajectories=TRAJECTORIES,
    output:
        **pictures("outcomes", "outcomes", "Findings", figure="an example of each outcome"),
    log:
        f"{LOGS}/plot_outcomes.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_outcomes"),
        points=STUDY.analysis.amplification_points,
        from_cycle=STUDY.analysis.amplification_from_cycle,
        confidence=STUDY.analysis.confidence,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_outcomes.py --scores {input.scores} --trajectories {input.trajectories} --amplification-points {params.points} "
        "--from-cycle {params.from_cycle} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_dpo:
    input:
        trajectories=TRAJECTORIES,
    output:
        **pictures("dpo", "dpo", "Findings", figure="DPO, continual and re-initialised"),
    log:
        f"{LOGS}/plot_dpo.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_dpo"),
        confidence=STUDY.analysis.confidence,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_dpo.py --trajectories {input.trajectories} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_tradeoff:
    input:
        changes=rules.fit_tradeoff.output.chains,
        slopes=rules.fit_tradeoff.output.slopes,
    output:
        **pictures("tradeoff", "plot_tradeoff", "Findings", figure="trait against coherence"),
    log:
        f"{LOGS}/plot_tradeoff.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_tradeoff"),
        confidence=STUDY.analysis.confidence,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_tradeoff.py --changes {input.changes} "
        "--slopes {input.slopes} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_continual_vs_reinit:
    input:
        pairs=rules.fit_continual.output.pairs,
        means=rules.fit_continual.output.means,
    output:
        **pictures(
            "continual_vs_reinit",
            "continual_vs_reinit",
            "Findings",
            figure="continual against re-initialised",
        ),
    log:
        f"{LOGS}/plot_continual_vs_reinit.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_continual_vs_reinit"),
        confidence=STUDY.analysis.confidence,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_continual_vs_reinit.py --pairs {input.pairs} "
        "--means {input.means} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_equivalence:
    input:
        rules.fit_equivalence.output,
    output:
        **pictures(
            "equivalence", "plot_equivalence", "Findings", figure="do further cycles do nothing"
        ),
    log:
        f"{LOGS}/plot_equivalence.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_equivalence"),
        confidence=STUDY.analysis.confidence,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_equivalence.py --table {input} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_relaxation:
    input:
        rules.fit_relaxation.output.contraction,
    output:
        **pictures("relaxation", "plot_relaxation", "Findings", figure="is a cycle a contraction"),
    log:
        f"{LOGS}/plot_relaxation.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_relaxation"),
        confidence=STUDY.analysis.confidence,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_relaxation.py --table {input} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_null:
    input:
        quantiles=rules.simulate_null.output.quantiles,
        rates=rules.simulate_null.output.rates,
    output:
        **pictures("null", "null", "Instrument", figure="a model that does not change"),
    log:
        f"{LOGS}/plot_null.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_null"),
        points=STUDY.analysis.amplification_points,
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_null.py --quantiles {input.quantiles} "
        "--rates {input.rates} --amplification-points {params.points} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_grid:
    input:
        trajectories=TRAJECTORIES,
        initial=INITIAL,
    output:
        **pictures("grid_{setting}", "grid", "Grids", figure="grid", setting="{setting}"),
    log:
        f"{LOGS}/plot_grid/{{setting}}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_grid"),
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_grid.py --setting {wildcards.setting} --trajectories {input.trajectories} "
        "--initial {input.initial} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_dose_map:
    input:
        rules.summarise_chains.output.chains,
    output:
        **pictures("dose_map_{setting}", "dose_map", "Grids", figure="doses", setting="{setting}"),
    log:
        f"{LOGS}/plot_dose_map/{{setting}}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_dose_map"),
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_dose_map.py --setting {wildcards.setting} --chains {input} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_metrics:
    # of audits
    input:
        TRAJECTORIES,
    output:
        **pictures("metrics_{setting}", "metrics", "Trajectories", setting="{setting}"),
    log:
        f"{LOGS}/plot_metrics/{{setting}}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("plot_metrics"),
        prefix=lambda w, output: stem(output.png),
    shell:
        "python -m idempotence.launch analyse scripts/plot_metrics.py --setting {wildcards.setting} "
        "--trajectories {input} --output-prefix {params.prefix} > {log} 2>&1"


BY_SETTING = [n for n in ["trajectories", "metrics", "grid", "dose_map"] if has_to_show(n)]
if not STUDY.audit.files:
    BY_SETTING.remove("metrics")

# shown on the report's front page
FRONT_FIGURES = [
    f"{FIGURES}/{name}.png"
    for name in ["outcomes", "dpo", "continual_vs_reinit", "tradeoff", "equivalence"]
    if has_to_show(name)
]
if STUDY.audit.files:
    FRONT_FIGURES += [
        f"{FIGURES}/{name}_{setting}.png"
        for setting in STUDY.settings
        for name in ["trajectories", "metrics"]
        if has_to_show(name)
    ]


rule figures:
    input:
        expand(
            "{figures}/{name}_{setting}.{suffix}",
            figures=FIGURES,
            name=BY_SETTING,
            setting=STUDY.settings,
            suffix=["pdf", "svg", "png", "csv", "txt"],
        ),
        [
            getattr(rules, f"plot_{name}").output
            for name in [
                "outcomes",
                "dpo",
                "tradeoff",
                "continual_vs_reinit",
                "equivalence",
                "relaxation",
                "null",
                "judge",
            ]
            if has_to_show(name)
        ],
