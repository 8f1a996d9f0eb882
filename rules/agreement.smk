# A second judge of the same replies, where the config names one. The first one's files stay as they are.
AGREEMENT = {}  # its tables: heading -> file

if STUDY.second_judge:

    if STUDY.second_judge.backend == "openai":

        localrules:
            judge_second,

    use rule judge as judge_second with:
        input:
            model_files(STUDY.second_judge.path),
            responses=f"{CYCLE}/responses.jsonl",
            calibration=calibration_file,
        output:
            f"{CYCLE}/scores_second.parquet",
        log:
            f"{LOGS}/judge_second/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.log",
        benchmark:
            f"{BENCHMARKS}/judge_second/{{setting}}.{{model}}.{{trait}}.{{seed}}.{{cycle}}.tsv"
        resources:
            **loads(the_second_judge),
        params:
            code=texts_code("judge"),
            start=lambda w: start(PLAN.second_judge(panel_of(w), int(w.cycle))["judge"]),
            settings=lambda w: settings(PLAN.second_judge(panel_of(w), int(w.cycle))),
            judge=lambda w: model_folder(STUDY.second_judge.path),
            options=lambda w, input: "--second"
            + (f" --calibration {input.calibration}" if input.calibration else ""),

    use rule gather_scores as gather_second with:
        input:
            panel_files("scores_second.parquet"),
        output:
            f"{RESULTS}/scores_second.parquet",
        log:
            f"{LOGS}/gather_second.log",

    use rule tabulate_judge as tabulate_judge_second with:
        input:
            rules.gather_second.output,
        output:
            table("judge_second", "Instrument"),
        log:
            f"{LOGS}/tabulate_judge_second.log",

    rule judge_agreement:
        input:
            scores=SCORES,
            second=rules.gather_second.output,
        output:
            agreement=table("judge_agreement", "Instrument"),
            verdicts=table("judge_verdicts", "Instrument"),
        log:
            f"{LOGS}/judge_agreement.log",
        conda:
            "../envs/analysis.yaml"
        params:
            code=code("judge_agreement"),
            points=STUDY.analysis.amplification_points,
            from_cycle=STUDY.analysis.amplification_from_cycle,
            confidence=STUDY.analysis.confidence,
        shell:
            "python -m idempotence.launch analyse scripts/judge_agreement.py --scores {input.scores} --second {input.second} "
            "--amplification-points {params.points} --from-cycle {params.from_cycle} --confidence {params.confidence} "
            "--output-agreement {output.agreement} --output-verdicts {output.verdicts} > {log} 2>&1"

    AGREEMENT = {
        "Second judge on this study": rules.tabulate_judge_second.output[0],
        "Two judges on the same replies": rules.judge_agreement.output.agreement,
        "Two judges' verdicts on chains": rules.judge_agreement.output.verdicts,
    }
