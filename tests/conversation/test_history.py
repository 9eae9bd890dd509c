"""What is remembered of a talk."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bithuman_core.conversation import History, Line


def test_an_answer_that_was_cut_off_is_kept_as_far_as_it_was_heard() -> None:
    history = History()
    history.hear("Tell me a story.")
    history.say("Once upon a time,", cut_off=True)
    history.hear("Stop.")
    assert history.lines == [Line("user", "Tell me a story."), Line("avatar", "Once upon a time, —"), Line("user", "Stop.")]


def test_an_answer_of_which_nothing_was_heard_was_never_said() -> None:
    history = History()
    history.hear("Hello")
    history.say("  ", cut_off=True)
    history.hear("are you there?")
    assert history.lines == [Line("user", "Hello are you there?")]


TURNS = st.lists(st.tuples(st.booleans(), st.text(max_size=60)), max_size=80)


@given(TURNS)
def test_it_has_an_end_alternates_and_begins_with_the_user(turns: list[tuple[bool, str]]) -> None:
    history = History(lines=6, characters=200)
    for mine, text in turns:
        history.hear(text) if mine else history.say(text)
        lines = history.lines
        assert len(lines) <= 6 and sum(len(line.text) for line in lines) <= 200 + 2
        assert all(one.who != two.who for one, two in pairwise(lines))
        assert len(lines) < 2 or lines[0].who == "user"
    history.clear()
    assert not history.lines
