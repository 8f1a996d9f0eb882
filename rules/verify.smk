# A fresh run of the default study against results/shipped/default/: `make verify`.
from idempotence.scores.shipped import DIFFERS

EXPECTED_FOLDER = "results/shipped/default"


rule verify_scores:
    input:
        scores=SCORES,
        initial=INITIAL,
        run=rules.write_run.output.output_run,
        expected=PATHS.own(f"{EXPECTED_FOLDER}/{EXPECTED}"),
        floor=PATHS.own(f"{EXPECTED_FOLDER}/noise_floor.csv"),
        expected_run=PATHS.own(f"{EXPECTED_FOLDER}/run.json"),
    output:
        output=f"{RESULTS}/verification.csv",
        output_text=f"{RESULTS}/verification.txt",
    log:
        PATHS.log("verify_scores"),
    conda:
        ANALYSIS
    params:
        **script("verify_scores"),
    shell:
        ANALYSE


rule verify:
    # the study's scores against those shipped, model by model
    input:
        rules.verify_scores.output.output_text,
    log:
        PATHS.log("verify"),
    conda:
        ANALYSIS
    params:
        differs=f"^{DIFFERS}",
    shell:
        "cat {input} 2> {log} && ! grep --quiet {params.differs:q} {input} 2>> {log}"
