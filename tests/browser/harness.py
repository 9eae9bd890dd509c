"""A real server in a process of its own, a real Chromium with a fake microphone, and what it saw and heard, as arrays."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Playwright
from scipy.ndimage import maximum_filter1d

from bithuman_core.settings import speech_clip
from bithuman_core.timing import FPS
from tests.browser.chromium import find_chromium

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).with_name("probe.js")
MICROPHONE_RATE = 48_000  # Hz, what Chromium's fake microphone wants
MOUTH_BOX = (0.38, 0.53, 0.24, 0.18)  # left, top, width, height of the picture
GRAY_SIZE = (48, 36)  # samples across and down
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
)


def write_microphone(path: Path, samples: NDArray[np.floating[Any]], rate: int) -> None:
    """A fake microphone's WAV; Chromium plays it in a loop."""
    if rate != MICROPHONE_RATE:
        samples = soxr.resample(samples, rate, MICROPHONE_RATE)
    soundfile.write(path, np.clip(samples, -1, 1), MICROPHONE_RATE, subtype="PCM_16")


def write_speech(path: Path, pause_seconds: float = 2.0, *, speech_seconds: float | None = None) -> None:
    """Real speech, all or some seconds of it, its own pauses and a longer one at the end."""
    samples, rate = soundfile.read(speech_clip())
    if speech_seconds:
        samples = samples[: int(speech_seconds * rate)]
    samples = samples * (0.5 / np.abs(samples).max())
    write_microphone(path, np.concatenate([samples, np.zeros(int(pause_seconds * rate))]), rate)


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The demo in a process of its own: ``with Server(log, "app.py", "--max-visitors", "1") as server``."""

    def __init__(self, log: Path, *command: str, prepare: Callable[[], None] | None = None, **variables: str) -> None:
        """``prepare`` is called in its process before it starts; ``variables`` are of its environment."""
        self._prepare, self._variables = prepare, variables
        self.log, self.port = log, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, *command, "--port", str(self.port), "--no-open-browser"]

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Once it has ended: 0 where it ended by itself when it was asked to, negative where it had to be killed."""
        return self._process.poll()

    def __enter__(self) -> Server:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT), **self._variables}
        with self.log.open("w") as errors:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, env=environment,
                preexec_fn=self._prepare,
            )  # fmt: skip
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("Ready"):
                return self
        raise RuntimeError(f"The server ended before it was ready:\n{self.log.read_text()}")

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()


@contextmanager
def chromium(
    playwright: Playwright, microphone: Path | None, *, camera: Path | None = None, allow: bool = True
) -> Iterator[Browser]:
    """A Chromium whose microphone plays a WAV (a beep without one), and its camera an MJPEG file (a green picture without one).

    ``allow``: what the visitor answers when asked for them.
    """
    flags = [*FLAGS]
    if allow:
        flags.append("--use-fake-ui-for-media-stream")
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    if camera is not None:
        flags.append(f"--use-file-for-fake-video-capture={camera}")
    browser = playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=flags)
    try:
        yield browser
    finally:
        browser.close()


def open_page(browser: Browser, url: str, **options: Any) -> Page:
    """The page of the demo, ready to start. Echo cancellation is off: a fake microphone hears no room.

    Its content security policy is bypassed, for it forbids the tests' own scripts, too.
    """
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, "bypass_csp": True, **options})
    page.add_init_script(path=PROBE)
    page.goto(f"{url}/?echo=off")
    page.wait_for_selector("avatar-stage[data-ready]")
    return page


def start(page: Page) -> None:
    """Press Start and wait for the living picture."""
    page.click("avatar-stage button.main")
    page.wait_for_selector("avatar-stage:is([data-state=live], [data-state=failed])", timeout=20_000)
    assert page.get_attribute("avatar-stage", "data-state") == "live", status(page)


def status(page: Page) -> str:
    """The sentence that the page shows."""
    return page.inner_text("avatar-stage .status")


