"""Prints what a visitor gets in a real Chromium: frames, losses, lip-sync, delay. ``python -m benchmarks.browser``"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Playwright, sync_playwright

from benchmarks.pace import pace
from tests.browser.analysis import after, lips, nearest, onsets
from tests.browser.chromium import MISSING, find_chromium
from tests.browser.harness import (
    MICROPHONE_RATE,
    Recording,
    Server,
    begin_recording,
    chromium,
    finish_recording,
    open_page,
    record,
    start,
    write_microphone,
    write_speech,
)

FIGURES_MS = 3000  # the page reads its figures a few times in it
SETTLE_MS = 8000  # the browser moves sound and picture towards each other in the first seconds
BURST, BURST_EVERY, BURSTS = 0.08, 1.013, 20  # s, s (no multiple of a tick), in one loop of the fake microphone
LAMP = (0.45, 0.45, 0.1, 0.1)


def write_bursts(path: Path) -> None:
    """A fake microphone that clicks."""
    time = np.arange(int(BURST * MICROPHONE_RATE)) / MICROPHONE_RATE
    period = np.zeros(int(BURST_EVERY * MICROPHONE_RATE))
    period[-time.size :] = 0.7 * np.sin(2 * np.pi * 700 * time)
    write_microphone(path, np.tile(period, BURSTS), MICROPHONE_RATE)


def print_spread(name: str, seconds: np.ndarray) -> None:
    """Median, 5 % and 95 % in ms."""
    low, middle, high = 1000 * np.quantile(seconds, [0.05, 0.5, 0.95])
    print(f"{name:<44}{middle:6.0f} ms   (5 %: {low:.0f}, 95 %: {high:.0f}, n = {seconds.size})")


def print_stream(recording: Recording) -> None:
    """What the receiver's statistics say."""
    video, audio = (lambda name: recording.grown("video", name)), (lambda name: recording.grown("audio", name))
    print(f"{'decoded frames a second':<44}{recording.fps:6.2f}")
    print(f"{'freezes / dropped / lost (video, audio)':<44}{video('freezeCount'):6.0f} / {video('framesDropped'):.0f} / "
          f"{video('packetsLost'):.0f}, {audio('packetsLost'):.0f}")  # fmt: skip
    print(f"{'sound made up by the browser':<44}{100 * audio('concealedSamples') / audio('totalSamplesReceived'):6.2f} %")
    print(f"{'video / audio bit rate':<44}{8e-3 * video('bytesReceived') / recording.seconds:6.0f} / "
          f"{8e-3 * audio('bytesReceived') / recording.seconds:.0f} kbit/s")  # fmt: skip


def measure(playwright: Playwright, folder: Path, seconds: float) -> None:
    """The avatar with speech, then the lamp with clicks."""
    speech, bursts = folder / "speech.wav", folder / "bursts.wav"
    write_speech(speech)
    write_bursts(bursts)
    with Server(folder / "avatar.log", "app.py") as server, chromium(playwright, speech) as browser:
        page = open_page(browser, server.url)
        start(page)
        page.wait_for_timeout(SETTLE_MS)
        process = psutil.Process(server.pid)
        before = process.cpu_times()
        recording = record(page, seconds)
        now = process.cpu_times()
        work = now.user + now.system - before.user - before.system
        print_stream(recording)
        print(f"{'server: one visitor':<44}{100 * work / recording.seconds:6.0f} % of a core, "
              f"{process.memory_info().rss / 2**20:.0f} MiB")  # fmt: skip
        mouth = lips(recording)
        print(f"{'mouth motion against loudness: correlation':<44}{mouth.correlation:6.2f}   at {1000 * mouth.delay:.0f} ms")
        print(f"{'mouth motion in pauses / in speech':<44}{mouth.rest:6.2f}")
        page.click("#measured > button")  # the page reads its statistics only while they are looked at
        page.wait_for_timeout(FIGURES_MS)
        print(f"{'delay that the page shows':<44}{page.text_content('#stat-delay'):>9}")
    with Server(folder / "flash.log", "-m", "benchmarks.flash") as server, chromium(playwright, bursts) as browser:
        page = open_page(browser, server.url)
        start(page)
        page.wait_for_timeout(SETTLE_MS)
        recording = record(page, seconds, LAMP)
        clicks = onsets(recording.heard_at, recording.heard, 0.1)
        flashes = onsets(recording.shown_at, recording.gray.mean(axis=(1, 2)), 128)
        tones = onsets(recording.voice_at, recording.voice, 0.05)
        print_spread("microphone to picture", after(clicks[clicks < flashes[-1]], flashes))
        print_spread("picture after its sound (+) or before (-)", nearest(tones[1:-1], flashes))


