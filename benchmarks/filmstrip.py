"""A contact sheet to look at: ``python -m benchmarks.filmstrip models/mara.imx -o docs/mara.webp``.

Every coefficient at 1, head poses, emotions (silent and while speaking), gestures, idle life, and a speech strip with its
phones, waveform and lip gap. Deterministic; the clip is one of tests/data.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bithuman_core.audio import float32_to_int16
from bithuman_core.engine import Engine, Fixture, cut_into_ticks
from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.files import replacing
from bithuman_core.render import PortraitRig, renderer_for
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLES_PER_TICK, TICK_SECONDS
from bithuman_core.types import Emotion
from tests.speech_clips import load_clip

COLUMNS, CELL, CAPTION, TITLE, PLOT = 12, 116, 13, 26, 54  # cells a row; px
HEAD_BOX = (0.15, 0.08, 0.85, 0.78)  # of the frame: left, top, right, bottom
MOUTH_BOX = (0.33, 0.44, 0.67, 0.78)
CLIP, CLIP_START = "1688-142285-0008", 1.0  # s
SPEECH_ROWS = 3
SEED = 3
GESTURE_LEAD = 0.1  # s before the first picture of a gesture
INK, FAINT, PAPER, GAP_INK = (40, 40, 44), (170, 170, 176), (250, 250, 250), (200, 60, 40)

Cell = tuple[str, Image.Image]


class Sheet:
    """Rows of captioned pictures below each other."""

    def __init__(self, title: str) -> None:
        self._rows: list[Image.Image] = []
        self._fonts = ImageFont.load_default(11), ImageFont.load_default(17)
        self.title(title)

    def _row(self, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        row = Image.new("RGB", (COLUMNS * CELL, height), PAPER)
        self._rows.append(row)
        return row, ImageDraw.Draw(row)

    def title(self, text: str) -> None:
        """A heading."""
        _, draw = self._row(TITLE)
        draw.text((4, 3), text, INK, self._fonts[1])

    def cells(self, cells: Iterable[Cell]) -> None:
        """Pictures with a caption under each, as many rows as they need."""
        cells = list(cells)
        for start in range(0, len(cells), COLUMNS):
            row, draw = self._row(CELL + CAPTION)
            for column, (caption, picture) in enumerate(cells[start : start + COLUMNS]):
                row.paste(picture.resize((CELL, CELL), Image.Resampling.LANCZOS), (column * CELL, 0))
                draw.text((column * CELL + 3, CELL - 1), caption, INK, self._fonts[0])

    def plot(self, samples: NDArray[np.float32], gaps: NDArray[np.float64]) -> None:
        """The waveform of a row of frames, and their lip gaps (interocular distances) as a curve."""
        _, draw = self._row(PLOT)
        middle, width = PLOT // 2, COLUMNS * CELL
        for x, part in enumerate(np.array_split(samples, width)[: int(width * gaps.size / COLUMNS)]):
            reach = 1.0 + 2.0 * middle * float(np.abs(part).max(initial=0.0))
            draw.line((x, middle - reach, x, middle + reach), FAINT)
        line = [((k + 0.5) * CELL, PLOT - 3 - 3.0 * PLOT * gap) for k, gap in enumerate(gaps.tolist())]
        draw.line(line, GAP_INK, 2)

    def save(self, path: Path) -> None:
        """Write the sheet; the ending of the name chooses the format."""
        picture = Image.new("RGB", (COLUMNS * CELL, sum(row.height for row in self._rows)), PAPER)
        top = 0
        for row in self._rows:
            picture.paste(row, (0, top))
            top += row.height
        with replacing(path) as temporary:
            picture.save(temporary, quality=72, method=6) if path.suffix == ".webp" else picture.save(temporary)


class Camera:
    """Renders faces of an avatar and cuts a box out of the frame."""

    def __init__(self, fixture: Fixture) -> None:
        self._renderer = renderer_for(fixture.rig)

    def __call__(self, face: FaceState, box: tuple[float, float, float, float] = HEAD_BOX) -> Image.Image:
        frame = Image.fromarray(self._renderer.render(face)[..., ::-1])
        left, top, right, bottom = box
        return frame.crop((round(left * frame.width), round(top * frame.height), round(right * frame.width),
                           round(bottom * frame.height)))  # fmt: skip


def spread(count: int, wanted: int = COLUMNS) -> NDArray[np.intp]:
    """``wanted`` ticks spread over the first ``count``."""
    return np.linspace(0, count - 1, wanted).round().astype(np.intp)


def emotion_cells(fixture: Fixture, camera: Camera, sound: NDArray[np.int16]) -> list[Cell]:
    """Each emotion after its fade: in silence, and at the widest mouth of the first second of speech."""
    silent, spoken = [], []
    for emotion in Emotion:
        engine = Engine(fixture, SEED)
        engine.mixer.expression.feel({emotion: 1.0})
        faces = [engine.animate()[0] for _ in range(40)]
        silent.append((emotion.value, camera(min(faces[-12:], key=lambda face: face["eyeBlinkLeft"]))))  # not in a blink
        faces = [engine.animate(tick)[0] for tick in cut_into_ticks(sound[:16_000])]
        spoken.append((f"{emotion.value}, speaking", camera(max(faces, key=lambda face: face["jawOpen"]))))
    blank = Image.new("RGB", (CELL, CELL), PAPER)
    return [*silent, *[("", blank)] * (COLUMNS - len(silent)), *spoken]


def gesture_cells(fixture: Fixture, camera: Camera, name: str) -> list[Cell]:
    """A gesture from its beginning to its end."""
    engine = Engine(fixture, SEED)
    engine.mixer.stillness = 1.0
    for _ in range(10):
        engine.animate()
    engine.mixer.gestures.play(name)
    ticks = round((fixture.gestures[name].seconds + GESTURE_LEAD) / TICK_SECONDS)
    faces = [engine.animate()[0] for _ in range(ticks)]
    return [(f"{name} {k * TICK_SECONDS:.2f} s", camera(faces[k])) for k in spread(ticks)]


def idle_cells(fixture: Fixture, camera: Camera, seconds: float = 36.0) -> list[Cell]:
    """Idle life, a picture every second and a half."""
    engine = Engine(fixture, SEED)
    faces = [engine.animate()[0] for _ in range(round(seconds / TICK_SECONDS))]
    return [(f"{k * TICK_SECONDS:.1f} s", camera(faces[k])) for k in range(0, len(faces), 38)][: 2 * COLUMNS]


def add_speech(sheet: Sheet, fixture: Fixture, camera: Camera) -> None:
    """Every frame of a second and a half of speech, with the phones of the clip."""
    samples, phones = load_clip(CLIP)
    engine = Engine(fixture, SEED)
    ticks = [*cut_into_ticks(float32_to_int16(samples)), *[None] * LOOKAHEAD_TICKS]
    faces = [engine.animate(tick)[0] for tick in ticks][LOOKAHEAD_TICKS:]
    first = round(CLIP_START / TICK_SECONDS)
    for start in range(first, first + SPEECH_ROWS * COLUMNS, COLUMNS):
        row = range(start, start + COLUMNS)
        times = [(k + 0.5) * TICK_SECONDS for k in row]
        said = [next((phone for a, b, phone in phones if a <= t < b), "") for t in times]
        sheet.cells((f"{t:.2f} s  {phone}", camera(faces[k], MOUTH_BOX)) for k, t, phone in zip(row, times, said, strict=True))
        gaps = np.array([fixture.rig.measure(faces[k]).gap for k in row])
        sheet.plot(samples[start * SAMPLES_PER_TICK : (start + COLUMNS) * SAMPLES_PER_TICK], gaps)


def build(fixture: Fixture) -> Sheet:
    """The whole sheet of an avatar."""
    camera, sheet = Camera(fixture), Sheet(fixture.manifest.name)
    sound = float32_to_int16(load_clip(CLIP)[0])
    sheet.title("Emotions: silent, speaking")
    sheet.cells(emotion_cells(fixture, camera, sound))
    sheet.title("Head: limits of each value")
    limits = fixture.rig.limits() if isinstance(fixture.rig, PortraitRig) else {}
    poses = [(f"{name} {v:g}", FaceState.from_mapping({name: v})) for name, pair in limits.items() for v in pair]
    sheet.cells((caption, camera(face)) for caption, face in poses)
    sheet.title("Coefficients at 1")
    faces = {"neutral": FaceState(), **{name: FaceState.from_mapping({name: 1.0}) for name in ARKIT_NAMES}}
    sheet.cells((name, camera(face)) for name, face in faces.items())
    sheet.title("Gestures")
    for name in sorted(fixture.gestures):
        sheet.cells(gesture_cells(fixture, camera, name))
    sheet.title("Idle life")
    sheet.cells(idle_cells(fixture, camera))
    sheet.title("Speech: every frame, its phone, waveform (grey) and lip gap (red)")
    add_speech(sheet, fixture, camera)
    return sheet


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatar", type=Path, help="an .imx file")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the picture to write (.webp, .png)")
    options = parser.parse_args()
    build(Fixture.load(options.avatar)).save(options.output)
    print(f"{options.output}: {options.output.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
