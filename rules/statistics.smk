# Regressions, tests and the verdicts on the paper's claims; a table each.


rule compare_rules:
    input:
        trajectories=TRAJECTORIES,
    output:
        table("rules"),
    log:
        f"{LOGS}/compare_rules.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("compare_rules"),
        points=STUDY.analysis.amplification_points,
        from_cycle=STUDY.analysis.amplification_from_cycle,
        gate=STUDY.analysis.coherence_gate,
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/compare_rules.py --trajectories {input.trajectories} --amplification-points {params.points} "
        "--from-cycle {params.from_cycle} --gate {params.gate} --confidence {params.confidence} "
        "--output {output} > {log} 2>&1"


rule simulate_null:
    input:
        scores=SCORES,
    output:
        rates=table("null_rate"),
        quantiles=f"{TABLES}/null_quantiles.csv",
    log:
        f"{LOGS}/simulate_null.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("simulate_null"),
        points=STUDY.analysis.amplification_points,
        from_cycle=STUDY.analysis.amplification_from_cycle,
        gate=STUDY.analysis.coherence_gate,
        seed=STUDY.study_seed,
    shell:
        "python -m idempotence.launch analyse scripts/simulate_null.py --scores {input.scores} --amplification-points {params.points} "
        "--from-cycle {params.from_cycle} --gate {params.gate} --seed {params.seed} "
        "--output-rates {output.rates} --output-quantiles {output.quantiles} > {log} 2>&1"


rule fit_mixed_model:
    input:
        trajectories=TRAJECTORIES,
    output:
        table("mixed_model"),
    log:
        f"{LOGS}/fit_mixed_model.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_mixed_model"),
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/fit_mixed_model.py --trajectories {input.trajectories} --confidence {params.confidence} "
        "--output {output} > {log} 2>&1"


rule fit_equivalence:
    input:
        trajectories=TRAJECTORIES,
    output:
        table("equivalence"),
    log:
        f"{LOGS}/fit_equivalence.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_equivalence"),
        bound=STUDY.analysis.equivalence_points,
        from_cycle=STUDY.analysis.amplification_from_cycle,
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/fit_equivalence.py --trajectories {input.trajectories} --bound {params.bound} "
        "--from-cycle {params.from_cycle} --confidence {params.confidence} --output {output} > {log} 2>&1"


rule fit_relaxation:
    input:
        trajectories=TRAJECTORIES,
    output:
        chains=f"{TABLES}/relaxation.csv",
        contraction=table("contraction"),
    log:
        f"{LOGS}/fit_relaxation.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_relaxation"),
        confidence=STUDY.analysis.confidence,
        seed=STUDY.study_seed,
    shell:
        "python -m idempotence.launch analyse scripts/fit_relaxation.py --trajectories {input.trajectories} --confidence {params.confidence} "
        "--seed {params.seed} --output-chains {output.chains} --output-contraction {output.contraction} "
        "> {log} 2>&1"


rule fit_dose:
    input:
        chains=rules.summarise_chains.output.chains,
    output:
        model=table("dose"),
        flips=table("dose_flips"),
    log:
        f"{LOGS}/fit_dose.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_dose"),
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/fit_dose.py --chains {input.chains} --confidence {params.confidence} "
        "--output-model {output.model} --output-flips {output.flips} > {log} 2>&1"


rule fit_tradeoff:
    input:
        trajectories=TRAJECTORIES,
        chains=rules.summarise_chains.output.chains,
    output:
        chains=f"{TABLES}/tradeoff_chains.csv",
        slopes=table("tradeoff"),
    log:
        f"{LOGS}/fit_tradeoff.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_tradeoff"),
        from_cycle=STUDY.analysis.amplification_from_cycle,
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/fit_tradeoff.py --trajectories {input.trajectories} --chains {input.chains} "
        "--from-cycle {params.from_cycle} --confidence {params.confidence} "
        "--output-chains {output.chains} --output-slopes {output.slopes} > {log} 2>&1"


rule fit_continual:
    input:
        chains=rules.summarise_chains.output.chains,
    output:
        pairs=f"{TABLES}/continual_pairs.csv",
        means=table("continual"),
    log:
        f"{LOGS}/fit_continual.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("fit_continual"),
        confidence=STUDY.analysis.confidence,
    shell:
        "python -m idempotence.launch analyse scripts/fit_continual.py --chains {input.chains} --confidence {params.confidence} "
        "--output-pairs {output.pairs} --output-means {output.means} > {log} 2>&1"


rule judge_claims:
    input:
        claims=CLAIMS,
        chains=rules.summarise_chains.output.chains,
        tables=[
            rules.compare_rules.output,
            rules.fit_equivalence.output,
            rules.fit_tradeoff.output.slopes,
            rules.fit_continual.output.means,
            rules.fit_dose.output.flips,
        ],
    output:
        json=f"{RESULTS}/claims.json",
        csv=table("claims", "Claims"),
    log:
        f"{LOGS}/judge_claims.log",
    conda:
        "../envs/analysis.yaml"
    params:
        code=code("judge_claims", CLAIMS),
        options=f"--arms '{settings(PLAN.arms())}'" if PLAN.arms() else "",
    shell:
        "python -m idempotence.launch analyse scripts/judge_claims.py --claims {input.claims} --chains {input.chains} "
        "--tables {input.tables} {params.options} --output-json {output.json} --output-csv {output.csv} > {log} 2>&1"


AUDITED_TABLES = list(AUDIT_TABLES.values()) if STUDY.audit.files else []
SCORE_TABLES = [
    rules.fit_slopes.output,
    rules.tabulate_judge.output,
    list(AGREEMENT.values()),
    rules.compare_rules.output,
    rules.simulate_null.output,
    rules.fit_mixed_model.output,
    rules.fit_equivalence.output,
    rules.fit_relaxation.output,
    rules.fit_dose.output,
    rules.fit_tradeoff.output,
    rules.fit_continual.output,
    rules.judge_claims.output,
]


rule tables:
    input:
        TRAINING,
        rules.follow_chains.output.table,
        AUDITED_TABLES,
        rules.summarise_chains.output,
        SCORE_TABLES if STUDY.scored else [],
        [] if STUDY.audit.files else rules.tabulate_world.output,
