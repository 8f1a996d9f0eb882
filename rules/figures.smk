# Figures: PDF, SVG and PNG, with a CSV of the numbers beside each.


rule plot_trajectories:
    input:
        scores=f"{RESULTS}/scores.parquet",
        initial=f"{RESULTS}/initial.parquet",
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
        "python -m idempotence.warm analyse scripts/plot_trajectories.py --setting {wildcards.setting} "
        "--scores {input.scores} --initial {input.initial} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_judge:
    input:
        f"{RESULTS}/scores.parquet",
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
        "python -m idempotence.warm analyse scripts/plot_judge.py --scores {input} --output-prefix {params.prefix} "
        "> {log} 2>&1"


# shown on the report's front page
FRONT_FIGURES = [f"{FIGURES}/trajectories_{setting}.png" for setting in STUDY.settings]


rule figures:
    input:
        expand(
            "{figures}/trajectories_{setting}.{suffix}",
            figures=FIGURES,
            setting=STUDY.settings,
            suffix=["pdf", "svg", "png", "csv", "txt"],
        ),
        rules.plot_judge.output,
