# The micro world's models, made from data/micro_world/grammar and recipe.yaml.
from idempotence.micro_world.grammar import GRAMMAR_FOLDER

GRAMMAR = sorted(GRAMMAR_FOLDER.rglob("*.yaml"))
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
    log:
        f"{LOGS}/build_base.log",
    conda:
        "../envs/train.yaml"
    threads: 2
    params:
        code=code("build_base", *GRAMMAR),
        folder=lambda w, output: folder(output),
    shell:
        "python -m idempotence.launch run scripts/build_base.py --recipe {input.recipe} --output {params.folder} > {log} 2>&1"


rule build_instruct:
    input:
        recipe=STUDY.world_recipe,
        base=f"{BUILT}/base/model.safetensors",
    output:
        expand("{built}/instruct/{name}", built=BUILT, name=MODEL_FILES),
    log:
        f"{LOGS}/build_instruct.log",
    conda:
        "../envs/train.yaml"
    threads: 2
    params:
        code=code("build_instruct", *GRAMMAR),
        base=lambda w, input: str(Path(input.base).parent),
        folder=lambda w, output: folder(output),
    shell:
        "python -m idempotence.launch run scripts/build_instruct.py --recipe {input.recipe} --base {params.base} "
        "--output {params.folder} > {log} 2>&1"


rule build_judge:
    input:
        recipe=STUDY.world_recipe,
        base=f"{BUILT}/base/model.safetensors",
    output:
        expand("{built}/judge/{name}", built=BUILT, name=MODEL_FILES),
    log:
        f"{LOGS}/build_judge.log",
    conda:
        "../envs/train.yaml"
    threads: 2
    params:
        code=code("build_judge", *GRAMMAR),
        base=lambda w, input: str(Path(input.base).parent),
        folder=lambda w, output: folder(output),
    shell:
        "python -m idempotence.launch run scripts/build_judge.py --recipe {input.recipe} --base {params.base} "
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
    log:
        f"{LOGS}/check_world.log",
    conda:
        "../envs/train.yaml"
    params:
        code=code("check_world", *GRAMMAR),
        world=lambda w, output: folder(output),
    shell:
        "python -m idempotence.launch run scripts/check_world.py --recipe {input.recipe} --world {params.world} "
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
    log:
        f"{LOGS}/compare_world.log",
    conda:
        "../envs/train.yaml"
    params:
        code=code("compare_world"),
        built=lambda w, output: folder(output),
        shipped=SHIPPED,
    shell:
        "python -m idempotence.launch run scripts/compare_world.py --built {params.built} --shipped {params.shipped} "
        "--output {output} 2>&1 | tee {log}"
