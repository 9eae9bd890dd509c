"""The figures of one machine: CPU time of a tick and its stages, start-up time, memory."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bithuman_core.engine import Engine, Fixture, cut_into_ticks, padded_tick
from bithuman_core.motion.walk import Mood
from bithuman_core.settings import speech_clip
from bithuman_core.timing import FPS, SAMPLE_RATE, TICK_SECONDS
from bithuman_core.views import view

WARM_UP_TICKS = 25


def measure(avatar: Path, seconds: float, side: int | None = None) -> dict[str, Any]:
    """Render ``seconds`` of real speech, frames of ``side`` px (None: the avatar's own), and measure.

    x_realtime: 40 ms over the mean CPU time of a whole tick on one core. tick_ms_p50, tick_ms_p99: CPU time of a tick.
    stages: mean CPU time by stage in ms. first_frame_s: wall time from loading the avatar to its first frame (compiled
    kernels cached). rss_mb: resident memory after that first frame (one avatar, one session), MiB.
    """
    begin = time.perf_counter()
    fixture = Fixture(avatar, at_least=side or 0)
    engine = Engine(fixture)
    engine.step(None)
    first_frame = time.perf_counter() - begin
    memory = resident_memory_mb()
    from bithuman_core.audio import float32_to_int16, load_audio  # after the measurement: brings FFmpeg in

    speech, _ = load_audio(speech_clip(), SAMPLE_RATE)
    samples = float32_to_int16(np.resize(speech, round((WARM_UP_TICKS / FPS + seconds) * SAMPLE_RATE)))
    ticks = list(cut_into_ticks(samples))
    whole = _cpu_ms([lambda tick=tick: engine.step(tick) for tick in ticks])[WARM_UP_TICKS:]
    return {
        "x_realtime": 1e3 * TICK_SECONDS / float(whole.mean()),
        "tick_ms_p50": float(np.percentile(whole, 50)),
        "tick_ms_p99": float(np.percentile(whole, 99)),
        "stages": _stages(fixture, ticks),
        "first_frame_s": first_frame,
        "rss_mb": memory,
    }


def _stages(fixture: Fixture, ticks: list[Any]) -> dict[str, float]:
    stream, mixer, drawn = fixture.net.stream(), Engine(fixture).mixer, view(fixture.rig)
    heard, faces = [], []
    inputs = [padded_tick(tick) for tick in ticks]
    speech = _cpu_ms([lambda x=x: heard.append(stream.push(x)) for x in inputs])
    motion = _cpu_ms([lambda h=h, x=x: faces.append(mixer.next(h, x)) for h, x in zip(heard, inputs, strict=True)])
    render = _cpu_ms([lambda face=face: drawn.picture(face, Mood()) for face in faces])
    stages = {"speech": speech, "motion": motion, "render": render}
    return {name: float(times[WARM_UP_TICKS:].mean()) for name, times in stages.items()}


def _cpu_ms(calls: list[Any]) -> np.ndarray:
    """CPU time of this thread for each call, ms (the work of a tick stays in one thread)."""
    times = np.empty(len(calls))
    for index, call in enumerate(calls):
        begin = time.thread_time()
        call()
        times[index] = 1e3 * (time.thread_time() - begin)
    return times


def resident_memory_mb() -> float:
    """Resident memory of this process in MiB: now on Linux, at its peak elsewhere."""
    if sys.platform == "linux":
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
