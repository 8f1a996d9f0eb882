"""Configs that stop a study before any job, through Snakemake."""

import pytest
from make_project import copy_project, show_study, snakemake
from run_script import run_script

TINY = ("--configfile", "studies/tiny.yaml")
CHECK = "scripts/check_config.py --configs FILE"
BROKEN = {
    "utf-16": ("study: a".encode("utf-16"), "line 1: is no UTF-8 text"),
    "binary": (bytes(range(256)), "line 1: is no UTF-8 text"),
    "nested": (b"study: " + b"[" * 3000, "line 1: is nested more than 30 deep"),
    "digits": (b"cycles: " + b"9" * 5000, "line 1: 9999999999... is a number of more than 100"),
    "no YAML": (b"study: a\ntraits: [", "line 3: is no YAML"),
    "empty": (b"", "line 1: must hold keys and values"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The project with a file for each kind of `BROKEN`."""
    folder = copy_project(tmp_path_factory.mktemp("refused") / "project")
    for kind, (content, _) in BROKEN.items():
        (folder / f"{kind}.yaml").write_bytes(content)
    (folder / "folder.yaml").mkdir()
    return folder


def test_a_misspelt_key_stops_before_any_job_without_a_traceback(folder):
    config = (folder / "studies" / "tiny.yaml").read_text()
    (folder / "misspelt.yaml").write_text(config + "cylces: 3\n")
    done = snakemake(folder, "--cores", "1", "--configfile", "misspelt.yaml")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "misspelt.yaml" in output and "cylces" in output and "did you mean cycles" in output
    assert "Traceback" not in output
    assert not (folder / "results").exists()


def test_settings_of_the_old_form_stop_with_the_new_form_before_any_job(folder):
    (folder / "old.yaml").write_text(
        "study: old\nsettings: [sft, dpo]\nper_setting: {dpo: {restart_at: [3]}}\n"
    )
    done = snakemake(folder, "--cores", "1", "--configfile", "old.yaml")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert "old.yaml, line 3, per_setting" in output
    assert "dpo: {objective: dpo, start: previous, restart_at: [3]}" in output
    assert not (folder / "results").exists()


@pytest.mark.parametrize("kind", ["utf-16", "nested", "no YAML", "empty"])
def test_a_broken_config_yaml_is_one_message_with_file_and_line(folder, kind):
    content, words = BROKEN[kind]
    whole = (folder / "config.yaml").read_bytes()
    try:
        (folder / "config.yaml").write_bytes(content)
        done = snakemake(folder, "--cores", "1")
    finally:
        (folder / "config.yaml").write_bytes(whole)
    _, *message = done.stderr.splitlines()  # behind Snakemake's line about its profile
    assert done.returncode != 0 and len(message) == 2, done.stderr[:3000]
    assert message[0] == "error: a mistake in the config; nothing was run."
    assert message[1].startswith(f"  config.yaml, {words}")


@pytest.mark.parametrize("kind", ["utf-16", "nested", "empty", "folder", "absent"])
def test_a_file_that_snakemake_cannot_read_is_short_where_progress_is_shown(folder, kind):
    done = show_study(folder, "--configfile", f"{kind}.yaml")
    _, *message = done.stderr.splitlines()
    assert done.returncode != 0 and len(message) == 3, done.stderr[:3000]
    assert "cannot read a file of --configfile; nothing was run" in message[0]
    assert message[2].endswith(CHECK)


@pytest.mark.parametrize("kind", [*BROKEN, "folder", "absent"])
def test_the_check_of_a_config_names_what_snakemake_cannot_read(folder, kind, capsys):
    _, words = BROKEN.get(kind, (b"", "cannot be read"))
    assert run_script("check_config", "--configs", folder / f"{kind}.yaml") == 2
    shown = capsys.readouterr()
    message = (shown.out + shown.err).splitlines()
    assert message[0].startswith("error: ") and len(message) <= 2
    assert f"{kind}.yaml" in message[-1] and words in message[-1]
