"""Models that are made from packages, as a config names them."""

from make_config import complaint, load

MADE = {"package": "llm-small", "version": "1.2", "file": "a/b.gguf", "sha256": "0" * 64}
MODELS = {"models": [{"name": "own", "kind": "instruct", "path": "package/small"}],
          "settings": {"sft": {"objective": "sft", "start": "initial"}}}  # fmt: skip


def test_a_model_may_come_from_a_package():
    study = load({"packages": {"small": MADE}, **MODELS})
    assert study.packages["small"].file == "a/b.gguf"
    assert study.packages["small"].adapter is None


def test_a_name_that_no_package_has_is_refused_with_the_nearest():
    text = complaint({"packages": {"smal": MADE}, **MODELS})
    assert "'package/small' is not in the section packages; did you mean smal?" in text


def test_a_package_has_a_version_and_no_revision():
    models = [{**MODELS["models"][0], "revision": "abc"}]
    text = complaint({"packages": {"small": MADE}, **MODELS, "models": models})
    assert "models.0.revision: 'abc' is not allowed: a package has a version of its own" in text


def test_odd_values_are_refused():
    wrong = {**MADE, "sha256": "12", "version": "newest"}
    text = complaint({"packages": {"small": wrong}, **MODELS})
    assert "packages.small.sha256: '12' is not allowed: it must be 64 digits 0-9 and a-f" in text
    assert "packages.small.version: 'newest' is not allowed: it must be a version" in text
