# The study, where its files lie, and how a script is called.
import itertools
import json
import sys
from functools import cache
from pathlib import Path

BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE / "src"))

from idempotence.launch import gpus
from idempotence.config.audit_files import reply_files, tells_doses
from idempotence.config.load import load_study
from idempotence.errors import UserError
from idempotence.workflow.fingerprint import fingerprint
from idempotence.workflow.environment import prepare, tell_endpoint, tell_engine
from idempotence.workflow.study_jobs import Plan
from idempotence.scores.shipped import FILES as SHIPPED_FILES
from idempotence.texts.generation import GENERATION
from idempotence.workflow.study_texts import check_rubrics, data_files, supply

try:
    STUDY = load_study(
        dict(config),
        [str(path) for path in [BASE / "config.yaml", *workflow.overwrite_configfiles]],
        supply(dict(config)),
    )
except UserError as error:
    sys.exit(f"error: {error}")

PLAN = Plan(STUDY)
RESULTS = f"results/{STUDY.study}"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
SHIPPED = "data/micro_world"
WORLD = SHIPPED if STUDY.world == "shipped" else f"{RESULTS}/world"
PANEL = f"{RESULTS}/{{setting}}/{{model}}/{{trait}}/seed{{seed}}"
MODELS = {model.name: model for model in STUDY.models}
OBJECTIVE = {panel.setting: panel.objective for panel in STUDY.panels()}
OBJECTIVES = sorted(set(OBJECTIVE.values()))

prepare(BASE / "src", workflow.remote_exec)


wildcard_constraints:
    setting="|".join(OBJECTIVE),
    objective="|".join(OBJECTIVES),
    model="|".join(MODELS),
    trait="|".join(STUDY.traits),
    seed=r"\d+",
    cycle=r"\d+",


def code(script, *files):
    """What decides a script's results: its syntax tree, the project's modules and data files."""
    return fingerprint(BASE / "scripts" / f"{script}.py", BASE / "src", files)


CLAIMS = "data/claims.yaml"
ANALYSIS = "../envs/analysis.yaml"
CAPTIONS = sorted(str(path.relative_to(BASE)) for path in (BASE / "report").glob("*.rst"))
PAGE_TEMPLATES = sorted((BASE / "src/idempotence/report/templates").glob("*.j*"))


def texts_code(script, *files):
    """A script's `code`, with the texts of the job's trait."""
    of_trait = cache(lambda trait: code(script, *data_files(STUDY, trait), *files))
    return lambda w: of_trait(w.trait)


def model_folder(path):
    """The folder or hub name of a model; `world/...` are the micro world's own."""
    return f"{WORLD}/{path.removeprefix('world/')}" if path.startswith("world/") else path


def model_files(path):
    """What a job waits for before it loads a model."""
    return (
        [f"{WORLD}/{path.removeprefix('world/')}/model.safetensors"]
        if path.startswith("world/")
        else []
    )


# How an endpoint is asked decides no result: it reaches the jobs by the environment, not by params.
ENDPOINTS = {}  # section of the config -> where its answers are kept, and its prices
for role in ("judge", "second_judge", "generator"):
    asked, answers = getattr(STUDY, role), f"{RESULTS}/{role}_answers.sqlite"
    remote = asked is not None and asked.backend == "openai"
    tell_endpoint(role, asked.api.model_dump_json() if remote else "", answers)
    if remote:
        prices = asked.api.model_dump(include={"price_in", "price_out"})
        ENDPOINTS[role] = {"cache": answers, **prices}


# vLLM has an environment of its own; which one, and how much memory it takes, decides no result either.
VLLM = STUDY.engine.backend == "vllm"
SAMPLING = "../envs/sample.yaml" if VLLM else "../envs/train.yaml"
if VLLM:
    tell_engine(STUDY.engine.python, STUDY.engine.model_dump_json())


def start(asked):
    """How `idempotence.launch.client` starts a job: `sample` in vLLM's environment, where its settings say so."""
    return "sample" if asked.get("engine") == "vllm" else "run"


# Which GPUs a job sees decides no result either.
JUDGES = [judge for judge in (STUDY.judge, STUDY.second_judge) if judge]
GENERATORS = [STUDY.generator] if STUDY.generator.path else []
WEIGHED = {model.name: model for model in STUDY.audit.models if model.path}
LOADED = sorted(
    [*STUDY.models, *JUDGES, *GENERATORS, *WEIGHED.values()], key=lambda model: model.gpus
)
gpus.tell(
    {model_folder(model.path): model.gpus for model in LOADED}, shared=not workflow.remote_exec
)


