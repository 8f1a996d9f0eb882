# What people read: replies, tables, and Snakemake's own report of it all.


rule show_replies:
    input:
        SCORES,
    output:
        report(
            f"{RESULTS}/pages/replies.html",
            caption="../report/replies.rst",
            category="Replies",
            labels={"page": "all, to choose from"},
        ),
    log:
        f"{LOGS}/show_replies.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("show_replies", *PAGE_TEMPLATES),
    shell:
        "python -m idempotence.launch analyse scripts/show_replies.py --scores {input} "
        "--output {output} > {log} 2>&1"


SHOWN_TABLES = {
    "Claims": rules.judge_claims.output.csv,
    "Amplification": rules.summarise_chains.output.amplification,
    "Amplification by other rules": rules.compare_rules.output[0],
    "Rules when nothing changes": rules.simulate_null.output.rates,
    "Slopes": rules.fit_slopes.output[0],
    "Slopes by three models": rules.fit_mixed_model.output[0],
    "Equivalence": rules.fit_equivalence.output[0],
    "Contraction": rules.fit_relaxation.output.contraction,
    "Doses": rules.fit_dose.output.model,
    "Flips between doses and seeds": rules.fit_dose.output.flips,
    "Tradeoff": rules.fit_tradeoff.output.slopes,
    "Continual against re-initialised": rules.fit_continual.output.means,
    "Chains": rules.summarise_chains.output.chains,
    "Judge on this study": rules.tabulate_judge.output[0],
    "Initial models": rules.tabulate_world.output.models,
    "Judge on held-out texts": rules.tabulate_world.output.judge,
    **AGREEMENT,
    "Environment": f"{TABLES}/environment.csv",
}
if STUDY.trains:
    SHOWN_TABLES["Costs"] = rules.tabulate_costs.output[0]
if STUDY.audit.files:
    READ = {
        "Rows read": AUDIT_TABLES["rows"],
        "Bad rows": AUDIT_TABLES["bad_rows"],
        "Chains found": AUDIT_TABLES["chains"],
        "Text metrics": AUDIT_TABLES["metrics"],
    }
    WITHOUT = ["Initial models", "Judge on held-out texts"]
    if not STUDY.scored:
        WITHOUT = [heading for heading in SHOWN_TABLES if heading != "Environment"]
    SHOWN_TABLES = READ | {k: v for k, v in SHOWN_TABLES.items() if k not in WITHOUT}


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
        code=code("show_tables", *PAGE_TEMPLATES, *CAPTIONS),
        title=f"Tables of the study {STUDY.study}",
        tables=" ".join(f'--table "{heading}={file}"' for heading, file in SHOWN_TABLES.items()),
    shell:
        "python -m idempotence.launch analyse scripts/show_tables.py {params.tables} --captions report "
        "--title {params.title:q} --output {output} > {log} 2>&1"


rule show_summary:
    input:
        claims=rules.judge_claims.output.json if STUDY.scored else [],
        audit=[AUDIT_TABLES[n] for n in ["rows", "bad_rows", "chains"]] if STUDY.audit.files else [],
        chains=rules.summarise_chains.output.chains,
        training=TRAINING,
        scores=SCORES,
        figures=FRONT_FIGURES,
    output:
        f"{RESULTS}/pages/summary.rst",
    log:
        f"{LOGS}/show_summary.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("show_summary", *PAGE_TEMPLATES),
        study=STUDY.study,
        confidence=STUDY.analysis.confidence,
        options=lambda w, input: " ".join(
            f"--{name} {files}"
            for name, files in [("claims", input.claims), ("audit", input.audit)]
            if files
        ),
    shell:
        "python -m idempotence.launch analyse scripts/show_summary.py --study {params.study} {params.options} "
        "--chains {input.chains} --training {input.training} --scores {input.scores} "
        "--figures {input.figures} --confidence {params.confidence} --output {output} > {log} 2>&1"


rule write_run:
    # which study this was: its whole config, versions, commit and machine
    input:
        SCORES,
        claims=CLAIMS,
        files=AUDIT_TABLES["rows"] if STUDY.audit.files else [],
    output:
        config=f"{RESULTS}/config.yaml",
        run=f"{RESULTS}/run.json",
        table=table("environment"),
    log:
        f"{LOGS}/write_run.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("write_run"),
        # a function: braces in the config are no wildcards
        config=lambda w: json.dumps(config, sort_keys=True),
        files=lambda w, input: f"--files {input.files}" if input.files else "",
    shell:
        "python -m idempotence.launch analyse scripts/write_run.py --config {params.config:q} --claims {input.claims} {params.files} "
        "--output-config {output.config} --output-run {output.run} --output-table {output.table} > {log} 2>&1"


rule ship_scores:
    # results/<study>/shipped/: what `scores_from` of another study can name
    input:
        scores=SCORES,
        initial=INITIAL,
        training=TRAINING,
        others=[rules.judge_claims.output.json, rules.write_run.output.run],
    output:
        expand(
            "{results}/shipped/{name}",
            results=RESULTS,
            name=[*SHIPPED_FILES, "claims.json", "run.json"],
        ),
    log:
        f"{LOGS}/ship_scores.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("ship_scores"),
        folder=lambda w, output: folder(output),
    shell:
        "python -m idempotence.launch analyse scripts/ship_scores.py --scores {input.scores} --initial {input.initial} "
        "--training {input.training} --others {input.others} --output {params.folder} > {log} 2>&1"


rule findings:
    input:
        rules.scores.input,
        rules.tables.input,
        rules.figures.input,
        rules.show_replies.output,
        rules.show_tables.output,
        rules.show_summary.output,
        rules.write_run.output,


rule report:
    input:
        rules.findings.input,
        captions=CAPTIONS,
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
