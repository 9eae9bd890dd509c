"""The speech net for one session at a time and for all of a process in one run: ``python -m benchmarks.speech_net``.

CPU time a session and tick, ms: the median of several rounds over real speech, each session hearing another part of it; one after
the other in runs of their own, by a program that pushes all of them together, and by a thread each, all of which push at one
moment, as sessions of a server do when their ticks come together.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bithuman_core.audio import load_audio
from bithuman_core.settings import speech_clip
from bithuman_core.speech.net import SpeechNet, push_together
from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK

ROUNDS, TICKS, APART = 7, 60, 37  # ticks that sessions are apart in the clip


def cost(work: Callable[[int], object], sessions: int) -> float:
    """Median ms of CPU time that ``work(tick)`` takes for a session."""
    rounds = list[float]()
    for number in range(ROUNDS + 1):
        began = time.process_time()
        for tick in range(TICKS):
            work(TICKS * number + tick)
        rounds.append(1000 * (time.process_time() - began) / TICKS / sessions)
    return statistics.median(rounds[1:])


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", default="1,2,4,8,16")
    options = parser.parse_args()
    net, clip = SpeechNet.load(), load_audio(speech_clip(), SAMPLE_RATE)[0]
    whole = len(clip) // SAMPLES_PER_TICK * SAMPLES_PER_TICK
    ticks = np.ascontiguousarray(clip[:whole].reshape(-1, SAMPLES_PER_TICK), np.float32)
    print("sessions   one run each   one run for all   a thread each   (features included; ms a session and tick)")
    for sessions in map(int, options.sessions.split(",")):
        alone, together, threaded = ([net.stream() for _ in range(sessions)] for _ in range(3))

        def heard(tick: int, sessions: int = sessions) -> list[np.ndarray]:
            return [ticks[(tick + APART * k) % len(ticks)] for k in range(sessions)]

        def each(tick: int, streams: list = alone) -> None:  # type: ignore[type-arg]
            for stream, samples in zip(streams, heard(tick), strict=True):
                stream.push(samples)

        one, all_ = cost(each, sessions), cost(lambda tick, streams=together: push_together(streams, heard(tick)), sessions)
        with ThreadPoolExecutor(sessions) as threads:

            def at_once(tick: int, streams: list = threaded, threads: ThreadPoolExecutor = threads) -> None:  # type: ignore[type-arg]
                for _ in threads.map(lambda stream, samples: stream.push(samples), streams, heard(tick)):
                    pass

            many = cost(at_once, sessions)
        print(f"{sessions:8d}   {one:12.3f}   {all_:15.3f}   {many:13.3f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
