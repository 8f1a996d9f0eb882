"""Configs that stop a study before any job, through Snakemake."""

from make_project import copy_project, snakemake

TINY = ("--configfile", "studies/tiny.yaml")


def test_a_misspelt_key_stops_before_any_job_without_a_traceback(tmp_path):
    folder = copy_project(tmp_path / "bad")
    config = (folder / "studies" / "tiny.yaml").read_text()
    (folder / "studies" / "tiny.yaml").write_text(config + "cylces: 3\n")
    done = snakemake(folder, "--cores", "1", *TINY)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "studies/tiny.yaml" in output and "cylces" in output and "did you mean cycles" in output
    assert "Traceback" not in output
    assert not (folder / "results").exists()


def test_settings_of_the_old_form_stop_with_the_new_form_before_any_job(tmp_path):
    folder = copy_project(tmp_path / "old")
    (folder / "old.yaml").write_text(
        "study: old\nsettings: [sft, dpo]\nper_setting: {dpo: {restart_at: [3]}}\n"
    )
    done = snakemake(folder, "--cores", "1", "--configfile", "old.yaml")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert "old.yaml, line 3, per_setting" in output
    assert "dpo: {objective: dpo, start: previous, restart_at: [3]}" in output
    assert not (folder / "results").exists()
