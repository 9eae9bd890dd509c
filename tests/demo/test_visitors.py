"""One visit and the line in front of it: messages, reconnects, who is next. Simulated time, no network."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bithuman_core.audio.sound import Sound
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.allowance import ADDRESSES, BURST, PER_SECOND, AddressAllowances, Allowance
from bithuman_core.demo.visitors.messages import MAX_MESSAGE, Misunderstood, parse
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.demo.visitors.visitors import Visitors
from bithuman_core.demo.visitors.waiting_line import PATIENCE, WaitingLine
from bithuman_core.engine import Fixture
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.fastrtc.live_session import LiveSession, SharedResources
from bithuman_core.settings import models_dir
from bithuman_core.types import Emotion
from tests.simulated import SimulatedClock


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery([models_dir() / "mara.imx", models_dir() / "theo.imx"])


class Connected:
    """A visit with a session whose commands are carried out at once."""

    def __init__(self, gallery: Gallery) -> None:
        self.clock = SimulatedClock()
        self.visit = Visitor(gallery, AvatarEngine, Limits(), self.clock)
        self.actor = AvatarEngine(self.visit.state)
        self.connect()

    def connect(self) -> None:
        with ThreadPoolExecutor(1) as pool:
            shared = SharedResources(self.visit.make_engine, pool, self.clock)
        self.session = LiveSession(shared, lambda kind, data: None, lambda: None)
        self.visit.meet(self.session)
        self.visit.connection = "a connection"

    def send(self, **message: Any) -> str | None:
        sentence = self.visit.hears(json.dumps(message))
        self.step()
        return sentence

    def step(self) -> None:
        """Carry out what was asked."""
        for command in self.session._commands:
            command(self.actor)
        self.session._commands.clear()


def frame(actor: AvatarEngine, ticks: int = 12) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """What it looks like after some ticks, longer than a cross-fade."""
    return [actor.step(None).frame.copy() for _ in range(ticks)][-1]


def mean_difference(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


def test_levers_move_the_avatar_and_stay_after_a_reconnect(gallery: Gallery) -> None:
    connected = Connected(gallery)
    connected.visit.feel(Emotion.JOY)
    connected.visit.calm(1)
    connected.step()
    joyful = connected.actor._engine.mixer.expression.goal
    assert np.array_equal(joyful, connected.actor._engine.mixer.expression.blend({Emotion.JOY: 1.0}))
    connected.visit.choose("theo")
    connected.connect()
    again = connected.visit.make_engine()
    assert isinstance(again, AvatarEngine)
    assert again._engine.fixture is gallery.avatars["theo"].fixture
    assert again._engine.mixer.stillness == 1
    assert connected.visit.state.emotion is Emotion.JOY


def test_a_gesture_is_played_and_an_unknown_one_is_not(gallery: Gallery) -> None:
    connected = Connected(gallery)
    connected.visit.perform("nod")
    connected.step()
    assert connected.actor._engine.mixer.gestures.playing == "nod"
    with pytest.raises(Refusal, match="Mara does not know that gesture"):
        connected.visit.perform("somersault")
    connected.visit.connection = None
    with pytest.raises(Refusal, match="press Start"):
        connected.visit.perform("nod")


def test_a_clip_that_is_not_there_gets_a_sentence(gallery: Gallery) -> None:
    connected = Connected(gallery)
    clip = Clip("a key", "a name", Sound(np.ones(1000, np.int16)))
    connected.visit.keep_clip(clip)
    assert connected.send(type="say", clip=clip.key) is None
    assert "choose it again" in (connected.send(type="say", clip="guessed") or "")


def test_visitors_never_meet(gallery: Gallery) -> None:
    mine, theirs = Connected(gallery), Connected(gallery)
    theirs.visit.choose("theo")
    theirs.visit.feel(Emotion.ANGER)
    secret = Clip("secret", "private", Sound(np.ones(1000, np.int16)))
    theirs.visit.keep_clip(secret)
    assert mine.visit.state.emotion is Emotion.NEUTRAL and mine.visit.avatar.name == "Mara"
    assert mine.send(type="say", clip=secret.key) is not None
    shown = [frame(AvatarEngine(connected.visit.state)) for connected in (mine, theirs)]
    alone = [frame(AvatarEngine(AvatarState(gallery.avatars[key].fixture))) for key in ("mara", "theo")]
    for own, reference, other in zip(shown, alone, reversed(alone), strict=True):
        assert mean_difference(own, reference) < 0.3 * mean_difference(own, other)


def test_another_avatar_fades_in_while_live(gallery: Gallery) -> None:
    connected = Connected(gallery)
    frame(connected.actor)
    connected.visit.choose("theo")
    connected.send(type="here")
    fading = [connected.actor.step(None).frame.copy() for _ in range(12)]
    steps = [mean_difference(a, b) for a, b in pairwise(fading)]
    mara, theo = (frame(AvatarEngine(AvatarState(gallery.avatars[key].fixture))) for key in ("mara", "theo"))
    assert max(steps) < 0.3 * mean_difference(mara, theo)
    assert mean_difference(fading[-1], theo) < 0.3 * mean_difference(fading[-1], mara)


def test_what_a_visitor_brought_is_deleted_with_the_visit(gallery: Gallery, fixture: Fixture) -> None:
    visit = Connected(gallery).visit
    path = visit.new_folder() / "secret.imx"
    upload = gallery.folder / "upload.wav"
    for file in (path, upload):
        file.write_bytes(b"private")
    visit.keep_upload(upload)
    visit.close()
    assert visit.closed and not upload.exists() and not path.exists() and not path.parent.parent.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"here"', "{}", '{"type": "format"}', '{"type": "say"}', '{"type": "say", "clip": 5}',
     '{"type": "here", "more": 1}', "x" * (MAX_MESSAGE + 1), '{"type": "say", "clip": "' + "k" * 100 + '"}', b"\0", None],
)  # fmt: skip
def test_a_message_that_makes_no_sense_gets_a_sentence_and_harms_nothing(gallery: Gallery, text: Any) -> None:
    connected = Connected(gallery)
    sentence = connected.visit.hears(text)
    assert sentence is not None and sentence.endswith(".")
    assert connected.session._commands == []
    assert connected.send(type="hush") is None


@given(st.text(max_size=200) | st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_message_breaks_the_parser(text: Any) -> None:
    try:
        parse(text)
    except Misunderstood as misunderstood:
        assert str(misunderstood)


def test_messages_that_come_too_fast_are_left_out() -> None:
    clock = SimulatedClock()
    allowance = Allowance(clock)
    assert sum(allowance.take() for _ in range(10 * BURST)) == BURST
    clock.time += 1
    assert sum(allowance.take() for _ in range(10 * BURST)) == PER_SECOND


def test_each_address_has_an_allowance_of_its_own() -> None:
    clock = SimulatedClock()
    callers = AddressAllowances(clock, 2, 1)
    assert [callers.take(address) for address in ("a", "a", "a", "b")] == [True, True, False, True]
    clock.time += 1
    assert [callers.take("a"), callers.take("a")] == [True, False]
    for number in range(2 * ADDRESSES):
        assert callers.take(str(number))
    assert len(callers._known) == ADDRESSES


def test_those_who_wait_are_let_in_in_the_order_of_their_coming() -> None:
    places = WaitingLine(2, SimulatedClock())
    assert [places.ahead(name, taken) for name, taken in (("a", 2), ("b", 2), ("c", 2))] == [1, 2, 3]
    assert places.ahead("c", 1) == 2  # one place is free, and it is the first one's
    assert places.ahead("a", 1) == 0
    places.leave("a")
    assert places.ahead("b", 2) == 1
    assert places.ahead("b", 1) == 0


def test_who_stops_asking_loses_the_place_in_the_line() -> None:
    clock = SimulatedClock()
    places = WaitingLine(1, clock)
    assert places.ahead("gone", 1) == 1
    clock.time += PATIENCE / 2
    assert places.ahead("here", 1) == 2
    clock.time += PATIENCE / 2 + 1
    assert places.ahead("here", 1) == 1
    assert places.waiting == 1


class Connections:
    """In the place of FastRTC's stream: who is connected."""

    def __init__(self) -> None:
        self.pcs: dict[str, Any] = {}

    def clean_up(self, webrtc_id: str) -> None:
        pass


