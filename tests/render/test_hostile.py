"""Avatar files of strangers: whatever stands in one, it is drawn or refused with a sentence, within two seconds.

Files are tried in a process of their own, so that one that ends it is a failed test. The cases below have all failed once, or
lie beside one that has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.fuzz_imx import LIMIT_SECONDS, tried
from benchmarks.imx_mutations import mutated
from benchmarks.imx_parts import Parts, encoded, small
from benchmarks.imx_trial import FINE, REFUSED, Outcome, Trials
from bithuman_core.errors import ModelLoadError
from bithuman_core.imx.bounds import BOUNDS, as_name, finite32, is_name, number
from bithuman_core.imx.loader_errors import loader
from bithuman_core.render.texel import LARGEST
from bithuman_core.settings import models_dir

FUZZED = 300
Change = Callable[[Parts], object]


def rig(**numbers: Any) -> Change:
    """These numbers of the rig."""
    return lambda parts: parts.manifest["rig"].update(numbers)


def gaze(**degrees: Any) -> Change:
    return lambda parts: parts.manifest["rig"]["gaze_degrees"].update(degrees)


def eye(**numbers: Any) -> Change:
    return lambda parts: parts.manifest["rig"]["eyes"]["left"].update(numbers)


def entry(**entries: Any) -> Change:
    """These entries of the manifest."""
    return lambda parts: parts.manifest.update(entries)


def array(name: str, change: Callable[[Any], Any]) -> Change:
    def changed(parts: Parts) -> None:
        with np.errstate(all="ignore"):
            parts.arrays[name] = np.ascontiguousarray(change(parts.arrays[name]))

    return changed


def filled(name: str, value: float) -> Change:
    return array(name, lambda old: np.full_like(old, value))


def both(*changes: Change) -> Change:
    return lambda parts: [change(parts) for change in changes]


def one_triangle_at(y: float, distance: float) -> Change:
    """The still part of the backdrop: one triangle that lies so far down."""

    def changed(parts: Parts) -> None:
        points = np.array([[-9e9, y, 0], [9e9, y, 0], [0, y + 5e9, 0]], np.float32)
        parts.arrays |= {
            "backdrop_vertices": points, "backdrop_uv": np.ones((3, 2), np.float32), "backdrop_weight": np.zeros(3, np.uint8),
            "backdrop_triangles": np.array([[0, 1, 2]], np.uint16),
        }  # fmt: skip
        parts.manifest["rig"]["distance"] = distance

    return changed


def all_large(name: str) -> Change:
    """Every triangle of a mesh fills the frame."""
    corners = np.array([[-900, -900, 0], [900, -900, 0], [0, 2000, 0]], np.float32) / 8

    def changed(parts: Parts) -> None:
        parts.arrays[f"{name}vertices"] = np.concatenate([corners, parts.arrays[f"{name}vertices"][3:]])
        triangles = parts.arrays[f"{name}triangles"]
        parts.arrays[f"{name}triangles"] = np.tile(np.array([[0, 1, 2]], np.uint16), (len(triangles), 1))

    return changed


def landmarks_in_one_place(parts: Parts) -> None:
    parts.arrays["landmark_index"] = np.full_like(parts.arrays["landmark_index"], 7)


def rows(parts: Parts, count: int) -> None:
    """So many vertices, all but ours unused."""
    for name in ("vertices", "uv", "weight"):
        old = parts.arrays[name]
        parts.arrays[name] = np.concatenate([old, np.repeat(old[:1], count - len(old), 0)])


def many_landmarks(parts: Parts) -> None:
    for name in ("landmark", "landmark_index", "landmark_weight"):
        parts.arrays[name] = np.concatenate([parts.arrays[name]] * 1000)


def deep(parts: Parts) -> None:
    inner: Any = 0
    for _ in range(900):
        inner = [inner]
    parts.manifest["provenance"] = {"deep": inner}


HALF = "\ud83d"  # of a surrogate pair
NOD = {"headPitch": [[0, 0], [0.5, 5], [1, 0]]}
NAN, INF, WHOLE, BEYOND = float("nan"), float("inf"), 10**30, 10**400

REFUSED_ONES: dict[str, Change] = {
    # finite as float64, infinite as float32: the process ended
    "yaw 1e41": gaze(yaw=1e41),
    "up 1e41": gaze(up=1e41),
    "down 1.7e308": gaze(down=1.7e308),
    "mesh 8e18, camera 2e19": both(filled("backdrop_vertices", 8e18), rig(distance=2e19)),
    "backdrop times 1e16": both(array("backdrop_vertices", lambda a: a * np.float32(1e16)), rig(distance=2e19)),
    # rows beyond 2^31 took minutes
    "triangle below 2^31": one_triangle_at(3e9, 1e12),
    "triangle above -2^31": one_triangle_at(-3e9, 1e12),
    "every triangle fills the frame": all_large(""),
    "every triangle behind fills the frame": all_large("backdrop_"),
    # bare errors
    "distance 10^30": rig(distance=WHOLE),
    "distance 10^400": rig(distance=BEYOND),
    "pivot 10^30": rig(pivot=[0, WHOLE, 0]),
    "pivot 10^400": rig(pivot=[0, BEYOND, 0]),
    "limits 10^400": entry(limits={"headYaw": [-5, BEYOND]}),
    "limits true": entry(limits={"headYaw": [False, True]}),
    "gesture 10^400": entry(gestures={"nod": {"headPitch": [[0, 0], [0.5, BEYOND], [1, 0]]}}),
    "gesture 10^30": entry(gestures={"nod": {"headPitch": [[0, 0], [0.5, WHOLE], [1, 0]]}}),
    "gesture 1e300": entry(gestures={"nod": {"headPitch": [[0, 0], [0.5, 1e300], [1, 0]]}}),
    "gesture in no time": entry(gestures={"nod": {"headPitch": [[0, 0], [1e-320, 5], [1, 0]]}}),
    "place 1e300": eye(place=[1e300, 0]),
    "place -1": eye(place=[-1, 0]),
    "centre NaN": eye(centre=[NAN, 0]),
    "landmarks in one place": landmarks_in_one_place,
    "name half a pair": entry(name=HALF),
    "name with a line": entry(name="a\nb"),
    "name that turns round": entry(name="a\u202eb"),
    "gesture half a pair": entry(gestures={HALF: NOD}),
    "gesture with a line": entry(gestures={"a\nb": NOD}),
    "provenance half a pair": entry(provenance={"consent": HALF}),
    "canvas 10^400": entry(canvas=[BEYOND, 64]),
    "canvas negative": entry(canvas=[-64, 64]),
    "texture_scale in words": rig(texture_scale="2"),
    "texture_scale 10^400": rig(texture_scale=BEYOND),
    # numbers that vanish as float32, have the wrong sign, are not numbers or too many
    "distance 5e-324": rig(distance=5e-324),
    "yaw 1e-320": gaze(yaw=1e-320),
    "yaw true": gaze(yaw=True),
    "radius 1e-45": eye(radius=1e-45),
    "radius NaN": eye(radius=NAN),
    "face_width 1e-40": rig(face_width=1e-40),
    "face_width -5": rig(face_width=-5),
    "face_width wider than the canvas": rig(face_width=129),
    "shade_scale inf": rig(shade_scale=INF),
    "shade_scale 3e38": rig(shade_scale=3e38),
    "mouth_ambient 1e41": rig(mouth_ambient=1e41),
    "mouth_warmth 2": rig(mouth_warmth=2),
    "mouth_cover -1": rig(mouth_cover=-1),
    "pixel_filter 7": rig(pixel_filter=7),
    "principal NaN": rig(principal=[NAN, 3]),
    "corrective NaN": rig(correctives=[{"head": "headYaw", "degrees": NAN}] * 6),
    "20,000 correctives": rig(correctives=[{"product": ["jawOpen", "jawOpen"]}] * 20000),
    "20,000 gestures": entry(gestures={str(k): NOD for k in range(20000)}),
    "66,000 vertices": lambda parts: rows(parts, 66000),
    "8,000 landmarks": many_landmarks,
    "NaN in a mesh": filled("vertices", NAN),
    "inf in shapes": filled("shape_delta", INF),
    "uv -1e-38": filled("uv", -1e-38),
    "uv 1e38": filled("backdrop_uv", 1e38),
    "residual_scale 3e38": filled("residual_scale", 3e38),
    "detail_scale NaN": filled("detail_scale", NAN),
    "landmark_weight 1e38": filled("landmark_weight", 1e38),
    "picture 4096 x 4096": array("eye_left", lambda a: encoded(np.zeros((4096, 4096, 3), np.uint8))),
    "backdrop 4096 x 4096": array("backdrop", lambda a: encoded(np.zeros((4096, 4096, 3), np.uint8))),
    "no picture": array("texture", lambda a: a[:0]),
    "no vertices": array("vertices", lambda a: a[:0]),
    "a number for an array": array("landmark", lambda a: np.zeros((), np.uint16)),
}

FINE_ONES: dict[str, Change] = {
    "as it was": lambda parts: None,
    "names of any script": entry(name="山田\u3000太郎 👩\u200d🚀", gestures={"nicken": NOD}),
    "denormals in the mesh": array("vertices", lambda a: np.where(np.abs(a) < 1, np.float32(1e-45), a)),
    "denormal levels": filled("residual_scale", 1e-45),
    "strongest residuals": both(filled("residual_scale", 255), filled("detail_scale", -255)),
    "farthest gaze": gaze(yaw=90, up=90, down=90),
    "brightest eyes": rig(shade_scale=10),
    "farthest camera": rig(distance=1e6),
    "largest mesh": both(array("backdrop_vertices", lambda a: a * np.float32(1000)), rig(distance=1e6)),
    "no shapes": both(
        filled("shape_start", 0), *(array(name, lambda a: a[:0]) for name in ("shape_index", "shape_delta"))
    ),
    "mouth_ambient 0": rig(mouth_ambient=0),
    "deep provenance": deep,
}  # fmt: skip
EXPECTED = {name: (REFUSED, change) for name, change in REFUSED_ONES.items()}
EXPECTED |= {name: (FINE, change) for name, change in FINE_ONES.items()}


@pytest.fixture(scope="module")
def mara() -> Parts:
    """Mara at an eighth of her size."""
    return small(models_dir() / "mara.imx")


@pytest.fixture(scope="module")
def outcomes(mara: Parts, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What became of every case."""
    made, path = {}, tmp_path_factory.mktemp("hostile") / "avatar.imx"
    with Trials(LIMIT_SECONDS) as trials:
        for name, (_, change) in EXPECTED.items():
            parts = mara.copy()
            change(parts)
            path.write_bytes(parts.to_bytes())
            made[name] = trials.run(path)
    return made


