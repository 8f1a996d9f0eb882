# From scores to tables; nothing from here on imports torch.
SCORES = f"{RESULTS}/scores.parquet"
INITIAL = f"{RESULTS}/initial.parquet"
TRAJECTORIES = f"{RESULTS}/trajectories.parquet"
TRAINING = f"{TABLES}/training.csv"

if STUDY.scores_from:

    rule take_scores:
        input:
            expand("{folder}/{name}", folder=STUDY.scores_from, name=SHIPPED_FILES),
        output:
            scores=SCORES,
            initial=INITIAL,
            training=TRAINING,
        log:
            f"{LOGS}/take_scores.log",
        conda:
            "../envs/analysis.yaml"
        params:
            code=code("take_scores"),
            folder=STUDY.scores_from,
            settings=" ".join(STUDY.settings),
        shell:
            "python -m idempotence.launch analyse scripts/take_scores.py --folder {params.folder} "
            "--settings {params.settings} --output-scores {output.scores} --output-initial {output.initial} "
            "--output-training {output.training} > {log} 2>&1"

elif STUDY.audit.files:

    include: "audit.smk"

else:

    rule gather_scores:
        input:
            panel_files("scores.parquet"),
        output:
            SCORES,
        log:
            f"{LOGS}/gather_scores.log",
        conda:
            "../envs/analysis.yaml"
        params:
            code=code("gather_scores"),
        shell:
            "python -m idempotence.launch analyse scripts/gather_scores.py --inputs {input} --output {output} > {log} 2>&1"

    rule gather_initial:
        input:
            [
                f"{RESULTS}/initial/{model}/{trait}/scores.parquet"
                for model in sorted({panel.model.name for panel in STUDY.panels()})
                for trait in STUDY.traits
            ],
        output:
            INITIAL,
        log:
            f"{LOGS}/gather_initial.log",
        conda:
            "../envs/analysis.yaml"
        params:
            code=code("gather_scores"),
        shell:
            "python -m idempotence.launch analyse scripts/gather_scores.py --inputs {input} --output {output} > {log} 2>&1"

    rule gather_training:
        input:
            [file for file in panel_adapters() if file.endswith("training.json")],
            scores=SCORES,
        output:
            TRAINING,
        log:
            f"{LOGS}/gather_training.log",
        conda:
            "../envs/analysis.yaml"
        params:
            code=code("gather_training"),
            root=lambda w, input: folder([input.scores]),
        shell:
            "python -m idempotence.launch analyse scripts/gather_training.py --scores {input.scores} --root {params.root} "
            "--output {output} > {log} 2>&1"

    rule tabulate_costs:
        # reads benchmarks and answers of endpoints where they are: a lost one must not train anew
        input:
            scores=SCORES,
            training=TRAINING,
            second=f"{RESULTS}/scores_second.parquet" if STUDY.second_judge else [],
        output:
            table("costs"),
        log:
            f"{LOGS}/tabulate_costs.log",
        conda:
            "../envs/analysis.yaml"
        params:
            code=code("tabulate_costs"),
            benchmarks=BENCHMARKS,
            endpoints=settings(ENDPOINTS),
            copied=list(TWINS),
        shell:
            "python -m idempotence.launch analyse scripts/tabulate_costs.py --scores {input.scores} "
            "--training {input.training} --benchmarks {params.benchmarks} --endpoints {params.endpoints:q} --copied {params.copied} --output {output} > {log} 2>&1"


rule scores:
    input:
        SCORES,
        INITIAL,


rule follow_chains:
    # once for all that goes by chains and cycles: scores are read, and their means taken, here alone
    input:
        SCORES,
    output:
        exact=TRAJECTORIES,
        table=f"{TABLES}/trajectories.csv",
    log:
        f"{LOGS}/follow_chains.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("follow_chains"),
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/follow_chains.py --scores {input} "
        "--confidence {params.confidence} --output {output.table} --output-exact {output.exact} "
        "> {log} 2>&1"


rule summarise_chains:
    input:
        TRAJECTORIES,
    output:
        chains=table("chains"),
        amplification=table("amplification"),
    log:
        f"{LOGS}/summarise_chains.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("summarise_chains"),
        points=STUDY.analysis.amplification_points,
        from_cycle=STUDY.analysis.amplification_from_cycle,
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/summarise_chains.py --trajectories {input} "
        "--amplification-points {params.points} --from-cycle {params.from_cycle} "
        "--confidence {params.confidence} --output-chains {output.chains} "
        "--output-amplification {output.amplification} > {log} 2>&1"


rule fit_slopes:
    input:
        TRAJECTORIES,
    output:
        table("slopes"),
    log:
        f"{LOGS}/fit_slopes.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_slopes"),
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/fit_slopes.py --trajectories {input} --confidence {params.confidence} "
        "--output {output} > {log} 2>&1"


rule tabulate_judge:
    input:
        SCORES,
    output:
        table("judge", "Instrument"),
    log:
        f"{LOGS}/tabulate_judge.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("tabulate_judge"),
    shell:
        "python -m idempotence.launch analyse scripts/tabulate_judge.py --scores {input} --output {output} > {log} 2>&1"


rule tabulate_world:
    input:
        quality=f"{WORLD}/quality.json",
        initial=INITIAL,
    output:
        models=table("world_models", "Instrument"),
        judge=table("world_judge", "Instrument"),
    log:
        f"{LOGS}/tabulate_world.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("tabulate_world"),
    shell:
        "python -m idempotence.launch analyse scripts/tabulate_world.py --quality {input.quality} --initial {input.initial} "
        "--output-models {output.models} --output-judge {output.judge} > {log} 2>&1"
