"""A talk: sentence by sentence, in order, interrupted cleanly, and alive whatever fails."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.audio.sound import Sound
from bithuman_core.conversation import Act, Line, Role
from bithuman_core.conversation import talk as talking
from bithuman_core.conversation.spoken import SpokenSentences
from bithuman_core.conversation.stage import State
from bithuman_core.conversation.talk import AT_A_LOSS, NOTHING_SAID, Talk
from bithuman_core.ears import TurnDetector
from bithuman_core.ears.voice_activity import WINDOW
from bithuman_core.errors import AddressError, AudioError
from bithuman_core.voice.plain import plain

LETTER = 100  # samples


class Stage:
    """Remembers what it is told; plays as far as a test says."""

    def __init__(self) -> None:
        self.sounds: list[Sound] = []
        self.played = 0
        self.acts: list[Act] = []
        self.told: list[tuple[str, Any]] = []
        self.hushed = 0

    def say(self, sound: Sound) -> None:
        self.sounds.append(sound)

    def hush(self) -> int:
        self.hushed += 1
        return self.played

    def act(self, act: Act) -> None:
        self.acts.append(act)

    def tell(self, kind: str, data: Any) -> None:
        self.told.append((kind, data))

    def state_is(self, state: State) -> bool:
        return self.of("state")[-1] == state

    def of(self, kind: str) -> list[Any]:
        return [data for each, data in self.told if each == kind]


class Brain:
    """Gives its pieces one by one; None waits for the test."""

    def __init__(self, *pieces: str | Act | Exception | None) -> None:
        self.pieces, self.asked = pieces, list[Sequence[Line]]()
        self.go_on, self.closed = asyncio.Event(), False

    async def answer(self, talk: Sequence[Line], role: Role) -> AsyncIterator[str | Act]:
        self.asked.append(talk)
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                if piece is None:
                    await self.go_on.wait()
                else:
                    yield piece
        finally:
            self.closed = True


class Voice:
    """A hundred samples a letter."""

    def stream(self, text: str) -> Iterator[NDArray[np.int16]]:
        if "unspeakable" in text:
            raise AudioError("The voice is gone.")
        yield np.full(LETTER * len(text), 1, np.int16)


class Ears:
    def __init__(self, *words: str | Exception, free: bool = False) -> None:
        self.words, self.free = list(words), free

    def transcribe(self, samples: NDArray[np.int16]) -> str:
        heard = self.words.pop(0)
        if isinstance(heard, Exception):
            raise heard
        return heard


async def at_once(blocking: Any) -> Any:
    await asyncio.sleep(0)
    return blocking()


def talk_of(brain: Brain, *heard: str | Exception) -> tuple[Talk, Stage]:
    stage = Stage()
    turns = TurnDetector(lambda window: float(window[0] > 0))
    return Talk(stage, brain, Voice(), Ears(*heard), turns, at_once), stage


async def settle() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


def speech(seconds: float) -> NDArray[np.int16]:
    return np.full(round(seconds * 16000 / WINDOW) * WINDOW, 1, np.int16)


QUIET = np.zeros(16000, np.int16)
A_WHILE = QUIET[:8192]  # after a line was written: sound of the time before it has come by then


async def test_an_answer_is_spoken_sentence_by_sentence_in_one_sound() -> None:
    talk, stage = talk_of(Brain("Hello the", "re. How ", Act("gesture", "nod"), "are you? Fine"))
    talk.read("  Hi  there ")
    await settle()
    (sound,) = stage.sounds
    assert sound.whole and sound.samples.size == LETTER * len("Hello there.How are you?Fine")
    assert stage.of("avatar") == ["Hello there.", "How are you?", "Fine"] and stage.of("user") == ["Hi there"]
    assert stage.acts == [Act("gesture", "nod")] and stage.of("state") == ["thinking", "speaking"]
    talk.spoken(sound)
    assert stage.of("state")[-1] == "listening"
    assert talk.history.lines == [Line("user", "Hi there"), Line("avatar", "Hello there. How are you? Fine")]


async def test_the_first_sentence_is_spoken_while_the_brain_still_thinks() -> None:
    brain = Brain("One. T", None, "wo.")
    talk, stage = talk_of(brain)
    talk.read("Count.")
    await settle()
    assert stage.of("avatar") == ["One."] and not stage.sounds[0].whole
    brain.go_on.set()
    await settle()
    assert stage.of("avatar") == ["One.", "Two."] and len(stage.sounds) == 1 and stage.sounds[0].whole


async def test_spoken_turns_are_understood_and_answered() -> None:
    brain = Brain("Yes.")
    talk, stage = talk_of(brain, "Are you there?")
    for part in np.array_split(np.concatenate([QUIET[:5120], speech(1.0), QUIET]), 50):
        talk.hear(part)
    await settle()
    assert stage.of("user") == ["Are you there?"] and stage.of("avatar") == ["Yes."]


async def test_who_speaks_into_an_answer_ends_it_at_once_and_what_was_heard_is_kept() -> None:
    brain = Brain("One two three four. Five six. ", "S", None, "even.")
    talk, stage = talk_of(brain, "Stop.", "Again.")
    talk.read("Count.")
    await settle()
    stage.played = LETTER * (len("One two three four.") + len("Five"))
    talk.hear(A_WHILE)
    talk.hear(speech(0.2))
    assert stage.hushed == 1 and talk.state == "hearing"
    await settle()
    assert brain.closed and stage.sounds[0].whole
    assert talk.history.lines[-1] == Line("avatar", "One two three four. —")
    brain.go_on.set()
    said = len(stage.of("avatar"))
    await settle()
    assert len(stage.of("avatar")) == said  # nothing stale
    talk.hear(QUIET)
    await settle()
    assert brain.asked[-1][-1] == Line("user", "Stop.")


async def test_who_speaks_while_it_thinks_ends_the_thought() -> None:
    brain = Brain(None, "Late.")
    talk, stage = talk_of(brain)
    talk.read("First.")
    await settle()
    talk.hear(A_WHILE)
    talk.hear(speech(0.2))
    brain.go_on.set()
    await settle()
    assert stage.sounds == [] and talk.state == "hearing" and stage.hushed == 0


async def test_typed_words_interrupt_as_well_and_questions_are_one_line() -> None:
    brain = Brain(None, "Late.")
    talk, _ = talk_of(brain)
    talk.read("One?")
    await settle()
    talk.read("Two?")
    await settle()
    assert brain.asked[-1] == [Line("user", "One? Two?")]


async def test_a_typed_line_is_answered_though_somebody_was_speaking() -> None:
    talk, stage = talk_of(Brain("Yes."), "Half a question")
    talk.hear(speech(0.5))
    assert talk.state == "hearing"
    talk.read("Typed.")
    talk.hear(QUIET)
    await settle()
    assert stage.of("user") == ["Typed."] and stage.of("avatar") == ["Yes."]


async def test_speech_that_was_on_its_way_when_a_line_was_sent_does_not_cut_its_answer_off() -> None:
    talk, stage = talk_of(Brain("Yes."), "Half a question")
    talk.hear(speech(0.5))
    talk.read("Typed.")
    talk.hear(speech(0.3))  # what a network still held of it
    talk.hear(QUIET)
    await settle()
    assert stage.of("user") == ["Typed."] and stage.of("avatar") == ["Yes."] and stage.state_is("speaking")
    talk.hear(speech(0.5))
    assert talk.state == "hearing", "who goes on speaking is heard"


@pytest.mark.parametrize("heard", ["", "  "])
async def test_a_cough_is_not_answered(heard: str) -> None:
    brain = Brain("What?")
    talk, stage = talk_of(brain, heard)
    talk.hear(np.concatenate([speech(0.5), QUIET]))
    await settle()
    assert brain.asked == [] and stage.sounds == [] and talk.state == "listening"


FAULT = AddressError("The brain at here cannot be reached: see whether the service runs.")


async def test_a_brain_that_fails_is_told_and_said_and_the_talk_goes_on() -> None:
    brain = Brain(FAULT)
    talk, stage = talk_of(brain)
    talk.read("Hello.")
    await settle()
    assert stage.of("error") == [FAULT.message] and stage.of("avatar") == [AT_A_LOSS]
    talk.spoken(stage.sounds[0])
    assert talk.history.lines == [Line("user", "Hello.")] and talk.state == "listening"
    brain.pieces = ("Here I am.",)
    talk.read("And now?")
    await settle()
    assert stage.of("avatar")[-1] == "Here I am."


async def test_half_an_answer_is_said_and_its_end_is_told() -> None:
    talk, stage = talk_of(Brain("One. ", "T", FAULT))
    talk.read("Count.")
    await settle()
    assert stage.of("avatar") == ["One."] and stage.of("error") == [FAULT.message] and stage.sounds[0].whole
    talk.spoken(stage.sounds[0])
    assert talk.state == "listening"


@pytest.mark.parametrize("fault", [AudioError("The ears hurt."), ValueError("a fault of ours")])
async def test_ears_that_fail_are_told(fault: Exception) -> None:
    talk, stage = talk_of(Brain("Yes."), fault, "Hello?")
    talk.hear(np.concatenate([speech(0.5), QUIET]))
    await settle()
    assert len(stage.of("error")) == 1
    talk.hear(np.concatenate([speech(0.5), QUIET]))
    await settle()
    assert stage.of("user") == ["Hello?"]


async def test_a_voice_that_fails_is_told_and_the_avatar_listens_again() -> None:
    talk, stage = talk_of(Brain("This is unspeakable."))
    talk.read("Say it.")
    await settle()
    assert stage.of("error") == ["The voice is gone."] and stage.of("avatar") == [AT_A_LOSS]


@pytest.mark.parametrize("pieces", [(), ("",), ("😀", " --- "), ("  \n ",)])
async def test_an_empty_answer_is_said_to_be_one(pieces: tuple[str, ...]) -> None:
    talk, stage = talk_of(Brain(*pieces))
    talk.read("Well?")
    await settle()
    assert stage.of("avatar") == [NOTHING_SAID]
    talk.spoken(stage.sounds[0])
    assert talk.history.lines == [Line("user", "Well?")]


async def test_an_answer_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "LONGEST_ANSWER", 1.0)
    brain = Brain(*["This is a sentence. "] * 500)
    talk, stage = talk_of(brain)
    talk.read("Talk for ever.")
    for _ in range(10):
        await settle()
    assert brain.closed and stage.sounds[0].whole and stage.sounds[0].seconds < 1.5


async def test_it_greets_of_its_own_accord_and_closes_cleanly() -> None:
    brain = Brain(None, "Late.")
    talk, stage = talk_of(brain)
    talk.greet("Welcome. Ask me.")
    await settle()
    talk.spoken(stage.sounds[0])
    assert talk.history.lines == [Line("avatar", "Welcome. Ask me.")]
    talk.read("Hi.")
    await settle()
    await talk.close()
    assert brain.closed and talk.state == "listening"


async def test_states_are_told_once_each() -> None:
    talk, stage = talk_of(Brain("One."), "a")
    talk.read("Hi.")
    await settle()
    states: list[State] = stage.of("state")
    assert all(one != two for one, two in itertools.pairwise(states))


async def test_push_to_talk_hears_while_the_key_is_down_alone() -> None:
    brain = Brain("One.")
    talk, stage = talk_of(brain, "How many?")
    talk.by_key(True)
    talk.press()
    talk.hear(speech(1.0))
    assert talk.state == "hearing"
    talk.let_go()
    talk.hear(speech(1.0))
    talk.let_go()
    await settle()
    assert stage.of("user") == ["How many?"] and stage.of("avatar") == ["One."]
    talk.press()
    assert stage.hushed == 1 and talk.state == "hearing"  # a key ends an answer
    talk.by_key(False)
    assert talk.state == "listening"
    talk.press()
    assert talk.state == "listening"


async def test_a_key_that_is_only_tapped_says_nothing() -> None:
    brain = Brain("What?")
    talk, _ = talk_of(brain, "")
    talk.by_key(True)
    talk.press()
    talk.let_go()
    await settle()
    assert brain.asked == [] and talk.state == "listening"


async def test_a_key_that_is_held_for_minutes_keeps_the_last_half_minute() -> None:
    talk, _ = talk_of(Brain("Yes."))
    talk.by_key(True)
    talk.press()
    for _ in range(70):
        talk.hear(speech(1.0))
    assert talk._key is not None and (turn := talk._key.let_go()) is not None and 28 < turn.size / 16000 <= 30


@pytest.mark.parametrize("seconds", [0.0, -1.0, 3.1, float("nan")])
async def test_a_pause_that_makes_no_sense_is_refused(seconds: float) -> None:
    talk, _ = talk_of(Brain())
    with pytest.raises(ValueError, match="cannot end a turn"):
        talk.end_turns_after(seconds)


async def test_a_longer_pause_ends_a_turn_later() -> None:
    talk, stage = talk_of(Brain("Yes."), "Well")
    talk.end_turns_after(0.8)
    talk.hear(np.concatenate([speech(0.5), QUIET[:10240]]))
    await settle()
    assert talk.state == "hearing"
    talk.hear(QUIET[:10240])
    await settle()
    assert stage.of("avatar") == ["Yes."]


class FreeEars(Ears):
    """Tell how much they were given."""

    def __init__(self) -> None:
        super().__init__(free=True)
        self.asked: list[int] = []

    def transcribe(self, samples: NDArray[np.int16]) -> str:
        self.asked.append(samples.size)
        return f"{np.count_nonzero(samples) / 16000:.1f} seconds"


async def test_what_was_said_is_understood_while_the_pause_that_ends_it_goes_on() -> None:
    stage, ears, brain = Stage(), FreeEars(), Brain("Yes.")
    talk = Talk(stage, brain, Voice(), ears, TurnDetector(lambda window: float(window[0] > 0)), at_once)
    talk.hear(np.concatenate([speech(1.0), QUIET[:4096]]))
    await settle()
    assert len(ears.asked) == 1 and talk.state == "hearing" and brain.asked == []
    talk.hear(QUIET)
    await settle()
    assert len(ears.asked) == 1 and stage.of("user") == ["1.0 seconds"] and stage.of("avatar") == ["Yes."]


async def test_who_goes_on_after_a_pause_is_understood_as_a_whole() -> None:
    stage, ears, brain = Stage(), FreeEars(), Brain("Yes.")
    talk = Talk(stage, brain, Voice(), ears, TurnDetector(lambda window: float(window[0] > 0)), at_once)
    for part in (speech(1.0), QUIET[:4096], speech(1.0), QUIET):
        talk.hear(part)
        await settle()
    assert stage.of("user") == ["2.0 seconds"] and len(brain.asked) == 1


CODE = """Here is **how**:

