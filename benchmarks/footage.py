"""What a footage avatar is worth: every figure of a film against what is really said in it.

    python -m benchmarks.footage                     # Mara, drawn by our own renderer: her mouth is known
    python -m benchmarks.footage CLIP.mp4 [...]      # films of people, for one's own eyes

Driven by the film's own sound, or by what was measured of its own mouth, each frame k is drawn into the frame 2 s later: what one
sees is another head, the same words ("own head": into the calm frame k itself). "as it is" is the undrawn film under the same
shift: what chance gives; "photo" a photo avatar of the film's calmest frame. "SSIM" is of the mouth's box,
where a frame's open mouth is drawn into one whose upper face is alike and which learnt nothing from it. ``--memory`` builds the
film once more in a process of its own, and counts what that holds and what its avatar does.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_closing, binary_dilation, binary_erosion, binary_fill_holes, binary_opening, gaussian_filter1d
from skimage.metrics import structural_similarity

from bithuman_core.audio import float32_to_int16, load_audio, write_video
from bithuman_core.build import build_avatar
from bithuman_core.build.footage.builder import Footage, footage_arrays, read_footage
from bithuman_core.build.footage.clip.reading import at_frame_rate
from bithuman_core.build.footage.mouth.articulation import heard_mouths, measured_mouths
from bithuman_core.build.footage.mouth.interiors import patch
from bithuman_core.build.footage.person.person import LIPS
from bithuman_core.build.footage.person.tracking import ONE_LOOK, track
from bithuman_core.build.photo.clip import Clip as Film
from bithuman_core.build.photo.models import load_face_nets
from bithuman_core.engine import Fixture, render_clip
from bithuman_core.face import ARKIT_NAMES, FaceState
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.render import FootageRenderer, FootageRig, any_rig, renderer_for
from bithuman_core.render.footage.film import FilmPlayer
from bithuman_core.settings import speech_clip
from bithuman_core.speech.net import SpeechNet
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

Frames = list[NDArray[np.uint8]]
SHIFT = 2 * FPS  # frames
OPEN = 0.03  # face widths of lip gap
ALIKE, FAR, MOST_PAIRS = 1.3, 12, 40  # px (512 px frames) between upper faces of a pair, frames apart; pairs that are compared
BOX = 0.1  # face widths about the lips: the box in which they are
STEADY = [33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 327, 129, 358, 127, 356, 50, 280, 118, 347, 8, 9, 107, 336]
"""MediaPipe points that speech does not move."""
BY_FRAME = ("film", "matte", "behind", "pose", "rest_amount")
"""Arrays of an avatar that grow with its film."""
# fmt: off
LIP_LINES = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 78, 95, 88, 178, 87, 14,
             317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191]
# fmt: on


@dataclass(frozen=True)
class Clip:
    """Frames (RGB, 25 a second) and the sound that they show, int16 at 16 kHz; None where there is none of their own."""

    name: str
    frames: Frames
    sound: NDArray[np.int16] | None
    faces: list[FaceState] | None = None
    """What was drawn, where it is known."""


def own_clip(seconds: float) -> Clip:
    """Mara speaks, our renderer films her."""
    sound, _ = load_audio(speech_clip(), SAMPLE_RATE)
    samples = float32_to_int16(np.resize(sound, int(seconds * SAMPLE_RATE)))
    ticks = list(render_clip(Fixture("mara"), samples, 3))
    frames = [np.ascontiguousarray(t.frame[:, :, ::-1]) for t in ticks]
    return Clip("Mara, rendered", frames, samples, [t.face for t in ticks])


def clip_of(path: Path, seconds: float, silent: bool) -> Clip:
    """A file's first seconds."""
    frames = list(islice(at_frame_rate(Film(path).film()), int(seconds * FPS)))
    if silent:
        return Clip(path.stem, frames, None)
    sound, _ = load_audio(path, SAMPLE_RATE)
    return Clip(path.stem, frames, float32_to_int16(sound)[: len(frames) * SAMPLES_PER_TICK])


