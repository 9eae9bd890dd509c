"""Pictures of a film on the device: turned heads, moved faces and the inside of their mouths. Frames are decoded by the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.cut_out import Before
from bithuman_core.render.footage.layers import NOWHERE, FaceLayers, Layers, Moved, Opening
from bithuman_core.render.footage.raster import AROUND, INTERIOR, SKIN
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.footage.shading import LOOSE, SHARP, STILL
from bithuman_core.render.footage.turning import Turned
from bithuman_core.render.gpu.device import Gpu
from bithuman_core.render.gpu.planes import ToPlanes
from bithuman_core.render.gpu.turning import GpuTurning

SQUARE = 8  # px of a workgroup, each way
DEPTH = 16.0  # face heights: what lies nearer or farther than half of it is drawn as if it lay there
Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class _Pipelines:
    around: Any
    skin: Any
    fine_inside: Any
    shade: Any


@dataclass(frozen=True)
class _Mesh:
    """What ``film_raster.wgsl`` reads, on the device: places with light [V, 4], fetched [V, 2], corners [n]."""

    parts: tuple[Any, ...]
    corners: int


@dataclass(frozen=True)
class Asked:
    """A picture that is yet to be made, and the face in it; what of that moves is for :class:`FaceLayers` to find."""

    picture: Turned | Before
    face: tuple[Moved, Opening | None] | None


@cache
def _pipelines(gpu: Gpu, depth: float) -> _Pipelines:
    raster, device = gpu.module("film_raster"), gpu.device

    def draw(kind: int, deep: bool) -> Any:
        constants = {"KIND": float(kind), "DEPTH": depth}
        return device.create_render_pipeline(
            layout="auto",
            vertex={"module": raster, "entry_point": "corner", "constants": {"DEPTH": depth}},
            primitive={"topology": "triangle-list", "front_face": "cw", "cull_mode": "back"},
            depth_stencil={"format": "depth32float", "depth_write_enabled": deep, "depth_compare": "less" if deep else "always"},
            fragment={"module": raster, "entry_point": "sampled", "constants": {"KIND": constants["KIND"]},
                      "targets": [{"format": "rgba32float"}]},
        )  # fmt: skip

    constants = {"SHARP": SHARP, "STILL": STILL, "LOOSE": LOOSE}
    stage = {"module": gpu.module("film_shade", "film_fetch"), "entry_point": "shade", "constants": constants}
    return _Pipelines(draw(AROUND, False), draw(SKIN, True), draw(INTERIOR, False),
                      device.create_compute_pipeline(layout="auto", compute=stage))  # fmt: skip


class GpuFaces:
    """Draws pictures of one film, of any number of sessions in one submission."""

    def __init__(self, gpu: Gpu, rig: FootageRig) -> None:
        import wgpu

        self.rig = rig
        self._gpu, self._use = gpu, wgpu.BufferUsage
        self._layers = FaceLayers(rig.size, len(rig.light), len(rig.jaw[0]))
        self._passes, self._turning = _pipelines(gpu, DEPTH * rig.canvas), GpuTurning(gpu, rig.size)
        self._light = rig.light
        width, height = rig.size
        target = wgpu.TextureUsage.RENDER_ATTACHMENT | wgpu.TextureUsage.TEXTURE_BINDING

        def picture(wide: int, tall: int, kind: str) -> Any:
            return gpu.device.create_texture(size=(wide, tall, 1), format=kind, usage=target).create_view()

        # scratch of one frame after the other
        self._coarse, self._coarse_depth = picture(width, height, "rgba32float"), picture(width, height, "depth32float")
        self._fine, self._fine_depth = (picture(2 * width, 2 * height, kind) for kind in ("rgba32float", "depth32float"))
        self._shaded, self._planes = gpu.empty(width * height * 3), gpu.empty(width * height * 3 // 2)

    def draw(self, asked: Sequence[Asked], planes: bool = False) -> list[Frame]:
        """The frames, BGR [h, w, 3]; as I420 [h * 3 / 2, w] where planes are asked for. Waits for the device."""
        encoder, (width, height) = self._gpu.device.create_command_encoder(), self.rig.size
        begun = [self._begin(encoder, each, planes) for each in asked]
        self._gpu.queue.submit([encoder.finish()])
        return [self._read(back).reshape((height * 3 // 2, width) if planes else (height, width, 3)) for back in begun]

    def _begin(self, encoder: Any, asked: Asked, planes: bool) -> Any:
        """Encode a frame; returns the buffer that will hold it."""
        width, height = self.rig.size
        self._turning.encode(encoder, asked.picture)
        layers, drawn = None if asked.face is None else self._layers.of(*asked.face), self._turning.made
        if asked.face is not None and layers is not None:
            self._move(encoder, *asked.face, layers)
            drawn = self._shaded
        size = width * height * 3
        if planes:
            ToPlanes(self._gpu, self.rig.size, drawn, self._planes).encode(encoder)
            drawn, size = self._planes, size // 2
        back = self._gpu.empty(size, self._use.COPY_DST | self._use.MAP_READ)
        encoder.copy_buffer_to_buffer(drawn, 0, back, 0, size)
        return back

    def _move(self, encoder: Any, face: Moved, opening: Opening | None, layers: Layers) -> None:
        """Encode the moved face in the picture that was made."""
        do, (width, height) = self._passes, self.rig.size
        skin = self._mesh(face.target, face.fetched, self._light, self.rig.triangles, layers.active)
        about = layers.skirt, layers.skirt_fetched, layers.skirt_light
        skirt = self._mesh(*about, self._layers.skirt_triangles, layers.skirt_active)
        whole = (0, 0, width, height)
        self._rasterise(encoder, (self._coarse, self._coarse_depth), whole, layers.box, 1, ((do.around, skirt), (do.skin, skin)))
        patch = np.zeros((2, 2, 3), np.float32)
        if opening is not None and layers.mouth != NOWHERE:
            patch = opening.patch
            every = np.ones(len(opening.points), np.uint8)
            grid = self._mesh(opening.points, opening.places, opening.light, opening.triangles, every)
            views, scissor = (self._fine, self._fine_depth), (0, 0, *layers.mouth[2:])
            self._rasterise(encoder, views, layers.mouth, scissor, 2, ((do.fine_inside, grid), (do.skin, skin)))
        facts = np.array([width, height, *layers.mouth, patch.shape[1], patch.shape[0]], np.int32)
        resources = [self._made(facts, uniform=True), {"buffer": self._turning.made}, self._coarse, self._fine, self._made(patch),
                     {"buffer": self._shaded}]  # fmt: skip
        entries = [{"binding": k, "resource": resource} for k, resource in enumerate(resources)]
        work = encoder.begin_compute_pass()
        work.set_pipeline(do.shade)
        work.set_bind_group(0, self._gpu.device.create_bind_group(layout=do.shade.get_bind_group_layout(0), entries=entries))
        work.dispatch_workgroups(-(-width // (4 * SQUARE)), -(-height // SQUARE))
        work.end()

    def _rasterise(self, encoder: Any, views: tuple[Any, Any], shown: Sequence[int], scissor: Sequence[int], density: int,
                   meshes: Sequence[tuple[Any, _Mesh]]) -> None:  # fmt: skip
        """Draw meshes into a box of the frame, shown (left, top, width, height), from the corner of a picture on."""
        colours, depth = views
        work = encoder.begin_render_pass(
            color_attachments=[{"view": colours, "load_op": "clear", "store_op": "store", "clear_value": (0, 0, 0, 0)}],
            depth_stencil_attachment={
                "view": depth, "depth_load_op": "clear", "depth_store_op": "discard", "depth_clear_value": 1.0
            },
        )  # fmt: skip
        work.set_viewport(0, 0, density * shown[2], density * shown[3], 0, 1)
        work.set_scissor_rect(*(density * side for side in scissor))
        box = self._made(np.array(shown, np.float32), uniform=True)
        for pipeline, mesh in meshes:
            if not mesh.corners:
                continue
            entries = [{"binding": k, "resource": resource} for k, resource in enumerate((box, *mesh.parts))]
            layout = pipeline.get_bind_group_layout(0)
            work.set_pipeline(pipeline)
            work.set_bind_group(0, self._gpu.device.create_bind_group(layout=layout, entries=entries))
            work.draw(mesh.corners)
        work.end()

    def _mesh(
        self, points: NDArray[np.float32], fetched: NDArray[np.float32], light: NDArray[np.float32], triangles: NDArray[np.int32],
        active: NDArray[np.uint8],
    ) -> _Mesh:  # fmt: skip
        corners = triangles[active[triangles].any(1)].astype(np.uint32).ravel()  # of those that take part
        if not len(corners):
            return _Mesh((), 0)
        parts = np.concatenate([points, light[:, None]], 1), fetched, corners
        return _Mesh(tuple(self._made(part) for part in parts), len(corners))

    def _made(self, values: NDArray[Any], uniform: bool = False) -> dict[str, Any]:
        return {"buffer": self._gpu.buffer(values, uniform)}

    @staticmethod
    def _read(back: Any) -> Frame:
        back.map_sync("READ")
        try:
            return np.frombuffer(back.read_mapped(copy=True), np.uint8)
        finally:
            back.unmap()
