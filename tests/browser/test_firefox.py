"""The way of a visitor in a real Firefox: speak, and let a sound file, a text and a photo speak."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from bithuman_core.settings import speech_clip
from tests.browser import steps
from tests.browser.analysis import Lips, lips
from tests.browser.bidi import Bidi
from tests.browser.conftest import screenshot
from tests.browser.harness import ROOT, Recording, Server, write_speech
from tests.browser.microphone import record_spoken
from tests.browser.tab import Tab

pytestmark = pytest.mark.browser

ASTRONAUT = ROOT / "tests" / "data" / "astronaut.jpg"
SECONDS = 8.0
ATTEMPTS = 3  # a shared machine may be busy with something else for a while
# What came back so far, its energy and its length, by the browser's own statistics: without a sound device no AudioContext runs.
VOICE = """async () => {
  for (const { type, kind, totalAudioEnergy, totalSamplesDuration } of (await probeCall.getStats()).values())
    if (type === "inbound-rtp" && kind === "audio") return [totalAudioEnergy, totalSamplesDuration];
}"""


@pytest.fixture(scope="module")
def looped_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech with a pause, shorter than a recording: each has all of it."""
    path = tmp_path_factory.mktemp("microphone") / "looped.wav"
    write_speech(path, speech_seconds=SECONDS - 2.5)
    return path


@pytest.fixture
def visitor(fox: Bidi, server: Server, looped_wav: Path) -> Iterator[Tab]:
    """The page before Start. At the end its console has to be empty; it is closed, which frees the visitor's place."""
    tab = steps.open_page(fox, server.url, looped_wav)
    yield tab
    # Gradio's own scripts tell of requests that they broke off themselves.
    errors = [error for error in tab.errors if "/assets/" not in error and "AbortError" not in error]
    tab.close()
    assert errors == []


def loudness(visitor: Tab, seconds: float = 2.0) -> float:
    """RMS of the voice that comes back, from now on."""
    energy, duration = visitor.evaluate(VOICE)
    visitor.wait_for(f"async (end) => (await ({VOICE})())[1] > end", duration + seconds)
    more, end = visitor.evaluate(VOICE)
    return math.sqrt((more - energy) / (end - duration))


def faults(recording: Recording, mouth: Lips, voice: float) -> list[str]:
    """What a visitor would complain about."""
    checks = {
        f"{recording.fps:.2f} frames a second": recording.fps >= 24,
        f"the picture has the size {recording.sizes}": recording.sizes == {(512, 512)},
        f"mouth and speech correlate with {mouth.correlation:.2f}": mouth.correlation > 0.4,
        f"the mouth moves {mouth.rest:.2f} times as much in pauses as in speech": mouth.rest < 0.5,
        f"the voice comes back with a level of {voice:.3f}": voice > 0.02,
    }
    return [fault for fault, passed in checks.items() if not passed]


def test_the_avatar_speaks_with_the_visitor(visitor: Tab, looped_wav: Path, tmp_path: Path) -> None:
    steps.start(visitor)
    steps.wait_until_speaking(visitor)
    screenshot(visitor, "firefox-speaking", tmp_path)
    found: list[str] = []
    for _ in range(ATTEMPTS):
        recording = record_spoken(visitor, SECONDS, looped_wav)
        energy, duration = (recording.grown("audio", name) for name in ("totalAudioEnergy", "totalSamplesDuration"))
        mouth, voice = lips(recording), math.sqrt(energy / duration)
        found = faults(recording, mouth, voice)
        print(f"{recording.fps:.2f} fps, {mouth}, voice {voice:.3f}, {found or 'no faults'}")
        if not found:
            break
    assert not found


def test_a_sound_file_is_spoken(visitor: Tab, tmp_path: Path) -> None:
    steps.choose_file(visitor, speech_clip())
    steps.wait_until_live(visitor)
    steps.wait_until_speaking(visitor)
    assert loudness(visitor) > 0.02
    assert visitor.evaluate("() => window.probeAsked === undefined")  # and nobody was asked for a microphone
    screenshot(visitor, "firefox-file", tmp_path)


def test_a_text_is_spoken_where_the_server_has_a_voice(visitor: Tab, tmp_path: Path) -> None:
    if not steps.has_a_voice(visitor):
        assert "pip install espeakng-loader" in steps.advice(visitor)
        return
    steps.say_text(visitor, "One two three four five six seven eight.")
    steps.wait_until_live(visitor)
    assert loudness(visitor) > 0.02
    screenshot(visitor, "firefox-text", tmp_path)


def test_a_photo_becomes_an_avatar_that_is_live(visitor: Tab, tmp_path: Path) -> None:
    if not steps.can_make_avatars(visitor):
        pytest.skip("this installation makes no avatars from photos")
    steps.make_from_photo(visitor, ASTRONAUT)
    steps.start(visitor)
    visitor.wait_for("() => document.querySelector('video.live').currentTime > 1")  # it has faded in
    screenshot(visitor, "firefox-photo", tmp_path)
