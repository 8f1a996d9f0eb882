# From scores to tables; nothing from here on imports torch.
from idempotence.scores.shipped import EXPECTED
from idempotence.scores.shipped import FILES as SHIPPED_FILES

SCORES = f"{RESULTS}/scores.parquet"
INITIAL = f"{RESULTS}/initial.parquet"
TRAJECTORIES = f"{RESULTS}/trajectories.parquet"
RULE = {  # the published amplification rule
    "amplification_points": STUDY.analysis.amplification_points,
    "from_cycle": STUDY.analysis.amplification_from_cycle,
}
COHERENT = {  # coherence that gated rules, and the rule of the peak, need
    "gate": STUDY.analysis.coherence_gate,
    "peak_coherence": STUDY.analysis.peak_coherence,
}
CONFIDENCE = STUDY.analysis.confidence

if STUDY.scores_from:

    rule take_scores:
        input:
            expand("{folder}/{name}", folder=STUDY.scores_from, name=SHIPPED_FILES),
        output:
            **table("training", "output_training", shown=False),
            output_scores=SCORES,
            output_initial=INITIAL,
        log:
            PATHS.log("take_scores"),
        conda:
            ANALYSIS
        params:
            **script("take_scores", folder=STUDY.scores_from, settings=list(SETTINGS)),
        shell:
            ANALYSE

elif STUDY.audit.files:

    include: "audit.smk"

else:

    rule gather_scores:
        input:
            inputs=PATHS.of_cycles("scores.parquet"),
        output:
            output=SCORES,
        log:
            PATHS.log("gather_scores"),
        conda:
            ANALYSIS
        params:
            **script("gather_scores"),
        shell:
            ANALYSE

    use rule gather_scores as gather_initial with:
        input:
            inputs=[
                PATHS.initial(model, trait, "scores.parquet")
                for model in sorted({panel.model.name for panel in STUDY.panels()})
                for trait in STUDY.traits
            ],
        output:
            output=INITIAL,
        log:
            PATHS.log("gather_initial"),

    rule gather_training:
        input:
            [file for file in PATHS.all_adapters() if file.endswith("training.json")],
            scores=SCORES,
        output:
            **table("training", shown=False),
        log:
            PATHS.log("gather_training"),
        conda:
            ANALYSIS
        params:
            **script("gather_training", root=RESULTS),
        shell:
            ANALYSE

    if CHOOSING:

        rule gather_selection:
            input:
                inputs=PATHS.candidates("candidates_judged.jsonl"),
            output:
                **table("selection_chains", shown=False),
            log:
                PATHS.log("gather_selection"),
            conda:
                ANALYSIS
            params:
                **script("gather_selection", root=RESULTS),
            shell:
                ANALYSE

    rule tabulate_costs:
        # reads usage files and answers of endpoints where they are: a lost one must not train anew
        input:
            scores=SCORES,
            training=rules.gather_training.output.output_parquet,
            after_initial=INITIAL,
            after_again=f"{RESULTS}/again.parquet",
            after_second=f"{RESULTS}/scores_second.parquet" if STUDY.second_judge else [],
        output:
            **table("costs"),
        log:
            PATHS.log("tabulate_costs"),
        conda:
            ANALYSIS
        params:
            **script(
                "tabulate_costs",
                benchmarks=f"{RESULTS}/benchmarks",
                endpoints=json.dumps(ENDPOINTS, sort_keys=True),
                copied=list(STUDY.first_cycles),
                loops=JOBS.loops,
            ),
        shell:
            ANALYSE


TRAINING_LOG = f"{TABLES}/training.parquet"


rule scores:
    # the scores of all replies
    input:
        SCORES,
        INITIAL,


rule follow_chains:
    # once for all that goes by chains and cycles: scores are read, and their means taken, here alone
    input:
        scores=SCORES,
    output:
        output=f"{TABLES}/trajectories.csv",
        output_exact=TRAJECTORIES,
    log:
        PATHS.log("follow_chains"),
    conda:
        ANALYSIS
    params:
        **script(
            "follow_chains",
            confidence=CONFIDENCE,
            least_replies=STUDY.audit.least_replies if STUDY.audit.files else None,
        ),
    shell:
        ANALYSE


rule summarise_chains:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("chains", "output_chains"),
        **table("amplification", "output_amplification"),
    log:
        PATHS.log("summarise_chains"),
    conda:
        ANALYSIS
    params:
        **script(
            "summarise_chains",
            **RULE,
            peak_coherence=COHERENT["peak_coherence"],
            confidence=CONFIDENCE,
        ),
    shell:
        ANALYSE


CHAINS = rules.summarise_chains.output.output_chains_parquet


rule fit_slopes:
    input:
        trajectories=TRAJECTORIES,
    output:
        **table("slopes"),
    log:
        PATHS.log("fit_slopes"),
    conda:
        ANALYSIS
    params:
        **script("fit_slopes", confidence=CONFIDENCE),
    shell:
        ANALYSE


rule tabulate_judge:
    input:
        scores=SCORES,
    output:
        **table("judge", category="Instrument"),
    log:
        PATHS.log("tabulate_judge"),
    conda:
        ANALYSIS
    params:
        **script("tabulate_judge"),
    shell:
        ANALYSE


rule tabulate_world:
    input:
        quality=f"{PATHS.world}/quality.json",
        initial=INITIAL,
    output:
        **table("world_models", "output_models", "Instrument"),
        **table("world_judge", "output_judge", "Instrument"),
    log:
        PATHS.log("tabulate_world"),
    conda:
        ANALYSIS
    params:
        **script("tabulate_world"),
    shell:
        ANALYSE
