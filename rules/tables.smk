# Which tables a study has.
SCORE_TABLES = [
    rules.fit_slopes.output,
    rules.tabulate_judge.output,
    list(AGREEMENT.values()),
    rules.compare_rules.output,
    rules.simulate_null.output,
    rules.fit_mixed_model.output,
    rules.fit_equivalence.output,
    rules.fit_relaxation.output,
    rules.fit_course.output,
    rules.fit_return_map.output,
    rules.map_outcomes.output,
    rules.fit_dose.output,
    rules.fit_tradeoff.output,
    rules.fit_continual.output,
    rules.compare_defences.output,
    rules.compare_shapes.output,
    rules.judge_claims.output,
    rules.judge_claims_first.output,
    rules.measure_noise.output if STUDY.trains else [],
    [] if STUDY.audit.files else rules.simulate_power.output,
    rules.fit_selection.output if CHOOSING else [],
]


rule tables:
    # every table, and nothing else that is not needed for one
    input:
        TRAINING_LOG,
        rules.follow_chains.output,
        list(AUDIT_TABLES.values()) if STUDY.audit.files else [],
        rules.summarise_chains.output,
        SCORE_TABLES if STUDY.scored else [],
        [] if STUDY.audit.files else rules.tabulate_world.output,