```python
print("hello")
```

| a | b |
|---|---|
| 1 | 2 |

1. *Open* the [door](https://example.com/door).
2. Go in. 😀
"""


class Listener(Voice):
    """Keeps what is really spoken, of what it is given."""

    def __init__(self) -> None:
        self.spoken: list[str] = []

    def stream(self, text: str) -> Iterator[NDArray[np.int16]]:
        self.spoken.append(plain(text))
        yield from super().stream(text)


async def test_of_markdown_and_code_what_a_person_would_read_out_is_spoken() -> None:
    stage, voice = Stage(), Listener()
    talk = Talk(stage, Brain(CODE), voice, None, None, at_once)
    talk.read("How?")
    await settle()
    said = " ".join(voice.spoken)
    assert said == "Here is how: The code is on your screen. a, b 1, 2 1. Open the door. 2. Go in."
    assert 'print("hello")' in " ".join(stage.of("avatar"))  # which is so


async def test_two_thousand_words_are_begun_at_once_and_end_after_two_minutes() -> None:
    words = " ".join(f"This is sentence number {number} of very many." for number in range(250))
    brain = Brain(*(f"{word} " for word in words.split()))

    class Slow(Voice):
        def stream(self, text: str) -> Iterator[NDArray[np.int16]]:
            yield np.full(3 * 16000, 1, np.int16)

    stage = Stage()
    talk = Talk(stage, brain, Slow(), None, None, at_once)
    talk.read("Tell me everything.")
    await settle()
    assert stage.sounds and stage.state_is("speaking")
    for _ in range(200):
        await settle()
    assert stage.sounds[0].whole and 120 <= stage.sounds[0].seconds < 130 and brain.closed


async def test_a_talk_that_is_forgotten_begins_anew() -> None:
    brain = Brain("One. T", None, "wo.")
    talk, stage = talk_of(brain)
    talk.read("Count.")
    await settle()
    talk.forget()
    assert stage.hushed == 1 and list(talk.history.lines) == [] and talk.state == "listening"
    talk.read("Again.")
    await settle()
    assert list(brain.asked[-1]) == [Line("user", "Again.")]


def test_what_is_left_of_an_answer_begins_with_the_sentence_under_way() -> None:
    spoken = SpokenSentences()
    for sentence, end in (("One.", 1000), ("Two.", 3000), ("Three.", 3500)):
        spoken.add(sentence, end)
    assert spoken.left(0) == ("One. Two. Three.", 0)
    assert spoken.left(1000) == ("Two. Three.", 0)
    assert spoken.left(2500) == ("Two. Three.", 1500)
    assert spoken.left(3500) == ("", 0) == SpokenSentences().left(7)