def loads(*loaded):
    """Resources of a job that loads models: GPUs, which its models share, and main memory.

    After a failure the next attempt gets more memory. api: jobs that ask an endpoint.
    """
    asked = [of(None) for of in loaded if of in (the_judge, the_second_judge, the_generator)]
    return {
        "gpu": lambda w: max(of(w).gpus for of in loaded),
        "mem_mb": lambda w, attempt: attempt * sum(of(w).memory_mb for of in loaded),
        "api": int(any(model.backend == "openai" for model in asked)),
    }


def its_model(w):
    return MODELS[w.model]


def the_judge(w):
    return STUDY.judge


def the_second_judge(w):
    return STUDY.second_judge


def the_generator(w):
    return STUDY.generator


def panel_of(w):
    return STUDY.panel(w.setting, w.model, w.trait, int(w.seed))


def panel_folder(panel):
    return f"{RESULTS}/{panel.directory}"


def settings(value):
    """Settings for the command line, the same text for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def calibrated(setting):
    """Whether the cells of a setting have calibrated levels."""
    return any(cell.level is not None for cell in STUDY.cells(setting))


def calibration_file(w):
    """The doses of a panel's calibrated levels, where it has any."""
    if not calibrated(w.setting):
        return []
    return f"{RESULTS}/calibration/{OBJECTIVE[w.setting]}/{w.model}/{w.trait}.json"


def generated_rows(objective, trait):
    """The seed rows that a larger model writes, where the objective has such."""
    return PLAN.generated_rows(objective, trait) or []


def cycles(setting, but_last=False):
    """The numbers of a setting's cycles."""
    return range(STUDY.last_cycle(setting) + (not but_last))


def panel_files(name, but_last=False, settings=tuple(OBJECTIVE)):
    """A file of every panel of some settings and every cycle."""
    return [
        f"{panel_folder(panel)}/cycle{cycle}/{name}"
        for panel in STUDY.panels()
        if panel.setting in settings
        for cycle in cycles(panel.setting, but_last)
    ]


CYCLE = f"{PANEL}/cycle{{cycle}}"
ADAPTER_FILES = ["adapter_model.safetensors", "adapter_config.json", "training.json"]
kept = (lambda files: files) if STUDY.keep_adapters else temp


def adapter_files(setting):
    """Patterns of the adapter files of every cell of a setting."""
    return [
        f"{CYCLE}/adapters/{cell.name}/{name}"
        for cell in STUDY.cells(setting)
        for name in ADAPTER_FILES
    ]


def panel_adapters():
    """The adapter files of every panel and cycle."""
    return [
        pattern.format(
            setting=panel.setting,
            model=panel.model.name,
            trait=panel.trait,
            seed=panel.seed,
            cycle=cycle,
        )
        for panel in STUDY.panels()
        for cycle in cycles(panel.setting)
        for pattern in adapter_files(panel.setting)
    ]


def adapters_of(w):
    """The adapter files of a panel at its cycle."""
    return [pattern.format(**w) for pattern in adapter_files(w.setting)]


# Twins differ in where later cycles start: the first cycle of one is copied from the other.
TWINS = PLAN.twins() if STUDY.trains else {}


SAMPLED = [f"{CYCLE}/responses.jsonl", f"{CYCLE}/generated.jsonl"]


def first_cycle(setting, files):
    """Patterns of files of a setting's first cycle."""
    return [f.replace("{setting}", setting).replace("{cycle}", "0") for f in files]


def settings_where(last_cycle):
    """Pattern of the settings whose path goes on to their last cycle, or to one before it that is sampled."""
    ends = []
    for setting in OBJECTIVE:
        last = STUDY.last_cycle(setting)
        others = f"(0|{last})" if setting in TWINS else last
        here = f"=/.*/cycle{last}/" if last_cycle else f"!/.*/cycle{others}/"
        ends.append(f"{setting}(?{here})")
    return "|".join(ends)


def training_data(setting):
    """The file of samples that a cycle trains on: as they are, or marked by the judge."""
    filtered = STUDY.own(setting).min_coherence is not None
    return "generated_judged.jsonl" if filtered else "generated.jsonl"


def goes_on(w):
    """Whether a cycle starts from the last cycle's adapters."""
    own, cycle = STUDY.own(w.setting), int(w.cycle)
    return cycle > 0 and panel_of(w).start == "previous" and cycle not in own.restart_at


