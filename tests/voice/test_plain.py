"""What is said of what is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bithuman_core.voice.plain import CODE, plain
from bithuman_core.voice.scripts import runs


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("# A title #\nand **bold _both_** and `code`", "A title\nand bold both and code"),
        ("see [the docs](https://x.org/a) or https://www.example.com/a?b=1.", "see the docs or example dot com."),
        ("mail me@host.org", "mail me at host dot org"),
        ("fine 😀👍🏽 ❤️ 1️⃣", "fine 1"),
        ("- one\n* two\n3. three", "one\ntwo\n3. three"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b\n1, 2"),
        ("before\n```python\nprint(1)\n```\nafter", f"before\n{CODE}\nafter"),
        ("before\n```\nnever closed", f"before\n{CODE}"),
        ("<b>strong</b> and 5 < 6, 7 > 3", "strong and 5 < 6, 7 > 3"),
        ("2*3*4, a_b_c, 20 °C, café, हिन्दी", "2*3*4, a_b_c, 20 °C, café, हिन्दी"),
        ("---\n***", ""),
        ("😀", ""),
        ("\u0007bell\u200b", "bell"),
    ],
)
def test_marks_of_writing_are_not_said(written: str, said: str) -> None:
    assert plain(written) == said


@given(st.text(st.sampled_from("ab*_`~#|<>[]()-+!. \n1😀/:@"), max_size=300))
def test_no_text_breaks_it_and_what_is_said_has_letters(text: str) -> None:
    assert all(any(letter.isalnum() for letter in line) for line in plain(text).split("\n")) or plain(text) == ""


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Say Привет, please 1, 2.", [(None, "Say "), ("ru", "Привет, "), (None, "please 1, 2.")]),
        ("東京です", [("ja", "東京です")]),
        ("北京", [("cmn", "北京")]),
        ("12, 3", [(None, "12, 3")]),
    ],
)
def test_foreign_letters_are_found(text: str, pieces: list[tuple[str | None, str]]) -> None:
    assert runs(text) == pieces


@given(st.text(max_size=200))
def test_pieces_make_up_the_text(text: str) -> None:
    assert "".join(piece for _, piece in runs(text)) == text
