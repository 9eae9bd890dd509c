"""The animated picture of the README: ``python -m benchmarks.clip models/mara.imx -o assets/mara.webp``.

An avatar speaks the shipped clip; what is seen is what the engine draws, made smaller. The picture is silent and plays in a loop.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image

from bithuman_core.audio import float32_to_int16, load_audio
from bithuman_core.engine import Fixture, render_clip
from bithuman_core.files import replacing
from bithuman_core.settings import speech_clip
from bithuman_core.timing import FPS, SAMPLE_RATE

EVERY = 2  # pictures: 12.5 a second are enough for a picture in a page


def main() -> int:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("avatar", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--start", type=float, default=0.5, help="where in the clip it begins, s")
    parser.add_argument("--seconds", type=float, default=3.2)
    parser.add_argument("--size", type=int, default=320, help="px")
    parser.add_argument("--quality", type=int, default=80)
    given = parser.parse_args()
    samples, _ = load_audio(speech_clip(), SAMPLE_RATE)
    begin = int(given.start * SAMPLE_RATE)
    spoken = float32_to_int16(samples[begin : begin + int(given.seconds * SAMPLE_RATE)])
    pictures = [
        Image.fromarray(tick.frame[..., ::-1]).resize((given.size, given.size), Image.Resampling.LANCZOS)
        for number, tick in enumerate(render_clip(Fixture(given.avatar), spoken))
        if number % EVERY == 0
    ]
    with replacing(given.output) as path:
        pictures[0].save(path, "WEBP", save_all=True, append_images=pictures[1:], duration=1000 * EVERY // FPS, loop=0,
                         quality=given.quality, method=6)  # fmt: skip
    print(f"{given.output}: {len(pictures)} pictures, {given.output.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