class Connection:
    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("back", "heard_after", "stays"),
    [
        (False, None, False),  # the tab is closed
        (False, 0.5, False),  # its last packets came late
        (False, 2.5, True),  # its stream goes on
        (True, None, True),  # it has opened another line
    ],
)
async def test_a_page_whose_line_broke_loses_its_place_unless_it_is_heard_again(
    gallery: Gallery, back: bool, heard_after: float | None, stays: bool
) -> None:
    clock, stream = SimulatedClock(), Connections()
    visitors = Visitors(stream, gallery, AvatarEngine, Limits(), WaitingLine(1, clock), clock)  # type: ignore[arg-type]
    visit = visitors.open()
    visit.connection = "a connection"
    stream.pcs[visit.connection] = Connection()
    visitors.lost(visit)
    visit.lines = int(back)
    if heard_after is not None:
        clock.time += heard_after
        visit.stay()
        clock.time -= heard_after
    while visitors._watching:
        await asyncio.sleep(0)
    assert visitors.live == stays
    assert visitors.find(visit.secret) is visit


def test_a_page_that_stays_open_holds_nothing_of_a_connection_that_has_ended(gallery: Gallery) -> None:
    connected = Connected(gallery)
    connected.clock.time += 5
    connected.session.stay()
    heard, session = connected.visit.heard_at, weakref.ref(connected.session)
    connected.visit.part(connected.session)
    del connected.session
    gc.collect()
    assert session() is None and connected.visit.heard_at == heard


def test_pages_of_one_address_take_turns_with_their_files_and_those_of_this_machine_do_not(gallery: Gallery) -> None:
    def owners(address: str | None) -> set[str]:
        return {Visitor(gallery, AvatarEngine, Limits(), SimulatedClock(), address).owner for _ in range(3)}

    assert owners("192.0.2.1") == {"192.0.2.1"}
    assert len(owners(None)) == 3
