"""An avatar says a sound file into a video, in one line.

    python -m examples.save_video speech.wav talk.mp4 [avatar.imx]
"""

from __future__ import annotations

import sys

import bithuman_core
from bithuman_core.settings import default_avatar


def main(speech: str, video: str, model_path: str | None = None) -> None:
    with bithuman_core.open(model_path or default_avatar()) as avatar:
        avatar.render(speech, out_mp4=video)
    print("written:", video)


if __name__ == "__main__":
    main(*sys.argv[1:])
