# Figures: PDF, SVG and PNG, with a CSV of the numbers beside each.
FIGURES = f"{RESULTS}/figures"


def pictures(name, caption, category, **labels):
    """The files of a figure, numbers and caption beside it; the SVG is the one in the report."""
    return {
        "pdf": f"{FIGURES}/{name}.pdf",
        "png": f"{FIGURES}/{name}.png",
        "csv": f"{FIGURES}/{name}.csv",
        "txt": f"{FIGURES}/{name}.txt",
        "svg": report(
            f"{FIGURES}/{name}.svg",
            caption=f"../report/{caption}.rst",
            category=category,
            labels=labels or None,
        ),
    }


rule plot_trajectories:
    input:
        scores=f"{RESULTS}/scores.parquet",
        initial=f"{RESULTS}/initial.parquet",
    output:
        **pictures("trajectories_{setting}", "trajectories", "Trajectories", setting="{setting}"),
    params:
        code=code("plot_trajectories"),
        confidence=STUDY.analysis.confidence,
        prefix=f"{FIGURES}/trajectories_{{setting}}",
    log:
        f"{LOGS}/plot_trajectories/{{setting}}.log",
    conda:
        "../envs/analysis.yaml"
    shell:
        "{RUN} scripts/plot_trajectories.py --setting {wildcards.setting} "
        "--scores {input.scores} --initial {input.initial} --confidence {params.confidence} "
        "--output-prefix {params.prefix} > {log} 2>&1"


rule plot_judge:
    input:
        f"{RESULTS}/scores.parquet",
    output:
        **pictures("judge", "plot_judge", "Instrument", figure="judge against truth"),
    params:
        code=code("plot_judge"),
        prefix=f"{FIGURES}/judge",
    log:
        f"{LOGS}/plot_judge.log",
    conda:
        "../envs/analysis.yaml"
    shell:
        "{RUN} scripts/plot_judge.py --scores {input} --output-prefix {params.prefix} "
        "> {log} 2>&1"


rule figures:
    input:
        expand(
            "{figures}/trajectories_{setting}.{suffix}",
            figures=FIGURES,
            setting=STUDY.settings,
            suffix=["pdf", "svg", "png", "csv", "txt"],
        ),
        rules.plot_judge.output,
