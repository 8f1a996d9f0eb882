"""Which answers of a judge are numbers."""

import math

import pytest

from idempotence.judge.protocol import Answer, rate, score_of

FORMS = ["75", "75.", "75%", "75/100", "**75**", "**75", " 75 ", "75 / 100.", "\uff17\uff15",
         "**75%**"]  # fmt: skip
OTHERS = ["\u2077\u2075", "75\u00b2", "\u2464", "7.5", "75/10", "175%", "75 out of 100", "-75", "%",
          "**", "", "\u0667\u0665", "75%%", "75/100/100"]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_number_is_read_in_the_forms_that_judges_write(form):
    assert score_of(form) == 75
    assert rate(Answer(sampled=(form,)), 0.25).score == 75
    assert rate(Answer({form: math.log(0.9)}), 0.25).score == pytest.approx(75)


@pytest.mark.parametrize("form", OTHERS)
def test_notes_bullets_and_fractions_are_no_numbers(form):
    assert score_of(form) is None
    assert math.isnan(rate(Answer(sampled=(form,)), 0.25).score)
    assert math.isnan(rate(Answer({form: math.log(0.9)}), 0.25).score)
