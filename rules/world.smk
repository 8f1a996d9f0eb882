# The micro world's models, made from data/micro_world/grammar and recipe.yaml.
BUILT = f"{RESULTS}/world"
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
    params:
        code=code("build_base", *GRAMMAR),
        folder=f"{BUILT}/base",
    log:
        f"{LOGS}/build_base.log",
    conda:
        "../envs/train.yaml"
    shell:
        "{RUN} scripts/build_base.py --recipe {input.recipe} --output {params.folder} > {log} 2>&1"


rule build_instruct:
    input:
        recipe=STUDY.world_recipe,
        base=f"{BUILT}/base/model.safetensors",
    output:
        expand("{built}/instruct/{name}", built=BUILT, name=MODEL_FILES),
    params:
        code=code("build_instruct", *GRAMMAR),
        base=f"{BUILT}/base",
        folder=f"{BUILT}/instruct",
    log:
        f"{LOGS}/build_instruct.log",
    conda:
        "../envs/train.yaml"
    shell:
        "{RUN} scripts/build_instruct.py --recipe {input.recipe} --base {params.base} "
        "--output {params.folder} > {log} 2>&1"


rule build_judge:
    input:
        recipe=STUDY.world_recipe,
        base=f"{BUILT}/base/model.safetensors",
    output:
        expand("{built}/judge/{name}", built=BUILT, name=MODEL_FILES),
    params:
        code=code("build_judge", *GRAMMAR),
        base=f"{BUILT}/base",
        folder=f"{BUILT}/judge",
    log:
        f"{LOGS}/build_judge.log",
    conda:
        "../envs/train.yaml"
    shell:
        "{RUN} scripts/build_judge.py --recipe {input.recipe} --base {params.base} "
        "--output {params.folder} > {log} 2>&1"


rule check_world:
    input:
        recipe=STUDY.world_recipe,
        models=expand(
            "{built}/{model}/model.safetensors",
            built=BUILT,
            model=["base", "instruct", "judge"],
        ),
    output:
        f"{BUILT}/quality.json",
    params:
        code=code("check_world", *GRAMMAR),
        world=BUILT,
    log:
        f"{LOGS}/check_world.log",
    conda:
        "../envs/train.yaml"
    shell:
        "{RUN} scripts/check_world.py --recipe {input.recipe} --world {params.world} "
        "--output {output} > {log} 2>&1"


rule compare_world:
    input:
        models=expand(
            "{built}/{model}/{name}",
            built=BUILT,
            model=["base", "instruct", "judge"],
            name=MODEL_FILES,
        ),
        quality=f"{BUILT}/quality.json",
    output:
        f"{BUILT}/agreement.json",
    params:
        code=code("compare_world"),
        built=BUILT,
        shipped=SHIPPED,
    log:
        f"{LOGS}/compare_world.log",
    conda:
        "../envs/train.yaml"
    shell:
        "{RUN} scripts/compare_world.py --built {params.built} --shipped {params.shipped} "
        "--output {output} 2>&1 | tee {log}"
