"""A scripted brain: what it answers, and what is wrong with a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bithuman_core.conversation import Act, Line, Role
from bithuman_core.conversation.script import LARGEST, ScriptedBrain
from bithuman_core.errors import AddressError

SCRIPT = """
greeting: Hello.
intents:
  - when: [open, opening hours, "café"]
    say: From nine to five.
    gesture: nod
    emotion: joy
  - when: ["open on sunday"]
    say: Closed on Sunday.
otherwise: Pardon?
"""


@pytest.fixture
def brain(tmp_path: Path) -> ScriptedBrain:
    file = tmp_path / "kiosk.yaml"
    file.write_text(SCRIPT, encoding="utf-8")
    return ScriptedBrain.read(file)


@pytest.mark.parametrize(
    ("heard", "answer"),
    [
        ("When are you OPEN, please?", [Act("emotion", "joy"), Act("gesture", "nod"), "From nine to five."]),
        ("Where is the cafe?", [Act("emotion", "joy"), Act("gesture", "nod"), "From nine to five."]),
        ("Are you open on Sunday?", ["Closed on Sunday."]),  # the longest phrase counts
        ("An opener", ["Pardon?"]),  # whole words alone
        ("", ["Pardon?"]),
    ],
)
async def test_the_answer_is_that_of_the_longest_phrase(brain: ScriptedBrain, heard: str, answer: list[object]) -> None:
    assert [piece async for piece in brain.answer([Line("user", heard)], Role())] == answer


async def test_it_answers_before_anything_was_said(brain: ScriptedBrain) -> None:
    assert [piece async for piece in brain.answer([], Role())] == ["Pardon?"] and brain.script.greeting == "Hello."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("intents: [", "line 1 is no YAML"),
        ("intents:\n  - when: []\n    say: x", r"intents\.0\.when"),
        ("intents:\n  - when: [x]", r"intents\.0\.say"),
        ("intent: []", "intent: extra inputs"),
        ("- a", "the file"),
        ("", "the file"),
        ("otherwise: 3", "otherwise"),
        ("!!python/object/apply:os.system [ls]", "no YAML"),
    ],
)
def test_what_is_wrong_with_a_script_is_said_with_its_place(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(content)
    with pytest.raises(AddressError, match=says):
        ScriptedBrain.read(file)


def test_files_that_are_missing_or_huge_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="cannot be read"):
        ScriptedBrain.read(tmp_path / "none.yaml")
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(AddressError, match="1 MiB"):
        ScriptedBrain.read(huge)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(st.sampled_from("intes:wha[]{}-&*!\n \"'x|>"), max_size=80).map(str.encode))
def test_no_file_breaks_the_reader(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    try:
        assert ScriptedBrain.read(file).script
    except AddressError as error:
        assert "cannot be used" in error.message
