"""Text that others wrote, in figures: no letter makes a file malformed or an empty box."""

import warnings
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_scores import make_scores

from idempotence.figures import outcomes
from idempotence.figures.style import drawable, new_figure, save_figure, styled
from idempotence.stats.amplification import chains
from idempotence.stats.trajectories import trajectories

FOREIGN = "Ça va? \x00\x1b[31m 幸运 is 🍀👩‍👩‍👧 -- <b> & $x_1$ \u202e end"


def test_letters_that_the_font_lacks_are_code_points():
    assert drawable("Ça $ β → é\nx") == "Ça $ β → é\nx"
    assert drawable("a\x00幸运b") == "a[U+0000 U+5E78 U+8FD0]b"


@given(st.text())
def test_what_is_drawable_stays_so_and_has_no_control_character(text):
    once = drawable(text)
    assert drawable(once) == once
    assert not any(ord(letter) < 32 and letter != "\n" for letter in once)


@pytest.fixture
def strict():
    """A glyph that is missing is a warning of matplotlib."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_reply_of_any_letters_gives_a_whole_figure(tmp_path, strict):
    scores = make_scores(settings=["sft"], traits=["lucky"], seeds=2, samples=1)
    scores = scores.assign(response=FOREIGN + " again and again" * 9)
    table = trajectories(scores, 0.95)
    drawn = outcomes.draw(table, chains(table, 15, 4), scores, 0.95)
    for path in save_figure(*drawn, tmp_path / "outcomes"):
        assert path.stat().st_size
    ET.parse(tmp_path / "outcomes.svg")


def test_names_of_ticks_and_legends_too(tmp_path, strict):
    with styled():
        figure = new_figure(3, 2)
        axis = figure.add_subplot()
        axis.plot([0, 1], label="运\x1b")
        axis.set_yticks([0, 1], ["运", "b"])
        axis.legend()
    save_figure(
        figure, make_scores(settings=["sft"], seeds=1, samples=1).head(0), "c", tmp_path / "f"
    )
    ET.parse(tmp_path / "f.svg")
    assert [text.get_text() for text in axis.get_yticklabels()] == ["[U+8FD0]", "b"]