@dataclass(frozen=True)
class Recording:
    """Times in seconds on the page's clock. Levels are RMS of 10 ms, at the middle of their 10 ms."""

    heard_at: NDArray[np.float64]  # microphone
    heard: NDArray[np.float64]
    voice_at: NDArray[np.float64]  # what came back
    voice: NDArray[np.float64]
    shown_at: NDArray[np.float64]  # pictures
    gray: NDArray[np.uint8]  # [n, rows, columns] of the recorded box
    rtp_steps: NDArray[np.int64]  # between pictures, in 90 kHz units
    sizes: set[tuple[int, int]]
    before: dict[str, dict[str, Any]]  # inbound-rtp statistics by kind
    after: dict[str, dict[str, Any]]
    fresh: float  # part of the pictures that the server says are new ones; 1 where it says nothing

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return (self.after["video"]["timestamp"] - self.before["video"]["timestamp"]) / 1000

    @property
    def fps(self) -> float:
        """Decoded pictures a second, repeated ones left out."""
        return self.fresh * self.grown("video", "framesDecoded") / self.seconds

    @property
    def buffered(self) -> float:
        """How long the browser kept pictures back before it showed them, s: longer on a machine that is busy."""
        return self.grown("video", "jitterBufferDelay") / max(self.grown("video", "jitterBufferEmittedCount"), 1)

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Time from each new picture to the next one, s."""
        return np.diff(self.shown_at)

    def grown(self, kind: str, name: str) -> float:
        """By how much a counter grew."""
        return self.after[kind].get(name, 0) - self.before[kind].get(name, 0)


Box = tuple[float, float, float, float]  # left, top, width, height, 0..1 of the picture


class Evaluates(Protocol):
    """What a recording needs of a page."""

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """What a JavaScript function returns."""
        ...


def record(page: Evaluates, seconds: float, box: Box = MOUTH_BOX) -> Recording:
    """Watch and listen for some seconds."""
    begin_recording(page, seconds, box)
    return finish_recording(page)


def begin_recording(page: Evaluates, seconds: float, box: Box | None = MOUTH_BOX) -> None:
    """Begin to watch and listen; several pages can do so at once. Without a box only the times of the pictures are noted: looking
    at every picture and listening costs a page more than showing it.
    """
    page.evaluate("([seconds, box, size]) => void (window.recording = probe(seconds, box, size))", [seconds, box, GRAY_SIZE])


def finish_recording(page: Evaluates) -> Recording:
    """Wait for the end of what was begun."""
    return as_arrays(page.evaluate("() => window.recording"))


def _on_the_page(clocks: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """From the sound's clock to the page's, s, by readings of both: [n, 2], s and ms.

    The sound's moves in steps of its buffer, so that the most advanced reading is the true one; on a busy machine it stands
    still now and then, so that it is the most advanced one of the moment.
    """
    if not clocks.size:
        return lambda times: times
    ahead = maximum_filter1d(clocks[:, 0] - clocks[:, 1] / 1000, 2 * FPS + 1)
    return lambda times: times - np.interp(times, clocks[:, 0], ahead)


def as_arrays(raw: dict[str, Any]) -> Recording:
    """What the page noted."""
    levels = [np.array(raw[name]).reshape(-1, 2) for name in ("heard", "voice")]
    on_page = _on_the_page(np.array(raw["clocks"]))
    frames = np.array(raw["frames"])
    columns, rows = GRAY_SIZE
    return Recording(
        *(column for rows in levels for column in (on_page(rows[:, 0]) + 0.005, rows[:, 1])),
        shown_at=frames[:, 0] / 1000,
        gray=np.array([np.frombuffer(base64.b64decode(text), np.uint8).reshape(rows, columns) for text in raw["gray"]]),
        rtp_steps=np.diff(frames[:, 1].astype(np.int64)),
        sizes={(int(width), int(height)) for width, height in frames[:, 2:4]},
        before=raw["before"],
        after=raw["after"],
        fresh=float(np.mean([message["data"]["fresh"] for message in raw["told"] if message["type"] == "stats"] or [1.0])),
    )
