"""Moved faces in frames of a film, on the device: the warp of the face and the inside of its mouth. Frames come from the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.layers import NOWHERE, FaceLayers, Layers, Moved, Opening
from bithuman_core.render.footage.raster import AROUND, INTERIOR, SKIN
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.footage.shading import LOOSE, SHARP, STILL
from bithuman_core.render.gpu.device import Gpu

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
class Asked:
    """One frame [h, w, 3] to be drawn over; what of it moves is for :class:`FaceLayers` to find."""

    frame: Frame
    face: Moved
    opening: Opening | None


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
    stage = {"module": gpu.module("film_shade"), "entry_point": "shade", "constants": constants}
    return _Pipelines(draw(AROUND, False), draw(SKIN, True), draw(INTERIOR, False),
                      device.create_compute_pipeline(layout="auto", compute=stage))  # fmt: skip


class GpuFaces:
    """Draws moved faces of one film, of any number of sessions in one submission."""

    def __init__(self, gpu: Gpu, rig: FootageRig) -> None:
        import wgpu

        self.rig = rig
        self._gpu, self._use = gpu, wgpu.BufferUsage
        self._layers = FaceLayers(rig.size, len(rig.light), len(rig.jaw[0]))
        self._passes = _pipelines(gpu, DEPTH * rig.canvas)
        self._light = rig.light
        width, height = rig.size
        target = wgpu.TextureUsage.RENDER_ATTACHMENT | wgpu.TextureUsage.TEXTURE_BINDING

        def picture(wide: int, tall: int, kind: str) -> Any:
            return gpu.device.create_texture(size=(wide, tall, 1), format=kind, usage=target).create_view()

        # scratch of one frame after the other
        self._coarse, self._coarse_depth = picture(width, height, "rgba32float"), picture(width, height, "depth32float")
        self._fine, self._fine_depth = (picture(2 * width, 2 * height, kind) for kind in ("rgba32float", "depth32float"))
        self._shaded = gpu.device.create_buffer(size=width * height * 3, usage=self._use.STORAGE | self._use.COPY_SRC)

    def draw(self, asked: Sequence[Asked]) -> list[Frame]:
        """The frames with their faces moved, BGR [h, w, 3]. Waits for the device."""
        out, begun, encoder = list[Frame | None](), list[Any](), self._gpu.device.create_command_encoder()
        for each in asked:
            layers = self._layers.of(each.face, each.opening)
            if layers is None:
                out.append(each.frame.copy())
                continue
            begun.append(self._begin(encoder, each, layers))
            out.append(None)
        self._gpu.queue.submit([encoder.finish()])
        back, shape = iter(begun), (self.rig.size[1], self.rig.size[0], 3)
        return [self._read(next(back), shape) if frame is None else frame for frame in out]

    def _begin(self, encoder: Any, asked: Asked, layers: Layers) -> Any:
        """Encode a frame; returns the buffer that will hold it."""
        face, opening, do = asked.face, asked.opening, self._passes
        width, height = self.rig.size
        skin = _mesh(face.target, face.fetched, self._light, self.rig.triangles, layers.active)
        skirt = _mesh(layers.skirt, layers.skirt_fetched, layers.skirt_light, self._layers.skirt_triangles, layers.skirt_active)
        whole = (0, 0, width, height)
        self._rasterise(encoder, (self._coarse, self._coarse_depth), whole, layers.box, 1, ((do.around, skirt), (do.skin, skin)))
        patch = np.zeros((2, 2, 3), np.float32)
        if opening is not None and layers.mouth != NOWHERE:
            patch = opening.patch
            every = np.ones(len(opening.points), np.uint8)
            grid = _mesh(opening.points, opening.places, opening.light, opening.triangles, every)
            views, scissor = (self._fine, self._fine_depth), (0, 0, *layers.mouth[2:])
            self._rasterise(encoder, views, layers.mouth, scissor, 2, ((do.fine_inside, grid), (do.skin, skin)))
        facts = np.array([width, height, *layers.mouth, patch.shape[1], patch.shape[0]], np.int32)
        frame = np.ascontiguousarray(asked.frame)
        resources = [self._made(facts, self._use.UNIFORM), self._made(frame), self._coarse, self._fine, self._made(patch), None]
        resources[-1] = {"buffer": self._shaded}
        entries = [{"binding": k, "resource": resource} for k, resource in enumerate(resources)]
        work = encoder.begin_compute_pass()
        work.set_pipeline(do.shade)
        work.set_bind_group(0, self._gpu.device.create_bind_group(layout=do.shade.get_bind_group_layout(0), entries=entries))
        work.dispatch_workgroups(-(-width // (4 * SQUARE)), -(-height // SQUARE))
        work.end()
        back = self._gpu.device.create_buffer(size=width * height * 3, usage=self._use.COPY_DST | self._use.MAP_READ)
        encoder.copy_buffer_to_buffer(self._shaded, 0, back, 0, width * height * 3)
        return back

    def _rasterise(self, encoder: Any, views: tuple[Any, Any], shown: Sequence[int], scissor: Sequence[int], density: int,
                   meshes: Sequence[tuple[Any, tuple[NDArray[Any], ...]]]) -> None:  # fmt: skip
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
        box = self._made(np.array(shown, np.float32), self._use.UNIFORM)
        for pipeline, (places, fetched, corners) in meshes:
            if not len(corners):
                continue
            resources = [box, *(self._made(values) for values in (places, fetched, corners))]
            entries = [{"binding": k, "resource": resource} for k, resource in enumerate(resources)]
            layout = pipeline.get_bind_group_layout(0)
            work.set_pipeline(pipeline)
            work.set_bind_group(0, self._gpu.device.create_bind_group(layout=layout, entries=entries))
            work.draw(len(corners))
        work.end()

    def _made(self, values: NDArray[Any], usage: int = 0) -> dict[str, Any]:
        data = np.ascontiguousarray(values)
        return {"buffer": self._gpu.device.create_buffer_with_data(data=data, usage=usage or self._use.STORAGE)}

    @staticmethod
    def _read(back: Any, shape: tuple[int, int, int]) -> Frame:
        back.map_sync("READ")
        try:
            return np.frombuffer(back.read_mapped(copy=True), np.uint8).reshape(shape)
        finally:
            back.unmap()


def _mesh(
    points: NDArray[np.float32], fetched: NDArray[np.float32], light: NDArray[np.float32], triangles: NDArray[np.int32],
    active: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint32]]:  # fmt: skip
    """What ``film_raster.wgsl`` reads: places with light [V, 4], fetched [V, 2], corners of the triangles that take part."""
    drawn = triangles[active[triangles].any(1)]
    return np.concatenate([points, light[:, None]], 1), fetched, drawn.astype(np.uint32).ravel()
