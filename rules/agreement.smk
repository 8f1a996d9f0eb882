# The judge beside blind ratings, the words of each trait, and a second judge, where there are any. The first one's files
# stay as they are.
AGREEMENT = {}  # tables: heading -> file
GOLD = STUDY.judge.gold  # replies that were rated blind
OF_GOLD = []  # rules whose tables compare the judge with these ratings
GOLD_FILES = [f"{GOLD}/{name}" for name in ("key.csv", "ratings.csv")]
GOLD_SCORES = f"{RESULTS}/gold_scores.csv"  # the judge's, of those replies
WORDS = f"{STUDY.traits_folder}/words.yaml"  # of each trait, a yardstick without a judge

if GOLD and STUDY.scores_from:  # there is no judge, but its scores of the study's replies

    rule look_up_gold:
        input:
            scores=[SCORES, INITIAL],
            after_ratings=GOLD_FILES,
        output:
            output=GOLD_SCORES,
        log:
            PATHS.log("look_up_gold"),
        conda:
            ANALYSIS
        params:
            **script("look_up_gold", gold=GOLD),
        shell:
            ANALYSE

elif GOLD:

    rule judge_gold:
        input:
            after_judge=JUDGE_FILES,
            replies=f"{GOLD}/replies.jsonl",
        output:
            output=GOLD_SCORES,
        log:
            **job_log("judge_gold"),
        conda:
            SAMPLING
        resources:
            **loads(the_judge),
        params:
            **script(
                "judge_gold",
                *(file for trait in STUDY.traits for file in data_files(STUDY, trait)),
                job=JOBS.gold_judge(),
                judge=JUDGE,
                traits=STUDY.traits_folder,
            ),
            kind=launcher_of(JOBS.gold_judge().engine),
        shell:
            RUN


if GOLD:

    rule gold_agreement:
        input:
            judged=GOLD_SCORES,
            words=[WORDS] if Path(WORDS).is_file() else [],
            after_ratings=GOLD_FILES,
        output:
            **table("gold_agreement", category="Instrument"),
        log:
            PATHS.log("gold_agreement"),
        conda:
            ANALYSIS
        params:
            **script("gold_agreement", gold=GOLD),
        shell:
            ANALYSE

    rule correct_changes:
        input:
            scores=SCORES,
            judged=GOLD_SCORES,
            after_ratings=GOLD_FILES,
        output:
            **table("corrected_changes", category="Instrument"),
        log:
            PATHS.log("correct_changes"),
        conda:
            ANALYSIS
        params:
            **script(
                "correct_changes",
                gold=GOLD,
                from_cycle=RULE["from_cycle"],
                confidence=CONFIDENCE,
            ),
        shell:
            ANALYSE

    rule correct_claims:
        input:
            claims=CLAIMS,
            trajectories=TRAJECTORIES,
            scores=SCORES,
            judged=GOLD_SCORES,
            after_ratings=GOLD_FILES,
        output:
            **table("corrected_claims", category="Claims"),
        log:
            PATHS.log("correct_claims"),
        conda:
            ANALYSIS
        params:
            **script(
                "correct_claims",
                CLAIMS,
                gold=GOLD,
                **RULE,
                **COHERENT,
                loops=JOBS.loops,
                bound=STUDY.analysis.equivalence_points,
                confidence=CONFIDENCE,
                seed=STUDY.study_seed,
            ),
        shell:
            ANALYSE

    OF_GOLD += [rules.gold_agreement, rules.correct_changes, rules.correct_claims]
    AGREEMENT |= {
        "The judge and blind ratings": rules.gold_agreement.output.output,
        "Changes, corrected for the judge's error": rules.correct_changes.output.output,
        "Claims, corrected for the judge's error": rules.correct_claims.output.output,
    }


if STUDY.texts == "written" and Path(WORDS).is_file() and not STUDY.audit.files:

    rule count_trait_words:
        input:
            scores=SCORES,
            words=WORDS,
        output:
            **table("trait_words", category="Instrument"),
        log:
            PATHS.log("count_trait_words"),
        conda:
            ANALYSIS
        params:
            **script("count_trait_words", confidence=CONFIDENCE),
        shell:
            ANALYSE

    AGREEMENT |= {"Words of each trait": rules.count_trait_words.output.output}


if STUDY.second_judge:

    if STUDY.second_judge.backend == "openai":

        localrules:
            judge_second,

    use rule judge as judge_second with:
        input:
            after_judge=PATHS.model_files(STUDY.second_judge.path),
            responses=f"{CYCLE}/responses.jsonl",
            calibration=lambda w: PATHS.calibration(w.setting, w.model, w.trait),
        output:
            output=f"{CYCLE}/scores_second.parquet",
        log:
            **job_log("judge_second", *JOB),
        resources:
            **loads(the_second_judge),
        params:
            **texts_script(
                "judge",
                engine=lambda w: JOBS.second_judge(LOOP.panel(w), int(w.cycle)).judge.engine,
                job=lambda w: JOBS.second_judge(LOOP.panel(w), int(w.cycle)),
                judge=PATHS.model(STUDY.second_judge.path),
                role="second_judge",
            ),

    use rule gather_scores as gather_second with:
        input:
            inputs=PATHS.of_cycles("scores_second.parquet"),
        output:
            output=f"{RESULTS}/scores_second.parquet",
        log:
            PATHS.log("gather_second"),

    use rule tabulate_judge as tabulate_judge_second with:
        input:
            scores=rules.gather_second.output.output,
        output:
            **table("judge_second", category="Instrument"),
        log:
            PATHS.log("tabulate_judge_second"),

    rule judge_agreement:
        input:
            scores=SCORES,
            second=rules.gather_second.output.output,
        output:
            **table("judge_agreement", "output_agreement", "Instrument"),
            **table("judge_verdicts", "output_verdicts", "Instrument"),
        log:
            PATHS.log("judge_agreement"),
        conda:
            ANALYSIS
        params:
            **script("judge_agreement", **RULE, confidence=CONFIDENCE),
        shell:
            ANALYSE

    AGREEMENT |= {
        "Second judge on this study": rules.tabulate_judge_second.output.output,
        "Two judges on the same replies": rules.judge_agreement.output.output_agreement,
        "Two judges' verdicts on chains": rules.judge_agreement.output.output_verdicts,
    }
