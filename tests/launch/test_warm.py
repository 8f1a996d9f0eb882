"""Warm jobs see and write what cold ones do, share one server, and notice edits."""

import json
import os
import shutil
import sys
import time

import pytest
from warm_session import PARENT, SOURCE, new_session

from idempotence.environment_names import SESSION

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux")

# Prints all that a job can see of how it was started, but for what differs by nature (the parent).
SHOW = """
import json, os, sys
mask = os.umask(0)
print(json.dumps({
    "argv": sys.argv, "name": __name__, "path": sys.path, "folder": os.getcwd(), "umask": mask,
    "environment": dict(os.environ), "file": __file__, "input": sys.stdin.read(),
    "mine": sorted(name for name in sys.modules if name.startswith("idempotence.")),
}))
print("to stderr", file=sys.stderr)
"""
LATE_THREAD = """
import threading, time
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
"""
USER_ERROR = """
from idempotence.errors import UserError
from idempotence.launch.script import run
def fail() -> None:
    'Fail.'
    raise UserError("so not")
run(fail, [])
"""


@pytest.fixture
def session(tmp_path):
    with new_session(tmp_path) as session:
        yield session


def test_a_warm_job_sees_what_a_cold_one_sees(session):
    folder = session.folder / "elsewhere"
    folder.mkdir()
    script = session.script(SHOW)
    session.run(session.script("", "nothing.py"))  # the server starts in another folder
    shell_like = {
        "cwd": folder,
        "given": "some input\n",
        "umask": 0o027,
        "env": {"OMP_NUM_THREADS": "4", "NUMBER": "7\n\udcff"},
    }
    seen = {}
    for cold in (False, True):
        status, out, err = session.run(script, "--a", "b c", "", "\udcfe", cold=cold, **shell_like)
        assert (status, err) == (0, "to stderr\n")
        seen[cold] = json.loads(out)
    assert seen[False]["environment"].pop(SESSION) == session.name
    # each has a folder of its own for temporary files, which goes with it
    own = [each["environment"].pop("TMPDIR", "") for each in seen.values()]
    assert len(set(own)) == 2 and not any(each and os.path.exists(each) for each in own)
    assert seen[False] == seen[True]
    assert seen[True]["argv"] == [str(script), "--a", "b c", "", "\udcfe"]
    assert seen[True]["path"][0] == str(session.folder)
    assert seen[True]["environment"]["OMP_NUM_THREADS"] == "1"
    assert seen[True]["input"] == "some input\n"
    assert seen[True]["umask"] == 0o027
    assert seen[True]["mine"] == []
    assert len(session.servers()) == 1


def test_the_job_is_forked_from_the_server_with_its_modules(session):
    script = session.script("import os, sys\nprint(os.getppid(), 'yaml' in sys.modules)\n")
    _, out, _ = session.run(script)
    assert out == f"{session.servers()[0]} True\n"
    assert session.run(script, cold=True)[1].endswith(" False\n")