def marks(frames: Sequence[NDArray[np.uint8]], looks: Any = ONE_LOOK) -> NDArray[np.float64]:
    """Landmarks [n, 478, 2] of RGB frames."""
    return track(load_face_nets(), list(frames), 1, looks).landmarks[..., :2].astype(np.float64)


def mouth(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(gap, width) [n] in face widths."""
    face = np.linalg.norm(points[:, 454] - points[:, 234], axis=-1)
    gap, width = (np.linalg.norm(points[:, a] - points[:, b], axis=-1) / face for a, b in ((13, 14), (61, 291)))
    return gap, width


def aligned(points: NDArray[np.float64], to: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points [478, 2] after the affine map that brings the steady ones to ``to``."""
    a = np.concatenate([points, np.ones((len(points), 1))], 1)
    return a @ np.linalg.lstsq(a[STEADY], to[STEADY], rcond=None)[0]


def like(drawn: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, float]:
    """How the mouths of n frames compare with the true ones.

    The width is measured on faces brought to one pose: it differs by a few px, and so does the oval of a head that turns.
    "steady px" is what that leaves of points that speech does not move: lips of another head cannot lie nearer.
    """
    (gap, _), (true_gap, _) = mouth(drawn), mouth(true)
    upright = [[aligned(points, true[0]) for points in of] for of in (drawn, true)]
    width, true_width = (np.linalg.norm(np.array(of)[:, 61] - np.array(of)[:, 291], axis=-1) for of in upright)
    face = float(np.median(np.linalg.norm(true[:, 454] - true[:, 234], axis=-1)))
    apart = np.array([np.linalg.norm(aligned(a, b) - b, axis=1) for a, b in zip(drawn, true, strict=True)]) * 200 / face
    return {
        "gap r": float(np.corrcoef(gap, true_gap)[0, 1]),
        "width r": float(np.corrcoef(width, true_width)[0, 1]),
        "width spread": float(width.std() / true_width.std()),
        "gap mean": float(gap.mean()),
        "true": float(true_gap.mean()),
        "spread": float(gap.std() / true_gap.std()),
        "LMD px": float(apart[:, LIP_LINES].mean()),
        "steady px": float(apart[:, STEADY].mean()),
    }


def shifted(rig: FootageRig, faces: list[FaceState]) -> Iterator[NDArray[np.uint8]]:
    """Each face in the frame two seconds on, there and back, RGB."""
    renderer, last = FootageRenderer(rig), rig.frames - 1
    for k, face in enumerate(faces):
        at = (k + SHIFT) % (2 * last)
        yield np.ascontiguousarray(renderer.render(face, at if at <= last else 2 * last - at)[:, :, ::-1])


def alike_pairs(footage: Footage, true: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(Frame that is drawn into, frame with an open mouth) whose upper faces agree; the former has nothing of the latter."""
    upper = true[:, STEADY]
    unit = 512 / min(footage.size)
    (gap, _), at = mouth(true), np.arange(len(true))
    shown = footage.interiors.patches
    pairs = []
    for k in np.flatnonzero(gap > OPEN):
        apart = np.sqrt(((upper - upper[k]) ** 2).sum(-1).mean(1)) * unit
        apart[(np.abs(at - k) < FAR) | (footage.plan.donors[:, k] > 0)] = np.inf
        own = patch(footage.pixels[int(k)], footage.ring.interior[k])
        if apart.min() < ALIKE and not (np.abs(shown - own).reshape(len(shown), -1).max(1) < 1).any():
            pairs.append((int(apart.argmin()), int(k)))
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(MOST_PAIRS, len(pairs))).astype(int))
    return [pairs[n] for n in chosen]


def likeness(footage: Footage, rig: FootageRig, sets: dict[str, list[FaceState]], true: NDArray[np.float64]) -> dict[str, float]:
    """SSIM of the mouth's box over pairs of frames that are alike: drawn, and as it is."""
    pairs = alike_pairs(footage, true)
    if not pairs:
        return {"pairs": 0}
    renderer = FootageRenderer(rig)
    found: dict[str, float] = {}
    margin = BOX * rig.face_width * rig.scale

    def score_of(made: NDArray[np.uint8], k: int) -> float:
        lips = true[k, LIP_LINES]
        (x0, y0), (x1, y1) = (lips.min(0) - margin).astype(int).clip(0), (lips.max(0) + margin).astype(int)
        box = slice(y0, y1), slice(x0, x1)
        return float(structural_similarity(made[box], footage.pixels[k][box], channel_axis=2))  # type: ignore[arg-type]

    for name, faces in sets.items():
        drawn = [score_of(renderer.render(faces[k], into)[:, :, ::-1], k) for into, k in pairs if k < len(faces)]
        found[name] = float(np.mean(drawn))
    found["as it is"] = float(np.mean([score_of(footage.pixels[into], k) for into, k in pairs]))
    return found | {"pairs": len(pairs)}


def cost(rig: FootageRig, faces: list[FaceState], ticks: int = 500) -> dict[str, float]:
    """ms of CPU a frame: decoding, and all."""

    def ms(call: Callable[[int], Any]) -> float:
        times = []
        for k in range(ticks):
            begin = time.thread_time()
            call(k)
            times.append(1e3 * (time.thread_time() - begin))
        return float(np.mean(times))

    count = rig.frames
    player, renderer = FilmPlayer(rig.film), FootageRenderer(rig)
    decode = ms(lambda k: player.frame(k % count, [(k + 1) % count]))
    whole = ms(lambda k: renderer.render(faces[k % len(faces)], k % count, [(k + 1) % count]))
    return {"decode ms": decode, "draw ms": whole - decode}


def steadiness(rig: FootageRig, faces: list[FaceState] | None) -> dict[str, float]:
    """How much lips tremble against the face at constant coefficients, px of 512 rms (fast motion): drawn, and untouched: those
    of the film, which are shut, and, where the faces of the clip are known, the same open lips as the clip's own renderer draws
    them, which the landmark net sees less steadily."""
    renderer, player = FootageRenderer(rig), FilmPlayer(rig.film)
    still = range(min(60, rig.frames))
    opened = {"jawOpen": 0.3, "mouthUpperUpLeft": 0.2, "mouthUpperUpRight": 0.2}

    def trembles(draw: Callable[[int], NDArray[np.uint8]]) -> float:
        points = marks([np.ascontiguousarray(draw(k)[:, :, ::-1]) for k in still])
        lips = np.stack([aligned(p, points[0])[list(LIPS)] for p in points])
        fast = lips - gaussian_filter1d(lips, 2, axis=0)
        return float(np.sqrt((fast.mean(1) ** 2).sum(-1).mean())) * 512 / min(rig.size)

    found = {"open, drawn": trembles(lambda k: renderer.render(FaceState.from_mapping(opened), k))}
    if faces is not None:
        character = renderer_for(Fixture("mara").rig)
        silent = {n: 0.0 for n in ARKIT_NAMES if n.startswith(("jaw", "mouth"))}
        found["open, true"] = trembles(lambda k: character.render(_with(faces[k], silent | opened)))
        found["shut, true"] = trembles(lambda k: character.render(_with(faces[k], silent)))
    return found | {"shut, film": trembles(player.frame)}


def _with(face: FaceState, other: dict[str, float]) -> FaceState:
    """A face with other coefficients."""
    made = FaceState(face.values.copy())
    for name, value in other.items():
        made[name] = value
    return made


def edges(rig: FootageRig) -> float:
    """Slope in a band of 5 px about the border of all that is drawn, drawn over undrawn."""
    renderer, player, ratios = FootageRenderer(rig), FilmPlayer(rig.film), []
    for k in range(0, rig.frames, max(rig.frames // 12, 1)):
        frame = player.frame(k).astype(np.float64).mean(-1)
        drawn = renderer.render(FaceState.from_mapping({"jawOpen": 0.35}), k).astype(np.float64).mean(-1)
        area = binary_opening(binary_fill_holes(binary_closing(drawn != frame, iterations=3)), iterations=2)
        band = binary_dilation(area, iterations=2) & ~binary_erosion(area, iterations=3)
        slopes = [np.hypot(*np.gradient(picture))[band].mean() for picture in (drawn, frame)]
        ratios.append(slopes[0] / slopes[1])
    return float(np.median(ratios))


HELD = """
import sys, psutil, numpy as np
from bithuman_core.engine import Engine, Fixture
sound = (3000 * np.random.default_rng(0).standard_normal((250, 640))).astype(np.int16)
fixture, engines, held = Fixture(sys.argv[1]), [], []
for k in range(3):
    engines.append(Engine(fixture, k))
    for tick in sound:
        engines[k].step(tick)
    held.append(psutil.Process().memory_info().rss / 2**20)
print(held[0], (held[2] - held[0]) / 2)
"""
"""What a process holds with one session of an avatar, and what a further one adds, MiB."""


USED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)
"""
"""MiB at most and CPU s of a command: in a process of its own, for a new process counts what the one held that began it."""


def memory(clip: Clip, path: Path | None) -> dict[str, float]:
    """MiB at most while a process builds the clip, what one holds with its avatar, and for each further session.

    path: the clip's own file; one of our own frames is written without loss.
    """
    with TemporaryDirectory() as folder:
        film, avatar = path or Path(folder) / "clip.mp4", Path(folder) / "clip.imx"
        if path is None:
            sound = np.zeros(len(clip.frames) * SAMPLES_PER_TICK, np.int16) if clip.sound is None else clip.sound
            write_video(film, iter(clip.frames), sound, SAMPLE_RATE, pixel_format="rgb24")
        command = [sys.executable, "-m", "bithuman_core", "build", str(film), "-o", str(avatar), "--kind", "footage"]
        built = subprocess.run(
            [sys.executable, "-c", USED, *command, "--consent", "benchmark"], capture_output=True, text=True, check=False
        )
        if built.returncode:
            return {"not built": float(built.returncode)}
        most, spent = map(float, built.stdout.split())
        lives = subprocess.run([sys.executable, "-c", HELD, str(avatar)], capture_output=True, text=True, check=True)
        held = lives.stdout.split()
        return {
            "build MiB": most,
            "build CPU s a second": spent / len(clip.frames) * FPS,
            "one avatar MiB": float(held[0]),
            "a further session MiB": float(held[1]),
            "file MB": avatar.stat().st_size / 1e6,
        }


def photo_avatar(frame: NDArray[np.uint8], folder: Path) -> Fixture:
    """What one picture of the same person becomes."""
    picture = BytesIO()
    Image.fromarray(frame).save(picture, "PNG")
    return Fixture(build_avatar(picture.getvalue(), folder / "photo.imx", consent="benchmark").path)


def print_photo_rows(fixture: Fixture, sets: dict[str, list[FaceState]], true: NDArray[np.float64]) -> None:
    """The same faces on the photo avatar, and how often its mouth is seen open while it listens to silence."""
    renderer = renderer_for(fixture.rig)
    for name, faces in sets.items():
        drawn = [np.ascontiguousarray(renderer.render(face)[:, :, ::-1]) for face in faces]
        print_row(f"photo, {name}", like(marks(drawn), true[: len(faces)]))
    idle = [np.ascontiguousarray(t.frame[:, :, ::-1]) for t in render_clip(fixture, np.zeros(10 * SAMPLE_RATE, np.int16), 3)]
    print_row("photo, others", {"open in silence": float((mouth(marks(idle[::2]))[0] > OPEN).mean())})


def score(clip: Clip) -> None:
    """Print everything about a clip."""
    begin = time.process_time()
    footage = read_footage(lambda: clip.frames)
    manifest, arrays, notes = footage_arrays(footage, "film", sound=clip.sound)
    spent = time.process_time() - begin
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.imx"
        write_imx(path, manifest, arrays)
        size, fixture = path.stat().st_size, Fixture(path)
    by_frame = sum(arrays[name].nbytes for name in BY_FRAME if name in arrays)
    rig = fixture.rig
    assert isinstance(rig, FootageRig)
    seconds = len(clip.frames) / FPS
    plan = footage.plan
    print(f"\n{clip.name}: {seconds:.1f} s, {rig.size[0]} px, face {footage.person.face_width * rig.scale:.0f} px")
    whole = size + by_frame * (20 / seconds - 1)
    print(f"  build {spent / seconds:.2f} s CPU a second, file {size / 1e6:.2f} MB ({whole / 1e6:.2f} for 20 s), "
          f"smoothing {footage.person.error / 2:.2f} px, activity {np.median(plan.activity):.3f} "
          f"({100 * (plan.activity <= 0.015).mean():.0f} % under .015), own mouth in {100 * (plan.keeps > 0.5).mean():.0f} %, "
          f"{len(footage.interiors.gap)} open mouths{' (made up)' if footage.made_up else ''}, "
          f"{len(rig.walk.turning)} turning points, {len(rig.walk.jumps)} jumps")  # fmt: skip
    print(f"  gain {rig.gain:.2f}, of the width {rig.width_gain:.2f} {' '.join(notes)}")
    true = marks(list(footage.pixels))
    silent = FootageRenderer(rig)
    quiet, _ = mouth(marks([np.ascontiguousarray(silent.render(FaceState(), k)[:, :, ::-1]) for k in range(0, rig.frames, 2)]))
    sets = {"measured": measured_mouths(footage.template, footage.person)}
    if clip.sound is not None:
        sets["speech net"] = heard_mouths(fixture.net, clip.sound)[: rig.frames]
    for name, faces in sets.items():
        print_row(name, like(marks(list(shifted(rig, faces))), true[: len(faces)]))
    own = FootageRenderer(rig)
    drawn = [np.ascontiguousarray(own.render(face, k)[:, :, ::-1]) for k, face in enumerate(sets["measured"])]
    print_row("measured, own head", like(marks(drawn), true))
    with TemporaryDirectory() as folder:
        print_photo_rows(photo_avatar(footage.pixels[int(plan.activity.argmin())], Path(folder)), sets, true)
    last = rig.frames - 1
    order = [(k + SHIFT) % (2 * last) for k in range(rig.frames)]
    print_row("as it is", like(true[[k if k <= last else 2 * last - k for k in order]], true))
    print_row("SSIM", likeness(footage, rig, sets, true))
    print_row("cost", cost(rig, sets.get("speech net", sets["measured"])))
    print_row("trembling, px", steadiness(rig, clip.faces))
    print_row("others", {"open in silence": float((quiet > OPEN).mean()), "slope at the border": edges(rig)})


def print_row(name: str, figures: dict[str, float]) -> None:
    """One line."""
    print(f"  {name:18s}" + "  ".join(f"{key} {value:.3f}" for key, value in figures.items()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="of a clip that are used")
    parser.add_argument("--silent", action="store_true", help="the sound of the clips is not theirs")
    parser.add_argument("--memory", action="store_true", help="print what a build and its avatar hold, and nothing else")
    parser.add_argument("--avatar", type=Path, help="only the cost of a footage avatar that is there")
    options = parser.parse_args()
    if options.avatar:
        rig = any_rig(read_imx(options.avatar))
        assert isinstance(rig, FootageRig), "not a footage avatar"
        sound, _ = load_audio(speech_clip(), SAMPLE_RATE)
        print_row(options.avatar.name, cost(rig, heard_mouths(SpeechNet.load(), float32_to_int16(sound))))
        return
    for path in options.clips or [None]:
        clip = own_clip(12.0) if path is None else clip_of(path, options.seconds, options.silent)
        if options.memory:
            print_row(clip.name, memory(clip, path))
        else:
            score(clip)


if __name__ == "__main__":
    main()