@pytest.mark.parametrize("name", EXPECTED)
def test_what_failed_once(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.kind == EXPECTED[name][0], outcome.says
    assert not outcome.unforeseen, f"only the last net stopped it: {outcome.says}"


def test_mutations_are_drawn_or_refused(mara: Parts, tmp_path: Path) -> None:
    """A few hundred; ``python -m benchmarks.fuzz_imx`` tries 20,000."""
    made = list(tried(range(FUZZED), tmp_path, lambda seed: mutated(mara, seed)))
    failed = [(seed, what, outcome.kind, outcome.says) for seed, what, outcome in made if outcome.kind not in (FINE, REFUSED)]
    assert not failed, failed
    assert sum(outcome.kind == FINE for _, _, outcome in made) > FUZZED / 20


KERNELS = """
import numpy as np
from bithuman_core.render.bands import Bands
from bithuman_core.render.eyes import paint_eye
from bithuman_core.render.lanes import LANES
from bithuman_core.render.raster import rasterise

odd = [np.nan, np.inf, -np.inf, 3e9, -3e9, 1e19, -1e19, 3e38, -3e38, 1e-45, 5.0, 60.0, 0.0]
rng = np.random.default_rng(0)
points = rng.choice(np.array(odd, np.float32), (3000, 3)).astype(np.float32)
points[::3] = rng.uniform(-9, 70, (1000, 3))
uv = rng.choice(np.array(odd, np.float32), (3000, 2)).astype(np.float32)
triangles = rng.permutation(3000).astype(np.uint16).reshape(-1, 3)
part = rng.integers(0, 4, 1000).astype(np.uint8)
light = rng.choice(np.array(odd, np.float32), 3000)
size, guard = 64 * 64 + LANES, 4096
depth, words = np.full(size + 2 * guard, 7, np.float32), np.full(size + 2 * guard, 7, np.uint32)
glow = np.empty((64, 64), np.uint8)
order = np.arange(1000, dtype=np.uint32)
rasterise(points, uv, triangles, part, light, order, depth[guard:-guard], words[guard:-guard], glow, 0, 0.25)
bands = Bands(triangles, part, 128, 64, 0.25)
bands.sort(points)
bands.samples(points, uv, light)
for buffer in (depth, words):
    assert (buffer[:guard] == 7).all() and (buffer[-guard:] == 7).all(), "written outside"

picture, shades = np.zeros((20, 30), np.uint32), np.zeros((20, 30), np.uint8)
for value in odd:
    for k in range(8):
        numbers = [15.0, 10.0, 8.0, 0.1, 0.1, 1.0, 1.0, 1.0, 1.0]
        numbers[k if k < 2 else k + 1] = value
        out = np.full((60, 90), 7, np.uint32)
        paint_eye(picture, shades, picture, *numbers, out, 30, 20)
        out[20:40, 30:60] = 7
        assert (out == 7).all(), "painted outside"
print("inside")
"""


def test_kernels_keep_their_indices_inside() -> None:
    """Were a number to pass the bounds: NaN, infinity and what no int32 holds write nothing outside, and take no time."""
    done = subprocess.run([sys.executable, "-c", KERNELS], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "inside\n", (done.returncode, done.stderr)


@pytest.mark.parametrize("value", [NAN, INF, -INF, 1e41, WHOLE, BEYOND, -BEYOND, True, None, "1", [], 1e-320, -1, 91])
def test_a_number_out_of_bounds_is_named(value: Any) -> None:
    with pytest.raises(ModelLoadError, match="yaw"):
        number("yaw", value)
    with pytest.raises(ValueError, match=r"not"):
        finite32(value, *BOUNDS["yaw"])


def test_numbers_inside_stay_as_they_are() -> None:
    assert number("yaw", 22.1) == 22.1
    assert number("pixel_filter", 0.25) == 0.25
    assert number("yaw", 1e-3) == 1e-3
    assert number("distance", 10**6) == 10**6


def test_bounds_fit_what_they_protect() -> None:
    assert BOUNDS["uv"][1] == BOUNDS["backdrop_uv"][1] == LARGEST
    assert all(np.isfinite(np.float32(limit)) for pair in BOUNDS.values() for limit in pair)


def test_names_are_cut_to_what_can_be_shown() -> None:
    assert as_name(f"a\n{HALF}b\udcff" + "x" * 300) == "ab" + "x" * 198
    assert is_name("Zoë 👩\u200d🚀") and not is_name("x" * 201)


def test_whatever_a_loader_stumbles_over_is_a_model_error(caplog: pytest.LogCaptureFixture) -> None:
    @loader
    def broken(raises: Exception) -> None:
        raise raises

    for error in (KeyError("x"), ZeroDivisionError(), OverflowError(), TypeError(), MemoryError(), IndexError()):
        with pytest.raises(ModelLoadError, match=type(error).__name__) as refused:
            broken(error)
        assert refused.value.__cause__ is error
    assert "ZeroDivisionError" in caplog.text
