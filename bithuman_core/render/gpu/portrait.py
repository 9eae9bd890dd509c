"""One portrait on the device: what of it never changes, uploaded once, and the passes that make frames of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.eyes import packed_words
from bithuman_core.render.gpu import numbers
from bithuman_core.render.gpu.arrays import arrays, eye_size, facts, mouth_vertices
from bithuman_core.render.gpu.device import Gpu
from bithuman_core.render.gpu.pipelines import pipelines
from bithuman_core.render.gpu.planes import ToPlanes
from bithuman_core.render.matte.cut_out import PortraitScene
from bithuman_core.render.rig import PortraitRig

MOST = 64  # sessions in one submission; more are drawn in several
NOTHING = (0xFFFFFFFF, 0, 0, 0)  # of a sample: see texel.py
GROUP = 64  # vertices a workgroup
SQUARE = 8  # px of one, each way
LEAST = 16  # numbers of a buffer


@dataclass(frozen=True)
class _Pass:
    """A compute pass: its pipeline, what it is bound to, how many workgroups a session takes."""

    pipeline: Any
    groups: tuple[Any, ...]
    wide: int
    tall: int
    deep: int = 1  # of the third number, a session


class GpuPortrait:
    """Draws frames of one rig, of any number of sessions at once. It keeps nothing from one frame to the next."""

    def __init__(self, gpu: Gpu, rig: PortraitRig, room: int = MOST) -> None:
        """room: sessions in one submission at most; the memory of the device holds so many frames."""
        import wgpu

        self.rig, self.room = rig, room
        self._gpu, self._use = gpu, wgpu.BufferUsage
        self._buffers = dict[str, Any]()
        self._scenes: WeakKeyDictionary[PortraitScene, tuple[Any, ...]] = WeakKeyDictionary()
        self._own = PortraitScene()
        self._sent = np.zeros((room, numbers.SENT), np.float32)
        self._passes = pipelines(gpu)
        self._upload()
        self._make_room()

    # -- frames -------------------------------------------------------------------------------------------------------
    def draw(self, faces: Sequence[FaceState], scene: PortraitScene | None = None) -> NDArray[np.uint8]:
        """Frames of faces before one scene: BGR [n, H, W, 3], or BGRA with colours times alpha where it is transparent.

        Waits for the device. Raises ValueError for a face value that is not a number, GpuError where the device is lost.
        """
        return self.collect(self.submit(faces, scene))

    def planes(self, faces: Sequence[FaceState], scene: PortraitScene | None = None) -> NDArray[np.uint8]:
        """The same as I420 [n, H * 3 / 2, W], see :mod:`bithuman_core.render.planes`.

        Raises ValueError as well where the scene is transparent, or 8 does not divide the width or 2 the height.
        """
        return self.collect(self.submit(faces, scene, planes=True))

    def submit(self, faces: Sequence[FaceState], scene: PortraitScene | None = None, planes: bool = False) -> tuple[int, ...]:
        """Begin to draw as many faces as there is room for; :meth:`collect` has what becomes of them."""
        scene = self._own if scene is None else scene
        if planes and scene.transparent:
            raise ValueError("Planes have no alpha: before a transparent background there are none.")
        if not 0 < len(faces) <= self.room:
            raise ValueError(f"{len(faces)} faces were given; 1 to {self.room} can be drawn at once.")
        for face, sent in zip(faces, self._sent, strict=False):
            numbers.fill(self.rig, face, sent)
        device, count = self._gpu.device, len(faces)
        self._gpu.queue.write_buffer(self._buffers["sent"], 0, self._sent[:count])
        encoder = device.create_command_encoder()
        posing, raster, finishing = self._of_scene(scene)
        self._compute(encoder, posing, count)
        self._rasterise(encoder, raster, count)
        self._compute(encoder, finishing, count)
        width, height = self.rig.size
        shape = (count, height, width, 4 if scene.transparent else 3)
        done = self._buffers["out"]
        if planes:
            done, shape = self._buffers["frames"], (count, height * 3 // 2, width)  # nobody reads the frames any more
            self._to_planes.encode(encoder, count)
        encoder.copy_buffer_to_buffer(done, 0, self._buffers["back"], 0, prod(shape))
        self._gpu.queue.submit([encoder.finish()])
        return shape

    def collect(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The frames of :meth:`submit`. Waits for them."""
        back, size = self._buffers["back"], prod(shape)
        back.map_sync("READ", 0, size)
        try:
            frames = np.frombuffer(back.read_mapped(0, size, copy=True), np.uint8)
        finally:
            back.unmap()
        return frames.reshape(shape)

    @staticmethod
    def _compute(encoder: Any, passes: Sequence[_Pass], count: int) -> None:
        work = encoder.begin_compute_pass()
        for each in passes:
            work.set_pipeline(each.pipeline)
            for k, group in enumerate(each.groups):
                work.set_bind_group(k, group)
            if each.tall:
                work.dispatch_workgroups(each.wide, each.tall, each.deep * count)
            else:
                work.dispatch_workgroups(each.wide, count)
        work.end()

    def _rasterise(self, encoder: Any, drawn: Sequence[tuple[Any, Any, Any, int, int]], count: int) -> None:
        width, height = self.rig.size
        for session in range(count):
            work = encoder.begin_render_pass(
                color_attachments=[
                    {"view": self._layers[session], "load_op": "clear", "store_op": "store", "clear_value": NOTHING}
                ],
                depth_stencil_attachment={
                    "view": self._depth, "depth_load_op": "clear", "depth_store_op": "discard", "depth_clear_value": 1.0
                },
            )  # fmt: skip
            for k, (pipeline, common, own, first, corners) in enumerate(drawn):
                work.set_pipeline(pipeline)
                work.set_bind_group(0, common)
                work.set_bind_group(1, own)
                work.set_viewport(0, k * height, width, height, 0, 1)
                work.set_scissor_rect(0, k * height, width, height)
                work.draw(corners, 1, first, session)
            work.end()

    # -- what never changes -------------------------------------------------------------------------------------------
    def _made(self, values: NDArray[Any]) -> Any:
        return self._gpu.buffer(values if values.size else np.zeros(LEAST, values.dtype))  # an avatar without residuals, say

    def _empty(self, name: str, size: int, usage: int = 0) -> None:
        self._buffers[name] = self._gpu.empty(size, usage)

    def _upload(self) -> None:
        self._buffers |= {name: self._made(values) for name, values in arrays(self.rig).items()}

    def _make_room(self) -> None:
        import wgpu

        rig, room, device = self.rig, self.room, self._gpu.device
        (width, height), vertices = rig.size, len(rig.vertices)
        self._empty("sent", self._sent.nbytes, self._use.STORAGE | self._use.COPY_DST)
        self._empty("numbers", room * numbers.count(rig) * 4)
        self._empty("points", room * vertices * 16)
        self._empty("screen", room * (vertices + len(rig.backdrop_vertices)) * 16)
        side = rig.residual_side
        self._empty("coarse", room * (side // 2) ** 2 * 16)
        self._empty("fine", room * side**2 * 16)
        self._buffers["texture"] = self._made(np.broadcast_to(rig.texture, (room, *rig.texture.shape)))
        self._empty("frames", room * width * height * 4)
        self._empty("out", room * width * height * 4)
        self._empty("back", room * width * height * 4, self._use.COPY_DST | self._use.MAP_READ)
        usage = wgpu.TextureUsage.RENDER_ATTACHMENT | wgpu.TextureUsage.TEXTURE_BINDING
        samples = device.create_texture(size=(width, 3 * height, room), format="rg32uint", usage=usage)
        self._samples = samples.create_view(dimension="2d-array")
        self._layers = [samples.create_view(dimension="2d", base_array_layer=k, array_layer_count=1) for k in range(room)]
        usage = wgpu.TextureUsage.RENDER_ATTACHMENT
        self._depth = device.create_texture(size=(width, 3 * height, 1), format="depth32float", usage=usage).create_view()

    @cached_property
    def _to_planes(self) -> ToPlanes:
        return ToPlanes(self._gpu, self.rig.size, self._buffers["out"], self._buffers["frames"])

    # -- one scene ----------------------------------------------------------------------------------------------------
    def _of_scene(self, scene: PortraitScene) -> tuple[Any, ...]:
        if scene not in self._scenes:
            self._scenes[scene] = self._bound(scene)
        return self._scenes[scene]

    def _bound(self, scene: PortraitScene) -> tuple[list[_Pass], list[tuple[Any, Any, Any, int, int]], list[_Pass]]:
        rig = self.rig
        still = scene.still or rig.still
        plate = rig.plate if scene.plate is None else scene.plate
        backdrop = rig.backdrop if scene.backdrop is None else scene.backdrop
        (width, height), wide = rig.size, rig.texture.shape[1]
        about = facts(rig, backdrop, still, scene.transparent)
        own = {"rig": about, "plate": packed_words(plate), "backdrop": backdrop, "still": still.picture}
        known = self._buffers | {name: self._made(values) for name, values in own.items()}

        def bind(pipeline: Any, group: int, *names: str | tuple[int, str]) -> Any:
            entries = []
            for k, name in enumerate(names):
                at, what = (k, name) if isinstance(name, str) else name
                resource = self._samples if what == "samples" else {"buffer": known[what]}
                entries.append({"binding": at, "resource": resource})
            return self._gpu.device.create_bind_group(layout=pipeline.get_bind_group_layout(group), entries=entries)

        def each(pipeline: Any, common: tuple[str, ...], names: Sequence[Any], size: tuple[int, int], deep: int = 1) -> _Pass:
            groups = bind(pipeline, 0, *common), bind(pipeline, 1, *names)
            return _Pass(pipeline, groups, -(-size[0] // (SQUARE if size[1] else GROUP)), -(-size[1] // SQUARE), deep)

        both, alone, side, do = ("rig", "numbers"), ("rig",), rig.residual_side, self._passes
        mesh = "neutral", "weight", "first", "shape", "delta", "back_neutral", "back_weight", "points", "screen"
        posing = [
            each(do.state, alone, ("sent", "gazes", "drivers", "numbers"), (numbers.count(rig), 0)),
            each(do.pose, both, mesh, (len(rig.vertices) + len(rig.backdrop_vertices), 0)),
            each(do.light, alone, ("lip_index", "lip_weight", "inside", "points", "screen"), (len(mouth_vertices(rig)), 0)),
            each(do.smooth, both, ((0, "rows"), (1, "values"), (4, "coarse")), (side // 2, side // 2)),
            each(do.detail, both, ((0, "rows"), (1, "values"), (4, "coarse"), (5, "fine")), (side, side)),
            each(do.lay, alone, ((5, "fine"), (6, "skin"), (7, "texture")), (wide, wide)),
            each(do.paint, both, ("eyes", "pictures", "lights", "texture"), eye_size(rig), 2),
        ]  # fmt: skip
        head, back = 3 * len(rig.triangles), 3 * len(rig.backdrop_triangles)
        on_head, on_back = ("screen", "place", "part", "corners"), ("screen", "place", (3, "corners"))
        drawn = zip(do.draws, (on_head, on_head, on_back), (0, 0, head), (head, head, back), strict=True)
        raster = [(pipeline, bind(pipeline, 0, "rig"), bind(pipeline, 1, *names), first, corners)
                  for pipeline, names, first, corners in drawn]  # fmt: skip
        seen = "samples", "texture", "backdrop", "still", "plate", "tint", "frames"
        finish, columns = (do.bgra, width) if scene.transparent else (do.bgr, width // 4)
        finishing = [
            each(do.compose, both, seen, (width, height)),
            each(finish, alone, ("frames", "out"), (columns, height)),
        ]
        return posing, raster, finishing
