"""The passes of a frame, compiled once for a device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from bithuman_core.render import eyes, mouth
from bithuman_core.render.gpu.device import Gpu
from bithuman_core.render.renderer import STAGGER

MOUTH = {"DEPTH": mouth.DEPTH[0], "DEEPER": mouth.DEPTH[1], "NARROW": mouth.NARROW, "LIP_SHADOW": mouth.LIP_SHADOW,
         "SHADE": mouth.SHADE, "STRENGTH": mouth.STRENGTH, "NARROWEST": mouth.NARROWEST}  # fmt: skip
EYES = {"STEPS": eyes.STEPS, "LID": eyes.LID, "WIDE": eyes.WIDE, "FOLLOWS": eyes.FOLLOWS, "SHUT": eyes.SHUT[0],
        "TIGHT": eyes.SHUT[1], "DUSK": eyes.DUSK, "MIRROR": eyes.MIRROR}  # fmt: skip


@dataclass(frozen=True)
class Pipelines:
    """In the order of a frame; ``draws``: even and odd rows of the head's samples, the backdrop."""

    state: Any
    pose: Any
    light: Any
    smooth: Any
    detail: Any
    lay: Any
    paint: Any
    draws: tuple[Any, ...]
    compose: Any
    bgr: Any
    bgra: Any


@cache
def pipelines(gpu: Gpu) -> Pipelines:
    """Those of a device."""

    def compute(entry: str, *files: str, constants: dict[str, float] | None = None) -> Any:
        stage = {"module": gpu.module("rig", *files), "entry_point": entry, "constants": constants or {}}
        return gpu.device.create_compute_pipeline(layout="auto", compute=stage)

    def draw(entry: str, constants: dict[str, float]) -> Any:
        return gpu.device.create_render_pipeline(
            layout="auto",
            vertex={"module": raster, "entry_point": entry, "constants": constants},
            primitive={"topology": "triangle-list", "front_face": "cw", "cull_mode": "back"},
            depth_stencil={"format": "depth32float", "depth_write_enabled": True, "depth_compare": "less"},
            fragment={"module": raster, "entry_point": "word", "targets": [{"format": "rg32uint"}]},
        )

    raster = gpu.module("rig", "raster")
    smooth, detail, lay = (compute(name, "residual") for name in ("smooth_part", "detail_part", "lay"))
    return Pipelines(
        compute("state", "angles", "state", constants=EYES), compute("pose", "angles", "posing"),
        compute("light", "mouth", constants=MOUTH), smooth, detail, lay,
        compute("paint", "texel", "eyes"),
        (draw("even", {"STAGGER": STAGGER}), draw("odd", {"STAGGER": STAGGER}), draw("back", {})),
        compute("compose", "texel", "compose"), compute("bgr", "finish"), compute("bgra", "finish"),
    )  # fmt: skip
