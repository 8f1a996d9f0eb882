# Does a trait amplify when a model is trained on its own outputs? README.md says how to run this.
from snakemake.utils import min_version

min_version("9.19")


include: "rules/common.smk"
include: "rules/world.smk"
include: "rules/packages.smk"
include: "rules/data.smk"
include: "rules/tuning.smk"
include: "rules/judge_tuning.smk"
include: "rules/cycle.smk"
include: "rules/analysis.smk"
include: "rules/agreement.smk"


if STUDY.trains:

    include: "rules/rescore.smk"


include: "rules/statistics.smk"
include: "rules/claims.smk"
include: "rules/tables.smk"
include: "rules/pictures.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/plan.smk"


if STUDY.trains:

    include: "rules/verify.smk"


# the front page; rule show_summary writes it
report: f"{RESULTS}/pages/summary.rst"


onstart:
    # With its limit of jobs a second Snakemake weighs all ready jobs again a second later, whenever it
    # has weighed them: one such round for each job that ever ended, after 350 jobs a third of a core for nothing.
    workflow.scheduler.job_rate_limiter = None
    check_results()
    if not workflow.touch:
        check_endpoints()


onerror:
    # a log on a full disk cannot say so itself
    check_results()


localrules:
    all,
    loop,
    scores,
    tables,
    noise,
    figures,
    findings,
    missing,
    world,
    ship,
    tune,
    plan,
    estimate,
    choose_learning_rates,
    compare_world,
    make_packaged_model,


# What takes seconds and needs no torch runs where Snakemake does: a cluster gets the loop's jobs.
workflow.localrules(*(each.name for each in workflow.rules if each.conda_env == ANALYSIS))


# what the loop starts from; an audit or a shipped study has no loop of its own
START_FILES = PATHS.start_files(JOBS.seeded_panels()) if STUDY.trains else []


rule all:
    # the whole study, and its report
    default_target: True
    input:
        rules.report.output,
        rules.findings.input,
        rules.loop.input,


rule missing:
    # what was lost, and nothing that only follows from it: that is as it was, as are the bytes
    input:
        lambda w: lost(rules.all.input, START_FILES),


rule world:
    # the micro world's models, trained again and compared with those shipped; needs `world: build`
    input:
        f"{RESULTS}/world/agreement.json",


rule ship:
    # the scores of a finished study in a folder small enough to be given away
    input:
        rules.ship_scores.output,


rule tune:
    # learning rates and DPO's beta, chosen on cycle 0
    input:
        rules.choose_learning_rates.output,


rule plan:
    # what the study would do and cost; nothing of it is run
    input:
        rules.estimate.output.output_text,
    log:
        PATHS.log("plan"),
    conda:
        "envs/analysis.yaml"
    shell:
        "cat {input:q} 2> {log:q}"