def test_output_goes_to_files_and_nothing_keeps_them_open(session):
    script = session.script("import os\nprint('out', flush=True)\nos.write(2, b'err\\n')\n")
    read, write = os.pipe()
    with open(session.folder / "out", "wb") as out:
        client = session.start(script, stdout=out, stderr=write)
    os.close(write)
    assert client.wait(30) == 0
    with open(read, "rb") as err:
        assert err.read() == b"err\n"  # would never end while the server held the pipe
    assert (session.folder / "out").read_text() == "out\n"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("pass", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(3)", 3),
        ("raise SystemExit(300)", 44),
        ("raise SystemExit(-1)", 255),
        ("raise SystemExit('in words')", 1),
        ("def f():\n    raise ValueError('no')\nf()", 1),
        ("x = (", 1),
        ("import os\nos._exit(7)", 7),
        ("import os\nos.kill(os.getpid(), 9)", 137),
        ("import os\nos.kill(os.getpid(), 11)", 139),
        ("import atexit\natexit.register(print, 'at the end')", 0),
        ("import weakref\nclass C: pass\nc = C()\nweakref.finalize(c, print, 'over')", 0),
        (LATE_THREAD, 0),
        (USER_ERROR, 2),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_the_end_is_the_same_warm_and_cold(session, text, status):
    script = session.script(text + "\n")
    code, out, err = session.run(script)
    assert code == status
    assert len(session.servers()) == 1
    cold_code, cold_out, cold_err = session.run(script, cold=True)
    assert (cold_code, cold_out) == (status, out)
    if status == 130:  # Python itself shows the frames below the script, too
        assert err.splitlines()[-1] == cold_err.splitlines()[-1] == "KeyboardInterrupt"
    else:
        assert err == cold_err


def test_a_script_that_is_not_there_is_named(session):
    status, _, err = session.run(session.folder / "absent.py")
    assert status == 2
    assert "absent.py: no such script" in err


def test_many_first_clients_start_one_server(session):
    script = session.script("import os, sys\nprint(os.getppid(), sys.argv[1])\n")
    clients = [session.start(script, number) for number in range(12)]
    answers = [client.communicate(timeout=60) for client in clients]
    assert [err for _, err in answers] == [""] * 12
    parents, numbers = zip(*(out.split() for out, _ in answers), strict=True)
    assert numbers == tuple(str(number) for number in range(12))
    assert set(parents) == {str(session.servers()[0])}
    assert len(session.folders()) == 1


def test_jobs_run_side_by_side(session):
    script = session.script(
        "import os, sys, time\nmine, other = sys.argv[1:]\nopen(mine, 'w').close()\n"
        "while not os.path.exists(other):\n    time.sleep(0.01)\n"
    )
    clients = [session.start(script, *pair) for pair in (("a", "b"), ("b", "a"))]
    assert [client.wait(30) for client in clients] == [0, 0]
    assert len(session.servers()) == 1


def test_jobs_that_import_under_other_conditions_share_no_server(session):
    script = session.script(PARENT)
    first = session.run(script)[1]
    assert session.run(script)[1] == first
    assert session.run(script, env={"ANYTHING_ELSE": "1"})[1] == first
    assert session.run(script, env={"HF_HUB_OFFLINE": "1"})[1] != first
    assert len(session.servers()) == 2


def test_an_edit_between_jobs_is_seen(session):
    package = session.folder / "src/idempotence"
    shutil.copytree(SOURCE / "idempotence/launch", package / "launch")
    for name in ("__init__", "environment_names"):
        shutil.copy(SOURCE / f"idempotence/{name}.py", package)
    (package / "words.py").write_text("WORD = 'old'\n")
    session.settings["PYTHONPATH"] = str(session.folder / "src")
    text = "import os\nimport idempotence\nfrom idempotence.words import WORD\nprint(WORD, {})\n"
    more = "getattr(idempotence, 'MORE', 0), os.getppid()"
    script = session.script(text.format(more))
    assert session.run(script)[1] == f"old 0 {session.servers()[0]}\n"
    (package / "words.py").write_text("WORD = 'newer'\n")
    (package / "__init__.py").write_text("MORE = 1\n")
    assert session.run(script)[1] == f"newer 1 {session.servers()[0]}\n"
    session.script("print('another script')\n")
    assert session.run(script)[1] == "another script\n"
    assert len(session.servers()) == 1


TRAIN = """
import sys
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from trl import DPOTrainer, SFTTrainer

torch.manual_seed(3)
config = LlamaConfig(vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                     num_attention_heads=2, num_key_value_heads=2)
model = get_peft_model(LlamaForCausalLM(config), LoraConfig(r=4, target_modules="all-linear"))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
for _ in range(5):
    ids = torch.randint(0, 50, (4, 12))
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
save_file({n: p.detach().clone() for n, p in model.named_parameters()}, sys.argv[1])
print(torch.get_num_threads(), SFTTrainer.__name__, DPOTrainer.__name__)
"""


@pytest.mark.slow
def test_the_true_preload_forks_and_trains_to_the_same_bytes(session):
    session.preload_all()
    script = session.script(TRAIN)
    seconds = {}
    for name in ("first", "warm", "cold"):
        begun = time.monotonic()
        client = session.start(script, name, cold=name == "cold")
        out, err = client.communicate(timeout=session.patience)
        seconds[name] = time.monotonic() - begun
        assert (client.returncode, out) == (0, "1 SFTTrainer DPOTrainer\n"), err
        assert "starting cold" not in err
    weights = [(session.folder / name).read_bytes() for name in seconds]
    assert weights[0] == weights[1] == weights[2]
    assert seconds["warm"] < seconds["cold"] / 2


DRAW = """
import os, sys
for name in ("scipy.stats", "statsmodels.api", "seaborn", "jinja2", "pydantic"):
    assert name in sys.modules, name
import seaborn
from matplotlib.figure import Figure
seaborn.lineplot(x=[1, 2], y=[3, 4], ax=Figure().subplots())
print(os.getppid())
"""


@pytest.mark.slow
def test_the_true_preload_of_analyses_forks_and_draws(session):
    session.preload_all()
    client = session.start(session.script(DRAW), kind="analyse")
    out, err = client.communicate(timeout=session.patience)
    assert (out, err) == (f"{session.servers()[0]}\n", "")


END = """
import atexit, weakref
left = [
    f for f in weakref.finalize._registry if f.atexit and f.peek()[1].__module__ == "torch.library"
]
atexit.register(print, "at the end")
print(len(left), len(weakref.finalize._registry) > 100)
"""


@pytest.mark.slow
def test_a_job_does_not_take_apart_at_its_end_what_was_preloaded(session):
    # torch's operators: it took 50 ms of each job, and dynamo's table of compile times 28
    session.preload_all()
    code, out, err = session.run(session.script(END))
    assert (code, out) == (0, "0 True\nat the end\n"), err


ASK = """
import importlib.metadata
from accelerate.utils import is_peft_available
names, read = [], importlib.metadata.metadata
importlib.metadata.metadata = lambda name: names.append(name) or read(name)
print([is_peft_available() for _ in range(3)], names)
"""


@pytest.mark.slow
def test_a_preloaded_job_looks_for_a_package_once(session):
    session.preload_all()
    code, out, err = session.run(session.script(ASK))
    assert (code, out) == (0, "[True, True, True] ['peft']\n"), err
