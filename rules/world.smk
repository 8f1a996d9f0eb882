# The micro world's models, trained from data/micro_world/grammar and recipe.yaml.
from idempotence.micro_world.grammar import GRAMMAR_FOLDER

GRAMMAR = sorted(GRAMMAR_FOLDER.rglob("*.yaml"))
BUILT = f"{RESULTS}/world"
BUILD = launched("run") + " {params.args} {params.options} > {log:q} 2>&1"
MODEL_FILES = [
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "generation_config.json",
    "training.json",
]


rule build_base:
    input:
        recipe=STUDY.world_recipe,
    output:
        expand("{built}/base/{name}", built=BUILT, name=MODEL_FILES),
    log:
        PATHS.log("build_base"),
    conda:
        TRAINING
    threads: 2
    params:
        **script("build_base", *GRAMMAR, output=f"{BUILT}/base"),
    shell:
        BUILD


rule build_instruct:
    input:
        recipe=STUDY.world_recipe,
        after_base=f"{BUILT}/base/model.safetensors",
    output:
        expand("{built}/instruct/{name}", built=BUILT, name=MODEL_FILES),
    log:
        PATHS.log("build_instruct"),
    conda:
        TRAINING
    threads: 2
    params:
        **script("build_instruct", *GRAMMAR, base=f"{BUILT}/base", output=f"{BUILT}/instruct"),
    shell:
        BUILD


rule build_judge:
    input:
        recipe=STUDY.world_recipe,
        after_base=f"{BUILT}/base/model.safetensors",
    output:
        expand("{built}/judge/{name}", built=BUILT, name=MODEL_FILES),
    log:
        PATHS.log("build_judge"),
    conda:
        TRAINING
    threads: 2
    params:
        **script("build_judge", *GRAMMAR, base=f"{BUILT}/base", output=f"{BUILT}/judge"),
    shell:
        BUILD


rule check_world:
    input:
        recipe=STUDY.world_recipe,
        after_models=expand(
            "{built}/{model}/model.safetensors",
            built=BUILT,
            model=["base", "instruct", "judge"],
        ),
    output:
        output=f"{BUILT}/quality.json",
    log:
        PATHS.log("check_world"),
    conda:
        TRAINING
    params:
        **script("check_world", *GRAMMAR, world=BUILT),
    shell:
        BUILD


rule compare_world:
    input:
        after_models=expand(
            "{built}/{model}/{name}",
            built=BUILT,
            model=["base", "instruct", "judge"],
            name=MODEL_FILES,
        ),
        after_quality=f"{BUILT}/quality.json",
    output:
        output=f"{BUILT}/agreement.json",
    log:
        PATHS.log("compare_world"),
    conda:
        TRAINING
    params:
        **script("compare_world", built=BUILT, shipped=PATHS.own("data/micro_world")),
    shell:
        launched("run") + " {params.args} {params.options} 2>&1 | tee {log:q}"
