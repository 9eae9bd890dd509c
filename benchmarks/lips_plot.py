"""One sentence as a picture: the lip gap of every engine against the phones, and the gap measured on real lips by phone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bithuman_core.files import replacing

SECOND, HEIGHT, MARGIN = 420, 300, (56, 56, 24, 44)  # px a second, px, left top right bottom
TOP_GAP = 0.22  # interocular distances at the upper edge
CLOSED_GAP = 0.02
COLOURS = {"real lips, by phone": "#b9bec6", "ours": "#d1495b", "loudness": "#8d99ae", "pocketsphinx": "#2a9d8f",
           "wawa-lipsync": "#e9c46a", "headaudio": "#7b6cb0"}  # fmt: skip
CONTACT, INK, PAPER = "#fbe3d6", "#2b2d42", "#ffffff"
Track = NDArray[np.floating]


def draw(path: Path, text: str, segments: list[tuple[float, float, str]], tracks: dict[str, Track]) -> None:
    """Write ``path``: ``tracks`` are lip gaps at 25 frames a second by engine, in the order of drawing."""
    left, top, right, bottom = MARGIN
    length = segments[-1][1]
    width = int(length * SECOND) + left + right
    image = Image.new("RGB", (width, HEIGHT + top + bottom), PAPER)
    pen = ImageDraw.Draw(image)
    small, large = ImageFont.load_default(15), ImageFont.load_default(18)
    floor = top + HEIGHT

    def x(seconds: float) -> float:
        return left + seconds * SECOND

    def y(gap: float) -> float:
        return floor - min(gap, TOP_GAP) / TOP_GAP * HEIGHT

    for start, end, phone in segments:
        if phone in ("p", "b", "m"):
            pen.rectangle((x(start), top, x(end), floor), fill=CONTACT)
        if phone not in ("pau", "sil"):
            pen.text(((x(start) + x(end)) / 2, floor + 6), phone, fill=INK, font=small, anchor="ma")
    for gap in (0.0, 0.05, 0.10, 0.15, 0.20):
        pen.line((left, y(gap), width - right, y(gap)), fill="#e5e7eb")
        pen.text((left - 8, y(gap)), f"{gap:.2f}", fill=INK, font=small, anchor="rm")
    pen.line((left, y(CLOSED_GAP), width - right, y(CLOSED_GAP)), fill="#9aa0ab")
    note = "lip gap / distance of the eyes; shaded: p b m; grey line: closed"
    pen.text((width - right, floor + 26), note, fill=INK, font=small, anchor="ra")
    pen.text((left, 10), text, fill=INK, font=large)
    at = left
    for name, track in tracks.items():
        points = [(x((k + 0.5) / 25), y(float(v))) for k, v in enumerate(track) if (k + 0.5) / 25 <= length]
        pen.line(points, fill=COLOURS[name], width=4 if name == "ours" else 3, joint="curve")
        pen.line((at, 42, at + 26, 42), fill=COLOURS[name], width=4)
        pen.text((at + 32, 42), name, fill=INK, font=small, anchor="lm")
        at += 50 + int(small.getlength(name))
    with replacing(path) as temporary:
        image.save(temporary, quality=85)
