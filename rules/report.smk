# What people read: replies, tables, and Snakemake's own report of it all.
def shown_cycles(w):
    """The cycles whose replies are shown."""
    last = STUDY.last_cycle(w.setting)
    return " ".join(map(str, sorted({0, min(3, last), last})))


rule show_replies:
    input:
        f"{RESULTS}/scores.parquet",
    output:
        report(
            f"{RESULTS}/pages/replies_{{setting}}.html",
            caption="../report/replies.rst",
            category="Replies",
            labels={"setting": "{setting}"},
        ),
    log:
        f"{LOGS}/show_replies/{{setting}}.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("show_replies", *PAGE_TEMPLATES),
        cycles=shown_cycles,
    shell:
        "python -m idempotence.warm run scripts/show_replies.py --setting {wildcards.setting} --scores {input} "
        "--cycles {params.cycles} --output {output} > {log} 2>&1"


SHOWN_TABLES = {
    "Amplification": rules.summarise_chains.output.amplification,
    "Slopes": rules.fit_slopes.output[0],
    "Chains": rules.summarise_chains.output.chains,
    "Judge on this study": rules.tabulate_judge.output[0],
    "Initial models": rules.tabulate_world.output.models,
    "Judge on held-out texts": rules.tabulate_world.output.judge,
}


rule show_tables:
    input:
        list(SHOWN_TABLES.values()),
    output:
        report(
            f"{RESULTS}/pages/tables.html",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "all, with explanations"},
        ),
    log:
        f"{LOGS}/show_tables.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("show_tables", *PAGE_TEMPLATES),
        title=f"Tables of the study {STUDY.study}",
        tables=" ".join(f'--table "{heading}={file}"' for heading, file in SHOWN_TABLES.items()),
    shell:
        "python -m idempotence.warm run scripts/show_tables.py {params.tables} --title {params.title:q} "
        "--output {output} > {log} 2>&1"


rule write_run:
    # which study this was: its whole config, versions, commit and machine
    input:
        rules.gather_scores.output,
    output:
        config=f"{RESULTS}/config.yaml",
        run=f"{RESULTS}/run.json",
    log:
        f"{LOGS}/write_run.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("write_run"),
        config=json.dumps(config, sort_keys=True),
    shell:
        "python -m idempotence.warm run scripts/write_run.py --config {params.config:q} --output-config {output.config} "
        "--output-run {output.run} > {log} 2>&1"


rule findings:
    input:
        rules.scores.input,
        rules.tables.input,
        rules.figures.input,
        expand("{results}/pages/replies_{setting}.html", results=RESULTS, setting=STUDY.settings),
        rules.show_tables.output,
        rules.write_run.output,


rule report:
    input:
        rules.findings.input,
        captions=sorted(str(path.relative_to(BASE)) for path in (BASE / "report").glob("*.rst")),
        config=f"{RESULTS}/config.yaml",
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    conda:
        "../envs/analysis.yaml"
    params:
        snakefile=workflow.main_snakefile,
    shell:
        "snakemake findings --snakefile {params.snakefile} --configfile {input.config} "
        "--report {output} --nolock --cores 1 > {log} 2>&1"
