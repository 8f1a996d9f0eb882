"""What the jobs of choosing learning rates try."""

from make_config import load

from idempotence.workflow.study_jobs import StudyJobs


def rates_of(objective: str, **tuning) -> tuple[float, ...]:
    study = load({"tuning": tuning})
    setting = next(each for each in study.settings if each.objective == objective)
    model, trait = next(iter(setting.models)), setting.traits[0]
    return StudyJobs(study).try_learning_rates(setting.name, model, trait).learning_rates


def test_dpo_may_have_rates_of_its_own():
    rates, own = [1e-3, 2e-3], {"dpo": {"learning_rates": [1e-5]}}
    assert rates_of("dpo", learning_rates=rates) == (1e-3, 2e-3)
    assert rates_of("dpo", learning_rates=rates, **own) == (1e-5,)
    assert rates_of("sft", learning_rates=rates, **own) == (1e-3, 2e-3)
