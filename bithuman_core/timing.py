"""The tick: every stage of the pipeline works in steps of 40 ms."""

from __future__ import annotations

SAMPLE_RATE = 16_000  # Hz, mono
FPS = 25  # frames a second
SAMPLES_PER_TICK = SAMPLE_RATE // FPS  # 640 samples = 40 ms
TICK_SECONDS = 1.0 / FPS
LOOKAHEAD_TICKS = 2  # 80 ms: how far the speech net sees ahead; the audio is delayed by exactly as much