def print_crowd(server: Server, recordings: list[Recording], work: float) -> None:
    """What each page got, and the CPU seconds of the server."""
    for recording in recordings:
        freezes, gap = recording.grown("video", "freezeCount"), 1000 * np.quantile(recording.gaps, 0.99)
        print(f"{'frames a second / freezes / p99 of the gaps':<44}{recording.fps:6.2f} / {freezes:.0f} / {gap:.0f} ms")
    share, size = 100 * work / recordings[0].seconds, psutil.Process(server.pid).memory_info().rss / 2**20
    print(f"{'server: all visitors':<44}{share:6.0f} % of a core, {size:.0f} MiB")


def measure_crowd(playwright: Playwright, folder: Path, seconds: float, visitors: int, pages: int) -> float:
    """Several visitors at once, who all speak: so many pages of Chromium, the others clients that do not draw. Returns what the
    machine gives right afterwards (see ``pace``).
    """
    speech = folder / "crowd.wav"
    write_speech(speech)
    others = visitors - pages
    with (
        Server(folder / f"crowd{pages}.log", "app.py", "--max-visitors", str(visitors)) as server,
        chromium(playwright, speech) as browser,
        ExitStack() as leaving,
    ):
        opened = [open_page(browser, server.url) for _ in range(pages)]
        if others:
            command = [sys.executable, "-m", "benchmarks.visitors", "--join", server.url, "--visitors", str(others),
                       "--seconds", str(10 * seconds)]  # fmt: skip
            company = leaving.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            leaving.callback(company.terminate)
            assert company.stdout is not None and company.stdout.readline(), "the other visitors could not come in"
        for page in opened:
            start(page)
        opened[-1].wait_for_timeout(SETTLE_MS)
        process = psutil.Process(server.pid)
        before = process.cpu_times()
        for page in opened:
            begin_recording(page, seconds, box=None)
        recordings = [finish_recording(page) for page in opened]
        now = process.cpu_times()
        print(f"\n{visitors} visitors at once, {pages} of them in this Chromium on the same machine (a page notes when a picture "
              "is shown, no more)")  # fmt: skip
        print_crowd(server, recordings, now.user + now.system - before.user - before.system)
    return pace()


def main() -> int:
    """Print the table; exit code 1 without a Chromium."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="length of each recording")
    parser.add_argument("--visitors", type=int, default=3, help="how many at once in the last tables; 0 leaves them out")
    parser.add_argument("--rounds", type=int, default=1, help="how often each of the last tables is measured")
    parser.add_argument("--only-crowd", action="store_true", help="the last tables alone")
    given = parser.parse_args()
    if find_chromium() is None:
        print(MISSING)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        if not given.only_crowd:
            measure(playwright, Path(folder), given.seconds)
        if given.visitors:
            crowds = [pages for pages in (1, given.visitors) for _ in range(given.rounds)]
            paces = [measure_crowd(playwright, Path(folder), given.seconds, given.visitors, pages) for pages in crowds]
            print("\npace of the machine after each, the best = 100:", *(round(100 * each / max(paces)) for each in paces))
    return 0


if __name__ == "__main__":
    sys.exit(main())