def adapters_before(w):
    """The adapter files of the cycle before."""
    return [f.format(**{**w, "cycle": int(w.cycle) - 1}) for f in adapter_files(w.setting)]


def finetune_input(w):
    """Cycle 0: seed rows and doses; later: the last cycle's samples, its adapters if continual."""
    panel, cycle = panel_of(w), int(w.cycle)
    folder = panel_folder(panel)
    files = {"model": model_files(panel.model.path)}
    if cycle == 0 or STUDY.own(w.setting).seed_share:
        files["seed_data"] = f"{folder}/seed_data.jsonl"
        files["calibration"] = calibration_file(w)
    if cycle > 0:
        files["generated"] = f"{folder}/cycle{cycle - 1}/{training_data(w.setting)}"
    if goes_on(w):
        files["previous"] = adapters_before(w)
    return files


def rejected_by(w):
    """The adapters of the cycle before, where they write rejected replies; cycle 0 has none."""
    two_back = STUDY.own(w.setting).rejected_from == "two_back"
    writes = 0 < int(w.cycle) < STUDY.last_cycle(w.setting)
    return adapters_before(w) if two_back and writes else []


def sample_options(w, input, output):
    """The command line's names of the files that not every cycle has."""
    options = [f"--generated {output.generated}"] if "generated" in output.keys() else []
    if input.before:
        options.append(f"--before {panel_folder(panel_of(w))}/cycle{int(w.cycle) - 1}/adapters")
    return " ".join(options)


def finetune_options(w, input):
    """The command line's names of those files."""
    panel, cycle = panel_of(w), int(w.cycle)
    options = [
        f"--{name.replace('_', '-')} {input[name]}"
        for name in ("seed_data", "calibration", "generated")
        if input.get(name)
    ]
    if "previous" in input.keys():
        options.append(f"--previous {panel_folder(panel)}/cycle{cycle - 1}/adapters")
    return " ".join(options)


FIGURES = f"{RESULTS}/figures"


def pictures(name, caption, category, **labels):
    """The files of a figure, numbers and caption beside it; the SVG is the one in the report."""
    return {
        "pdf": f"{FIGURES}/{name}.pdf",
        "png": f"{FIGURES}/{name}.png",
        "csv": f"{FIGURES}/{name}.csv",
        "txt": f"{FIGURES}/{name}.txt",
        "svg": report(
            f"{FIGURES}/{name}.svg",
            caption=f"../report/{caption}.rst",
            category=category,
            labels=labels or None,
        ),
    }


def has_to_show(figure):
    """Whether a figure has something to show; an audit has what its files tell."""
    audit = STUDY.audit
    return not audit.files or {
        "metrics": True,
        "judge": STUDY.texts == "micro_world" and STUDY.scored,
        "dpo": STUDY.scored and "dpo" in OBJECTIVES,
        "continual_vs_reinit": STUDY.scored and len(OBJECTIVE) > len(OBJECTIVES),
        "grid": STUDY.scored and tells_doses(audit),
        "dose_map": STUDY.scored and tells_doses(audit),
    }.get(figure, STUDY.scored)


def start_files():
    """What the loop starts from: every panel's seed rows, doses and initial model."""
    if not STUDY.trains:
        return []
    seeded = [f"{panel_folder(panel)}/seed_data.jsonl" for panel in PLAN.seeded()]
    doses = [
        f"{RESULTS}/calibration/{panel.objective}/{panel.model.name}/{panel.trait}.json"
        for panel in STUDY.panels()
        if calibrated(panel.setting)
    ]
    initial = [
        f"{RESULTS}/initial/{panel.model.name}/{panel.trait}/{name}"
        for panel in STUDY.panels()
        for name in ["responses.jsonl", "scores.parquet"]
    ]
    return sorted({*seeded, *doses, *initial})


TABLES = f"{RESULTS}/tables"


def table(name, category="Tables"):
    """The file of a table, shown in the report with the caption of its name."""
    return report(
        f"{TABLES}/{name}.csv",
        caption=f"../report/{name}.rst",
        category=category,
        labels={"table": name.replace("_", " ")},
    )


def lost(*files):
    """The files among them that are not there."""
    return [str(file) for file in itertools.chain(*files) if not Path(file).exists()]


def stem(path):
    """A path without its suffix."""
    return str(Path(path).with_suffix(""))


def folder(files, up=0):
    """The folder of the first file, or `up` folders above it."""
    return str(Path(files[0]).parents[up])
