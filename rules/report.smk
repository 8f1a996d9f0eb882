# What people read: replies, tables, and Snakemake's own report of it all.
CAPTIONS = [PATHS.own(f"report/{path.name}") for path in sorted((BASE / "report").glob("*.rst"))]
PAGE_TEMPLATES = sorted((BASE / "src/idempotence/report/templates").glob("*.*"))


rule show_replies:
    input:
        scores=SCORES,
    output:
        output=report(
            f"{RESULTS}/pages/replies.html",
            caption="../report/replies.rst",
            category="Replies",
            labels={"page": "all, to choose from"},
        ),
    log:
        PATHS.log("show_replies"),
    conda:
        ANALYSIS
    params:
        **script("show_replies", *PAGE_TEMPLATES, loops=JOBS.loops),
    shell:
        ANALYSE


rule show_methods:
    input:
        after_captions=CAPTIONS,
        glossary=PATHS.own("docs/glossary.md"),
    output:
        output=report(
            f"{RESULTS}/pages/methods.html",
            caption="../report/methods.rst",
            category="Methods",
            labels={"page": "words, verdicts, figures"},
        ),
    log:
        PATHS.log("show_methods"),
    conda:
        ANALYSIS
    params:
        **script(
            "show_methods",
            *PAGE_TEMPLATES,
            figures=[*BY_SETTING, *OF_STUDY],
            captions=PATHS.own("report"),
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


SHOWN_TABLES = {
    "Claims": rules.judge_claims.output.output_csv,
    "Claims, first version of the tests": rules.judge_claims_first.output.output_csv,
    "Power": rules.simulate_power.output.output,
    "Amplification": rules.summarise_chains.output.output_amplification,
    "Amplification by other rules": rules.compare_rules.output.output,
    "Rules when nothing changes": rules.simulate_null.output.output_rates,
    "Slopes": rules.fit_slopes.output.output,
    "Slopes by three models": rules.fit_mixed_model.output.output,
    "Equivalence": rules.fit_equivalence.output.output,
    "Contraction": rules.fit_relaxation.output.output_contraction,
    "Course": rules.fit_course.output.output,
    "Return map": rules.fit_return_map.output.output,
    "Fixed points": rules.fit_return_map.output.output_points,
    "Outcomes by dose": rules.map_outcomes.output.output,
    "Doses": rules.fit_dose.output.output_model,
    "Flips between doses and seeds": rules.fit_dose.output.output_flips,
    "Tradeoff": rules.fit_tradeoff.output.output_slopes,
    "Continual against re-initialised": rules.fit_continual.output.output_means,
    "Defences": rules.compare_defences.output.output,
    "Shapes, the authors' and ours": rules.compare_shapes.output.output,
    "Chains": rules.summarise_chains.output.output_chains,
    "Judge on this study": rules.tabulate_judge.output.output,
    "Initial models": rules.tabulate_world.output.output_models,
    "Judge on held-out texts": rules.tabulate_world.output.output_judge,
    **AGREEMENT,
    "Environment": f"{TABLES}/environment.csv",
}
if CHOOSING:
    SHOWN_TABLES["Selection"] = rules.fit_selection.output.output
if STUDY.trains:
    SHOWN_TABLES["Noise of scores"] = rules.measure_noise.output.output_floor
    SHOWN_TABLES["Costs"] = rules.tabulate_costs.output.output
if STUDY.audit.files:
    READ = {
        "Rows read": AUDIT_TABLES["rows"],
        "Bad rows": AUDIT_TABLES["bad_rows"],
        "Chains found": AUDIT_TABLES["chains"],
        "Text metrics": AUDIT_TABLES["metrics"],
    }
    WITHOUT = ["Power", "Initial models", "Judge on held-out texts"]
    if not STUDY.scored:
        WITHOUT = [heading for heading in SHOWN_TABLES if heading != "Environment"]
    SHOWN_TABLES = READ | {k: v for k, v in SHOWN_TABLES.items() if k not in WITHOUT}

# what an audit read, for code: rows, bad rows, chains
AUDITED = (
    [
        rules.read_replies.output.output_rows_parquet,
        rules.read_replies.output.output_bad_parquet,
        rules.read_replies.output.output_chains_parquet,
    ]
    if STUDY.audit.files
    else []
)


rule show_tables:
    input:
        list(SHOWN_TABLES.values()),
        after_captions=CAPTIONS,
    output:
        output=report(
            f"{RESULTS}/pages/tables.html",
            caption="../report/tables.rst",
            category="Tables",
            labels={"table": "all, with explanations"},
        ),
    log:
        PATHS.log("show_tables"),
    conda:
        ANALYSIS
    params:
        **script(
            "show_tables",
            *PAGE_TEMPLATES,
            tables=[f"{heading}={file}" for heading, file in SHOWN_TABLES.items()],
            captions=PATHS.own("report"),
            title=f"Tables of the study {STUDY.study}",
        ),
    shell:
        ANALYSE


# the claims on a real model, beside those of a study of the micro world
REAL_MODEL = [
    PATHS.own(f"results/shipped/english/{name}") for name in ("claims.json", "corrected_claims.csv")
]


rule show_summary:
    input:
        claims=rules.judge_claims.output.output_json if STUDY.scored else [],
        power=[] if STUDY.audit.files else rules.simulate_power.output.output_parquet,
        audit=AUDITED,
        real_model=(
            REAL_MODEL
            if STUDY.texts == "micro_world" and all(Path(file).is_file() for file in REAL_MODEL)
            else []
        ),
        gold=[each.output.output_parquet for each in OF_GOLD],
        chains=CHAINS,
        training=TRAINING_LOG,
        scores=SCORES,
        figures=FRONT_FIGURES,
    output:
        output=f"{RESULTS}/pages/summary.rst",
        output_page=f"{RESULTS}/pages/index.html",
    log:
        PATHS.log("show_summary"),
    conda:
        ANALYSIS
    params:
        **script(
            "show_summary",
            *PAGE_TEMPLATES,
            study=STUDY.study,
            loops=JOBS.loops,
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


rule write_run:
    # which study this was: its whole config, versions, commit and machine
    input:
        SCORES,
        claims=CLAIMS,
        training=TRAINING_LOG,
        files=AUDITED[:1],
    output:
        **table("environment", "output_table"),
        output_config=f"{RESULTS}/config.yaml",
        output_run=f"{RESULTS}/run.json",
    log:
        PATHS.log("write_run"),
    conda:
        ANALYSIS
    params:
        **script("write_run", config=json.dumps(CONFIG)),
    shell:
        ANALYSE


# Beside the scores: what the tables of README.md and docs/results.md are made from.
SHIPPED_ALONG = [
    rules.judge_claims.output.output_json,
    rules.judge_claims_first.output.output_json,
    rules.write_run.output.output_run,
    rules.summarise_chains.output.output_amplification,
    rules.fit_course.output.output,
    rules.fit_return_map.output.output,
    rules.map_outcomes.output.output,
    rules.compare_defences.output.output,
    *([] if STUDY.audit.files else [rules.simulate_power.output.output]),
    *([rules.measure_noise.output.output_floor] if STUDY.trains else []),
    *(each.output.output for each in OF_GOLD),
]


rule ship_scores:
    # results/<study>/shipped/: what `scores_from` of another study can name
    input:
        scores=SCORES,
        initial=INITIAL,
        training=TRAINING_LOG,
        others=SHIPPED_ALONG,
    output:
        [f"{RESULTS}/shipped/{name}" for name in SHIPPED_FILES],
        [
            f"{RESULTS}/shipped/{Path(file).name}"
            for file in [*SHIPPED_ALONG, "loops.json", EXPECTED]
        ],
    log:
        PATHS.log("ship_scores"),
    conda:
        ANALYSIS
    params:
        **script("ship_scores", output=f"{RESULTS}/shipped", loops=JOBS.loops),
    shell:
        ANALYSE


rule archive:
    # one file to publish
    input:
        scores=SCORES,
        initial=INITIAL,
        training=TRAINING_LOG,
        run=rules.write_run.output.output_run,
        others=[
            rules.write_run.output.output_config,
            *(rules.judge_claims.output if STUDY.scored else []),
            *rules.tables.input,
            *rules.figures.input,
        ],
    output:
        output=f"{RESULTS}/archive.zip",
    log:
        PATHS.log("archive"),
    conda:
        ANALYSIS
    params:
        **script("archive", root=RESULTS, study=STUDY.study, rebuilds=not STUDY.audit.files),
    shell:
        ANALYSE


rule findings:
    # tables, figures and pages, without Snakemake's report
    input:
        rules.scores.input,
        rules.tables.input,
        rules.figures.input,
        rules.show_replies.output,
        rules.show_tables.output,
        rules.show_methods.output,
        rules.show_summary.output,
        rules.write_run.output,


rule report:
    input:
        rules.findings.input,
        after_captions=CAPTIONS,
        config=rules.write_run.output.output_config,
    output:
        output=f"{RESULTS}/report.html",
    log:
        PATHS.log("report"),
    conda:
        ANALYSIS
    params:
        **script("report", snakefile=workflow.main_snakefile),
    shell:
        launched("cold") + " {params.args} {params.options} > {log:q} 2>&1"
