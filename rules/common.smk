# The study, where its files lie, and how a script is called.
import json
import os
import socket
import sys
from pathlib import Path

BASE = Path(workflow.basedir)
sys.path.insert(0, str(BASE / "src"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    part for part in (str(BASE / "src"), os.environ.get("PYTHONPATH")) if part
)
# The interpreter that runs Snakemake runs the scripts, whether or not its environment is active.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

from idempotence.config import load_study
from idempotence.errors import UserError
from idempotence.fingerprint import fingerprint
from idempotence.judge.rubric import RUBRICS
from idempotence.plan import Plan
from idempotence.world.grammar import GRAMMAR_FOLDER, trait_names
from idempotence.world.prompts import available

try:
    STUDY = load_study(
        dict(config),
        [str(path) for path in [BASE / "config.yaml", *workflow.overwrite_configfiles]],
        trait_names(),
        available(),
    )
except UserError as error:
    sys.exit(f"error: {error}")

PLAN = Plan(STUDY)
RESULTS = f"results/{STUDY.study}"
LOGS = f"{RESULTS}/logs"
SHIPPED = "data/micro_world"
WORLD = SHIPPED if STUDY.world == "shipped" else f"{RESULTS}/world"
PANEL = f"{RESULTS}/{{setting}}/{{model}}/{{trait}}/seed{{seed}}"
LAST = STUDY.cycles
MODELS = {model.name: model for model in STUDY.models}
OBJECTIVE = {panel.setting: panel.objective for panel in STUDY.panels()}
OBJECTIVES = sorted(set(OBJECTIVE.values()))

# A preloaded process serves the jobs of this very run; see idempotence.warm.
if not workflow.remote_exec:
    os.environ["IDEMPOTENCE_SESSION"] = f"{socket.gethostname()}:{os.getpid()}"
else:
    os.environ.pop("IDEMPOTENCE_SESSION", None)
RUN = "python -m idempotence.warm run"


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


PAGE_TEMPLATES = sorted((BASE / "src/idempotence/report/templates").glob("*.j2"))
GRAMMAR = sorted(GRAMMAR_FOLDER.rglob("*.yaml"))


def model_folder(path):
    """The folder or hub name of a model; `world/...` are the micro world's own."""
    return f"{WORLD}/{path.removeprefix('world/')}" if path.startswith("world/") else path


def model_files(path):
    """What a job waits for before it loads a model."""
    return [f"{WORLD}/{path.removeprefix('world/')}/model.safetensors"] if path.startswith("world/") else []


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


def panel_files(name, cycles):
    """A file of every panel and of every cycle listed."""
    return [
        f"{panel_folder(panel)}/cycle{cycle}/{name}"
        for panel in STUDY.panels()
        for cycle in cycles
    ]
