# The study, where its files lie, and how a rule calls its script.
import json
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

BASE = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(BASE / "src"))

from idempotence.config.layers import effective_config
from idempotence.config.load import load_study
from idempotence.config.yaml_files import check_files
from idempotence.errors import UserError
from idempotence.workflow.announce import announce
from idempotence.workflow.command import check_entries, files_line, values_line
from idempotence.workflow.deployment import check_conda, check_image
from idempotence.workflow.disk import check_room
from idempotence.workflow.environment import pass_endpoints, pass_engine, prepare
from idempotence.workflow.fingerprint import fingerprint
from idempotence.workflow.keys import check_keys
from idempotence.workflow.loop_inputs import LoopInputs
from idempotence.workflow.paths import ADAPTER_FILES, ADAPTER_WEIGHTS, StudyPaths, lost, one_of
from idempotence.workflow.planned_grid import planned_grid
from idempotence.workflow.study_jobs import StudyJobs
from idempotence.workflow.study_models import check_models
from idempotence.workflow.study_texts import check_rubrics, data_files, supply

# a workflow that uses this one as a module has read its files itself, and hands a config over
MODULE = workflow.modifier.skip_configfile
FILES = workflow.configfiles if MODULE else workflow.overwrite_configfiles
SOURCES = [str(path) for path in [BASE / "config.yaml", *FILES]]
# by --software-deployment-method (--sdm)
CONDA, APPTAINER = (
    method in workflow.deployment_settings.deployment_method
    for method in (DeploymentMethod.CONDA, DeploymentMethod.APPTAINER)
)
# before Snakemake reads config.yaml: where it cannot, it ends in a traceback
try:
    check_files(SOURCES)
except UserError as error:
    sys.exit(f"error: {error}")


configfile: "config.yaml"


try:
    CONFIG = effective_config(dict(config), SOURCES, dict(workflow.config_settings.config))
    STUDY = load_study(CONFIG, SOURCES, supply(CONFIG))
    if CONDA:
        check_conda(workflow.deployment_settings.conda_not_block_search_path_envvars)
    IMAGE = check_image(BASE, STUDY.engine.backend, CONDA) if APPTAINER else None
    check_room(".")  # Snakemake keeps its own files there, and would end in a traceback
    if not workflow.remote_exec:
        check_models(STUDY)
except UserError as error:
    sys.exit(f"error: {error}")

JOBS = StudyJobs(STUDY)
PATHS = StudyPaths(STUDY, BASE)
LOOP = LoopInputs(STUDY, PATHS, JOBS)
RESULTS, TABLES, FIGURES = PATHS.results, PATHS.tables, PATHS.figures
CYCLE = PATHS.cycle_pattern
SETTINGS = {setting.name: setting for setting in STUDY.settings}
MODELS = {model.name: model for model in STUDY.models}
AUDITED_MODELS = {model.name: model for model in STUDY.audit.models if model.path}
CLAIMS = PATHS.own("data/claims.yaml")
FIRST_CLAIMS = PATHS.own("data/claims_first.yaml")  # their first version
AUTHORS = PATHS.own("data/published/series.csv")
NUMBERS = PATHS.own("data/published/numbers.csv")
NOISE = PATHS.own("data/noise.csv")  # scatter of courses, by rule estimate_noise

prepare(BASE / "src", workflow.remote_exec)
pass_engine(STUDY)
ENDPOINTS = pass_endpoints(STUDY, RESULTS)
announce(workflow.logger_manager.get_log_handlers(), STUDY, PATHS)


def check_results():
    """End with one message where results cannot be written: a full or read-only disk."""
    try:
        check_room(RESULTS)
    except UserError as error:
        raise WorkflowError(str(error))


def check_endpoints():
    """End with one message where a job lacks the key of its endpoint; warn if it runs elsewhere."""
    rules = {True: set(), False: set()}
    for job in workflow.dag.needrun_jobs():
        rules[job.is_local].add(job.rule.name)
    try:
        warning = check_keys(STUDY, here=rules[True], elsewhere=rules[False])
    except UserError as error:
        raise WorkflowError(str(error))
    if warning:
        logger.warning(warning)


wildcard_constraints:
    setting=one_of(SETTINGS),
    model=one_of(MODELS),
    trait=one_of(STUDY.traits),
    seed=r"\d+",
    cycle=r"\d+",


