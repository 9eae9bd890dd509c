"""Texts cut into sentences: nothing is lost, and it is the same however the text comes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bithuman_core.voice.sentences import LONGEST, SentenceSplitter, split


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Dr. Smith paid $3.50 at 5 p.m. on Jan. 5th.", ["Dr. Smith paid $3.50 at 5 p.m. on Jan. 5th."]),
        ("It opens at 9 a.m. Come early.", ["It opens at 9 a.m.", "Come early."]),
        ('"Really?" she asked. Yes!', ['"Really?" she asked.', "Yes!"]),
        ("I met J. K. Rowling, e.g. in the U.S. once.", ["I met J. K. Rowling, e.g. in the U.S. once."]),
        ("Well... maybe. See version 2.0.1 of it.", ["Well... maybe.", "See version 2.0.1 of it."]),
        ("1. Open it.\n2. Close it.", ["1. Open it.", "2. Close it."]),
        ("你好。我们来了！真的吗？", ["你好。", "我们来了！", "真的吗？"]),
        ("A heading\n\nAnd a text", ["A heading", "And a text"]),
        ("Like this:\n```py\na = 1. B\n\nc()\n```\nDone. Yes", ["Like this:", "```py\na = 1. B\n\nc()\n```", "Done.", "Yes"]),
        ("See:\n~~~\nx. Y\n", ["See:", "~~~\nx. Y"]),
        ("   ", []),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


WORDS = st.text(st.sampled_from("ab cD.!?…,;\n\"') 1你。！"), max_size=200) | st.lists(
    st.sampled_from(["```", "~~~", "\n", "a. B", " ", "\n```\n", "c", "`"]), max_size=20
).map("".join)


@example("111。)", [4])
@given(WORDS, st.lists(st.integers(1, 20), max_size=60))
def test_it_is_the_same_however_the_text_comes(text: str, lengths: list[int]) -> None:
    splitter, said, begin = SentenceSplitter(), [], 0
    for length in lengths:
        said += splitter.feed(text[begin : begin + length])
        begin += length
    said += splitter.feed(text[begin:])
    assert [*said, *splitter.end()] == split(text)


@given(st.text(max_size=1500))
def test_nothing_is_lost_and_nothing_is_longer_than_is_spoken_at_once(text: str) -> None:
    sentences = split(text)
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(0 < len(sentence) <= LONGEST or sentence.startswith(("```", "~~~")) for sentence in sentences)


def test_a_sentence_comes_with_the_letter_that_shows_its_end() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("Hello there. ") == []  # a small letter may follow
    assert splitter.feed("H") == ["Hello there."]
