"""What a frame costs, stage by stage: ``python -m benchmarks.engine [AVATAR.imx] [--seconds 20] [--repeats 3] [--json]``.

Frames of 512 and of 1024 px, each size in a process of its own (memory, first frame). CPU time on one core of the ticks of real
speech; every figure is the median over the repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.cli.bench import WARM_UP_TICKS, measure
from bithuman_core.engine import Fixture, cut_into_ticks, padded_tick
from bithuman_core.motion import Mixer
from bithuman_core.render import PortraitRenderer, PortraitRig, renderer
from bithuman_core.render.lanes import LANES
from bithuman_core.render.raster import rasterise
from bithuman_core.render.shading import compose
from bithuman_core.render.still import lay_still
from bithuman_core.settings import models_dir, speech_clip
from bithuman_core.timing import FPS, SAMPLE_RATE, TICK_SECONDS

SIDES = (512, 1024)
# Stage by the function that does it: of the renderer's module, or of one of a renderer's parts.
FUNCTIONS = {"blend_shapes": "pose", "head_transforms": "pose", "project": "pose", "draw": "draw"}
PARTS = {("_residual", "update"): "residual", ("_mouth", "light"): "mouth light", ("_eyes", "look"): "eyes",
         ("_head", "sort"): "sort", ("_back", "sort"): "sort"}  # fmt: skip


class Stopwatch:
    """CPU time of this thread by stage, in seconds, since the last :meth:`lap`."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, with the time that it takes added to a stage."""

        def clocked(*args: Any, **named: Any) -> Any:
            begin = time.thread_time()
            result = call(*args, **named)
            self.spent[stage] = self.spent.get(stage, 0.0) + time.thread_time() - begin
            return result

        return clocked

    def lap(self) -> dict[str, float]:
        """The times so far; starts again at nothing."""
        spent, self.spent = self.spent, {}
        return spent


def watched(watch: Stopwatch, fixture: Fixture) -> PortraitRenderer:
    """A renderer whose stages are timed (for good, in this process)."""
    assert isinstance(fixture.rig, PortraitRig), "the stages of a portrait are timed"
    made = PortraitRenderer(fixture.rig)
    for name, stage in FUNCTIONS.items():
        setattr(renderer, name, watch.timed(stage, getattr(renderer, name)))
    for (part, method), stage in PARTS.items():
        owner = getattr(made, part)
        setattr(owner, method, watch.timed(stage, getattr(owner, method)))
    return made


def draw_in_pieces(made: PortraitRenderer, watch: Stopwatch, out: NDArray[np.uint8]) -> None:
    """What ``drawing.draw`` does in one call, once more, each piece of it timed."""
    rig, rows = made.rig, len(made._under)
    raster = [watch.timed(stage, rasterise) for stage in ("draw: head", "draw: backdrop")]
    lay, paint = watch.timed("draw: shoulders", lay_still), watch.timed("draw: pixels", compose)
    cover = np.empty((0, out.shape[1]), np.uint8)
    for band in range(len(out) // rows):
        part, samples_of = slice(band * rows, (band + 1) * rows), []
        for mesh, draw in zip(made._meshes, raster, strict=True):
            *given, order, start, depth, samples, glow, stagger = mesh
            draw(*given, order[start[band] : start[band + 1]], depth, samples, glow, band * len(glow), stagger)
            samples_of.append((samples[:-LANES].reshape(glow.shape), glow))
        under = rig.plate[part]
        if part.stop + 1 > rig.still.top:
            lay(under, rig.still.picture, rig.still.top, part.start, 0.0, made._under, cover)
            under = made._under
        (head, light), (back, _) = samples_of
        paint(under, head, light, back, made._texture, rig.backdrop, made._tint, *made._row, out[part], cover)
    watch.timed("draw: filter", made._pixel_filter.apply)(out)


def stages(fixture: Fixture, seconds: float) -> dict[str, float]:
    """Median CPU time of every stage of a tick, ms."""
    from bithuman_core.audio import float32_to_int16, load_audio

    speech, _ = load_audio(speech_clip(), SAMPLE_RATE)
    samples = float32_to_int16(np.resize(speech, round((WARM_UP_TICKS / FPS + seconds) * SAMPLE_RATE)))
    watch = Stopwatch()
    drawing, mixer = watched(watch, fixture), Mixer(fixture.net.mouth_names, 0)
    render = watch.timed("render", drawing.render)
    hear, move = watch.timed("speech", fixture.net.stream().push), watch.timed("motion", mixer.next)
    laps = []
    out = np.empty((*fixture.rig.size[::-1], 3), np.uint8)
    for tick in cut_into_ticks(samples):
        sound = padded_tick(tick)
        render(move(hear(sound), sound))
        draw_in_pieces(drawing, watch, out)
        laps.append(watch.lap())
    table = {name: 1e3 * statistics.median(lap.get(name, 0.0) for lap in laps[WARM_UP_TICKS:]) for name in laps[-1]}
    inside = sum(value for name, value in table.items() if name not in ("render", "speech", "motion") and ":" not in name)
    return {"speech": table.pop("speech"), "motion": table.pop("motion"), "other": table.pop("render") - inside, **table}


def figures(avatar: Path, side: int, seconds: float, repeats: int) -> dict[str, Any]:
    """The figures of one frame size; call it in a process that has rendered nothing yet."""
    runs = [measure(avatar, seconds, side) for _ in range(repeats)]
    middle = lambda name: statistics.median(run[name] for run in runs)  # noqa: E731
    fixture = Fixture(avatar, at_least=side or 0)
    out = {name: middle(name) for name in ("x_realtime", "tick_ms_p50", "tick_ms_p99")}
    out |= {"first_frame_s": runs[0]["first_frame_s"], "rss_mb": runs[0]["rss_mb"], "stages_ms": stages(fixture, seconds)}
    return out


def machine() -> str:
    """The processor's name and its cores."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{name or platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("avatar", nargs="?", type=Path, default=models_dir() / "mara.imx")
    parser.add_argument("--seconds", type=float, default=20.0, help="how much speech")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "avatar": options.avatar.stem}
    for side in SIDES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            result[str(side)] = pool.submit(figures, options.avatar, side, options.seconds, options.repeats).result()
    if options.json:
        print(json.dumps(result, indent=1))
        return 0
    print(f"{result['avatar']} on {result['machine']}; {1e3 * TICK_SECONDS:.0f} ms of sound a tick\n")
    small, large = (result[str(side)] for side in SIDES)
    print(f"{'':24s}" + "".join(f"{side:>10d}" for side in SIDES))
    for name in ("x_realtime", "tick_ms_p50", "tick_ms_p99", "first_frame_s", "rss_mb"):
        print(f"{name:24s}{small[name]:10.2f}{large[name]:10.2f}")
    print("CPU time of a stage, ms")
    for name in small["stages_ms"]:
        print(f"  {name:22s}{small['stages_ms'][name]:10.3f}{large['stages_ms'][name]:10.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