if IMAGE:

    container: IMAGE


# Environments of the rules; vLLM has one of its own.
VLLM = STUDY.engine.backend == "vllm"
ANALYSIS = "../envs/analysis.yaml"
TRAINING = "../envs/train.yaml"
SAMPLING = "../envs/sample.yaml" if VLLM else TRAINING


def launched(kind):
    """How a script is started: by the launcher, warm or cold.

    In an image always cold: each job has a container of its own, and would start a server in it.
    """
    return f"python -m idempotence.launch {'cold' if IMAGE else kind}"


# What rules run. Scripts that load a model see the GPUs they were given, and measure themselves.
ANALYSE = launched("analyse") + " {params.args} {params.options} > {log:q} 2>&1"
RUN = (
    launched("{params.kind}")
    + " --gpus {resources.gpu} --usage {log.usage:q} "
    + "{params.args} {params.options} > {log.text:q} 2>&1"
)


def code(script, *files):
    """What decides a script's results: its syntax tree, the modules it runs, and data files."""
    others = [] if VLLM else ["idempotence.engine.vllm"]
    without = ["idempotence.engine.options", *others]  # options decide no result
    return fingerprint(BASE / "scripts" / f"{script}.py", BASE / "src", files, without)


def script(name, *files, **values):
    """Params of a rule. Its script gets the named inputs and outputs, and `values`, as arguments.

    With `input: trajectories=TRAJECTORIES` and `output: **table("slopes")`,

        params:
            **script("fit_slopes", confidence=0.95)

    runs `fit_slopes --trajectories FILE --output FILE --confidence 0.95`.

    files: data that the script reads without being given them.
    """
    return {
        "code": code(name, *files),
        "args": files_line(name),
        "options": values_line(**values),
    }


def launcher_of(engine):
    """The launcher of a job that loads a model: vLLM has an interpreter of its own."""
    return "sample" if engine == "vllm" else "run"


def texts_script(name, *files, engine=None, **values):
    """As `script`, for jobs that load a model and read the texts of their wildcard {trait}.

    engine: a function of the wildcards that returns the job's engine; None: transformers.
    """
    of_trait = cache(lambda trait: code(name, *data_files(STUDY, trait), *files))
    return {
        "code": lambda w: of_trait(w.trait),
        "args": files_line(name),
        "options": values_line(**values),
        "kind": lambda w: launcher_of(engine(w) if engine else None),
    }


def job_log(rule, *wildcards):
    """Logs of a job that loads a model: what it prints, and its own seconds, memory and load."""
    return {"text": PATHS.log(rule, *wildcards), "usage": PATHS.usage(rule, *wildcards)}


def loads(*models):
    """Resources of a job that loads models: GPUs, which its models share, and main memory.

    models: functions from wildcards to a section of the config. After a failure the next attempt
    gets more memory. api: jobs that use an endpoint.
    """
    roles = [of(None) for of in models if of in (the_judge, the_second_judge, the_generator)]
    return {
        "gpu": lambda w: max(of(w).gpus for of in models),
        "mem_mb": lambda w, attempt: attempt * sum(of(w).memory_mb for of in models),
        "api": int(any(role.backend == "openai" for role in roles)),
    }


# Sections of the config by a job's wildcards.
its_model = lambda w: MODELS[w.model]
the_judge = lambda w: STUDY.judge
the_second_judge = lambda w: STUDY.second_judge
the_generator = lambda w: STUDY.generator


def model_path(w):
    """The folder or hub name of a job's model."""
    return PATHS.model(MODELS[w.model].path)


def model_files(w):
    """What a job waits for before it loads its model."""
    return PATHS.model_files(MODELS[w.model].path)


JUDGE = PATHS.model(STUDY.judge.path)
JUDGE_FILES = PATHS.model_files(STUDY.judge.path)


def table(name, argument="output", category="Tables", shown=True):
    """The files of a table: CSV, shown in the report with the caption of its name, and Parquet."""
    csv = f"{TABLES}/{name}.csv"
    if shown:
        csv = report(
            csv,
            caption=f"../report/{name}.rst",
            category=category,
            labels={"table": name.replace("_", " ")},
        )
    return {argument: csv, f"{argument}_parquet": f"{TABLES}/{name}.parquet"}
