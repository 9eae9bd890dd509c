"""What it costs until an avatar begins to speak a text: ``python -m benchmarks.voice``

Printed are the CPU time of the first sentence's sound, and of the whole text, by the natural voice; medians of several texts.
"""

from __future__ import annotations

import time

import numpy as np

from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.voice import TextToSpeech

TEXTS = (
    "Hello there. I am an avatar, and I run on your own machine.",
    "The train to Edinburgh leaves at 9:45 a.m. from platform 3. It costs $24.50, which is not cheap. Shall I book it?",
    "Dr. Smith said: \"Take it twice a day.\" That was on March 4th, 2024. He has not been seen since.",
    "See https://www.example.com/help or call 555-0199. We answer within 24 hours. **Thank you** for waiting!",
)  # fmt: skip
TURNS = 5


def main() -> None:
    """Print the table."""
    speech = TextToSpeech()
    began = time.process_time()
    speech.look()
    print(f"loading {time.process_time() - began:.2f} s of CPU; {speech.voices[0].name}")
    first, whole, lasts = [], [], []
    for text in TEXTS * TURNS:
        began, samples = time.process_time(), 0
        for number, piece in enumerate(speech.stream(text)):
            if number == 0:
                first.append(time.process_time() - began)
            samples += piece.size
        whole.append(time.process_time() - began)
        lasts.append(samples / SAMPLE_RATE)
    print(f"first sentence {1000 * np.median(first):.0f} ms of CPU (at most {1000 * np.max(first):.0f}), "
          f"whole text {1000 * np.median(whole):.0f} ms for {np.median(lasts):.1f} s of speech")  # fmt: skip


if __name__ == "__main__":
    main()
