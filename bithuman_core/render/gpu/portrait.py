"""One portrait on the device: what of it never changes, uploaded once, and the passes that make frames of it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render import mouth
from bithuman_core.render.eyes import ABOVE, BELOW, packed_words
from bithuman_core.render.gpu import numbers
from bithuman_core.render.gpu.device import Gpu
from bithuman_core.render.matte.cut_out import PortraitScene
from bithuman_core.render.renderer import STAGGER
from bithuman_core.render.rig import PortraitRig, Residual, Shapes
from bithuman_core.render.texel import MOUTH, UV_STEPS

MOST = 64  # sessions in one submission; more are drawn in several
TILES = 8  # beside each other in the atlas
GROUP = 64  # vertices a workgroup
SQUARE = 8  # px of one, each way


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
        self._row = np.zeros((room, numbers.count(rig)), np.float32)
        self._upload()
        self._make_room()
        self._build()

    # -- frames -------------------------------------------------------------------------------------------------------
    def draw(self, faces: Sequence[FaceState], scene: PortraitScene | None = None) -> NDArray[np.uint8]:
        """Frames of faces before one scene: BGR [n, H, W, 3], or BGRA with colours times alpha where it is transparent.

        Waits for the device. Raises ValueError for a face value that is not a number, GpuError where the device is lost.
        """
        return self.collect(self.submit(faces, scene))

    def submit(self, faces: Sequence[FaceState], scene: PortraitScene | None = None) -> tuple[int, bool]:
        """Begin to draw as many faces as there is room for; :meth:`collect` has what becomes of them."""
        scene = self._own if scene is None else scene
        if not 0 < len(faces) <= self.room:
            raise ValueError(f"{len(faces)} faces were given; 1 to {self.room} can be drawn at once.")
        for face, row in zip(faces, self._row, strict=False):
            numbers.fill(self.rig, face, row)
        device, count = self._gpu.device, len(faces)
        self._gpu.queue.write_buffer(self._buffers["numbers"], 0, self._row[:count])
        encoder = device.create_command_encoder()
        posing, raster, finishing = self._of_scene(scene)
        self._compute(encoder, posing, count)
        self._rasterise(encoder, raster, count)
        self._compute(encoder, finishing, count)
        size = count * self._bytes(scene)
        encoder.copy_buffer_to_buffer(self._buffers["out"], 0, self._buffers["back"], 0, size)
        self._gpu.queue.submit([encoder.finish()])
        return count, scene.transparent

    def collect(self, submitted: tuple[int, bool]) -> NDArray[np.uint8]:
        """The frames of :meth:`submit`. Waits for them."""
        count, transparent = submitted
        width, height = self.rig.size
        channels = 4 if transparent else 3
        back, size = self._buffers["back"], count * height * width * channels
        back.map_sync("READ", 0, size)
        try:
            frames = np.frombuffer(back.read_mapped(0, size, copy=True), np.uint8)
        finally:
            back.unmap()
        return frames.reshape(count, height, width, channels)

    def _bytes(self, scene: PortraitScene) -> int:
        width, height = self.rig.size
        return width * height * (4 if scene.transparent else 3)

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
        nothing = (0xFFFFFFFF, 0, 0, 0)
        work = encoder.begin_render_pass(
            color_attachments=[
                {"view": self._atlas_view, "load_op": "clear", "store_op": "store", "clear_value": nothing}
            ],
            depth_stencil_attachment={
                "view": self._depth_view, "depth_load_op": "clear", "depth_store_op": "discard", "depth_clear_value": 1.0
            },
        )  # fmt: skip
        for k, (pipeline, common, own, first, corners) in enumerate(drawn):
            work.set_pipeline(pipeline)
            work.set_bind_group(0, common)
            work.set_bind_group(1, own)
            for session in range(count):
                x, y = (session % TILES) * width, (session // TILES * 3 + k) * height
                work.set_viewport(x, y, width, height, 0, 1)
                work.set_scissor_rect(x, y, width, height)
                work.draw(corners, 1, first, session)
        work.end()

    # -- what never changes -------------------------------------------------------------------------------------------
    def _buffer(self, name: str, values: Any, usage: int = 0) -> None:
        data = np.ascontiguousarray(values)
        data = data if data.size else np.zeros(4, data.dtype)
        self._buffers[name] = self._gpu.device.create_buffer_with_data(data=data, usage=self._use.STORAGE | usage)

    def _empty(self, name: str, size: int, usage: int = 0) -> None:
        self._buffers[name] = self._gpu.device.create_buffer(size=max(size, 16), usage=usage or self._use.STORAGE)

    def _upload(self) -> None:
        rig = self.rig
        first, shape, delta = by_vertex(rig.shapes, len(rig.vertices))
        self._buffer("neutral", rig.vertices)
        self._buffer("weight", rig.weight.astype(np.uint32))
        self._buffer("first", first)
        self._buffer("shape", shape)
        self._buffer("delta", delta)
        self._buffer("back_neutral", rig.backdrop_vertices)
        self._buffer("back_weight", rig.backdrop_weight.astype(np.uint32))
        self._buffer("place", np.concatenate([rig.uv, rig.backdrop_uv]) * UV_STEPS)
        back = rig.backdrop_triangles.astype(np.uint32) + np.uint32(len(rig.vertices))
        self._buffer("corners", np.concatenate([rig.triangles.astype(np.uint32), back]))
        self._buffer("part", rig.part.astype(np.uint32))
        lips = [rig.landmark[n] for n in (13, 14, 61, 291)]
        self._buffer("lip_index", rig.landmark_index[lips].astype(np.uint32))
        self._buffer("lip_weight", rig.landmark_weight[lips])
        self._inside = np.unique(rig.triangles[rig.part == MOUTH]).astype(np.uint32)
        self._buffer("inside", self._inside)
        for name, part in (("smooth", rig.smooth), ("detail", rig.detail)):
            self._buffer(f"{name}_rows", residual_rows(part))
            self._buffer(f"{name}_values", part.values.view(np.uint32))
        self._buffer("skin", rig.texture[: rig.texture.shape[1]])
        self._buffer("tint", mouth.tint_table(rig.mouth_ambient, rig.mouth_warmth).astype(np.uint32))
        rows, pictures, lights, self._eye_size = eye_rows(rig)
        self._buffer("eyes", rows)
        self._buffer("pictures", pictures)
        self._buffer("lights", lights)

    def _make_room(self) -> None:
        import wgpu

        rig, room, device = self.rig, self.room, self._gpu.device
        (width, height), vertices = rig.size, len(rig.vertices)
        self._empty("numbers", self._row.nbytes, self._use.STORAGE | self._use.COPY_DST)
        self._empty("points", room * vertices * 16)
        self._empty("screen", room * (vertices + len(rig.backdrop_vertices)) * 16)
        side = rig.residual_side
        self._empty("coarse", room * (side // 2) ** 2 * 16)
        self._empty("fine", room * side**2 * 16)
        self._buffer("texture", np.broadcast_to(rig.texture, (room, *rig.texture.shape)))
        self._empty("frames", room * width * height * 4)
        self._empty("out", room * width * height * 4, self._use.STORAGE | self._use.COPY_SRC)
        self._empty("back", room * width * height * 4, self._use.COPY_DST | self._use.MAP_READ)
        size = (min(room, TILES) * width, (room + TILES - 1) // TILES * 3 * height, 1)
        usage = wgpu.TextureUsage.RENDER_ATTACHMENT | wgpu.TextureUsage.TEXTURE_BINDING
        self._atlas_view = device.create_texture(size=size, format="rg32uint", usage=usage).create_view()
        depth = device.create_texture(size=size, format="depth32float", usage=wgpu.TextureUsage.RENDER_ATTACHMENT)
        self._depth_view = depth.create_view()

    def _build(self) -> None:
        gpu, device = self._gpu, self._gpu.device

        def compute(entry: str, *files: str, constants: dict[str, float] | None = None) -> Any:
            stage = {"module": gpu.module(*files), "entry_point": entry, "constants": constants or {}}
            return device.create_compute_pipeline(layout="auto", compute=stage)

        self._pose = compute("pose", "posing")
        self._light = compute("light", "mouth", constants={
            "DEPTH": mouth.DEPTH[0], "DEEPER": mouth.DEPTH[1], "NARROW": mouth.NARROW, "LIP_SHADOW": mouth.LIP_SHADOW,
            "SHADE": mouth.SHADE, "STRENGTH": mouth.STRENGTH, "NARROWEST": mouth.NARROWEST})  # fmt: skip
        self._smooth, self._detail, self._lay = (compute(name, "residual") for name in ("smooth_part", "detail_part", "lay"))
        self._paint = compute("paint", "texel", "eyes")
        self._compose = compute("compose", "texel", "compose")
        self._finish = {kind: compute(kind, "finish") for kind in ("bgr", "bgra")}
        module = gpu.module("raster")
        self._draws = [self._render_pipeline(module, entry, stagger)
                       for entry, stagger in (("even", STAGGER), ("odd", STAGGER), ("back", None))]  # fmt: skip

    def _render_pipeline(self, module: Any, entry: str, stagger: float | None) -> Any:
        constants = {} if stagger is None else {"STAGGER": stagger}
        return self._gpu.device.create_render_pipeline(
            layout="auto",
            vertex={"module": module, "entry_point": entry, "constants": constants},
            primitive={"topology": "triangle-list", "front_face": "cw", "cull_mode": "back"},
            depth_stencil={"format": "depth32float", "depth_write_enabled": True, "depth_compare": "less"},
            fragment={"module": module, "entry_point": "word", "targets": [{"format": "rg32uint"}]},
        )

    # -- one scene ----------------------------------------------------------------------------------------------------
    def _of_scene(self, scene: PortraitScene) -> tuple[Any, ...]:
        if scene not in self._scenes:
            self._scenes[scene] = self._bound(scene)
        return self._scenes[scene]

    def _bound(self, scene: PortraitScene) -> tuple[list[_Pass], list[tuple[Any, Any, Any, int, int]], list[_Pass]]:
        rig, held = self.rig, self._buffers
        still = scene.still or rig.still
        plate = rig.plate if scene.plate is None else scene.plate
        backdrop = rig.backdrop if scene.backdrop is None else scene.backdrop
        (width, height), (tall, wide) = rig.size, rig.texture.shape
        make = lambda values: self._gpu.device.create_buffer_with_data(data=np.ascontiguousarray(values), usage=self._use.STORAGE)  # noqa: E731
        own = {"rig": make(self._facts(scene, len(still.picture), still.top, backdrop)),
               "plate": make(packed_words(plate)), "backdrop": make(backdrop),
               "still": make(np.ascontiguousarray(still.picture).view(np.uint32))}  # fmt: skip
        known = {**held, **own}

        def bind(pipeline: Any, group: int, *names: str | tuple[int, str]) -> Any:
            entries = []
            for k, name in enumerate(names):
                at, what = (k, name) if isinstance(name, str) else name
                resource = self._atlas_view if what == "atlas" else {"buffer": known[what]}
                entries.append({"binding": at, "resource": resource})
            return self._gpu.device.create_bind_group(layout=pipeline.get_bind_group_layout(group), entries=entries)

        def each(pipeline: Any, common: tuple[str, ...], names: Sequence[Any], size: tuple[int, int], deep: int = 1) -> _Pass:
            groups = bind(pipeline, 0, *common), bind(pipeline, 1, *names)
            return _Pass(pipeline, groups, -(-size[0] // (SQUARE if size[1] else GROUP)), -(-size[1] // SQUARE), deep)

        both, alone, side = ("rig", "numbers"), ("rig",), rig.residual_side
        vertices, back_vertices = len(rig.vertices), len(rig.backdrop_vertices)
        posing = [
            each(self._pose, both, ("neutral", "weight", "first", "shape", "delta", "back_neutral", "back_weight", "points",
                                    "screen"), (vertices + back_vertices, 0)),
            each(self._light, alone, ("lip_index", "lip_weight", "inside", "points", "screen"), (len(self._inside), 0)),
            each(self._smooth, both, ((0, "smooth_rows"), (1, "smooth_values"), (4, "coarse")), (side // 2, side // 2)),
            each(self._detail, both, ((2, "detail_rows"), (3, "detail_values"), (4, "coarse"), (5, "fine")), (side, side)),
            each(self._lay, alone, ((5, "fine"), (6, "skin"), (7, "texture")), (wide, wide)),
            each(self._paint, both, ("eyes", "pictures", "lights", "texture"), self._eye_size, 2),
        ]  # fmt: skip
        head, first = 3 * len(rig.triangles), 3 * len(rig.triangles)
        on_head = ("screen", "place", "part", "corners")
        on_back = ("screen", "place", (3, "corners"))
        raster = [(pipeline, bind(pipeline, 0, "rig"), bind(pipeline, 1, *names), start, corners)
                  for pipeline, names, start, corners in zip(self._draws, (on_head, on_head, on_back), (0, 0, first),
                                                             (head, head, 3 * len(rig.backdrop_triangles)), strict=True)]  # fmt: skip
        finish = self._finish["bgra" if scene.transparent else "bgr"]
        finishing = [
            each(self._compose, both, ("atlas", "texture", "backdrop", "still", "plate", "tint", "frames"), (width, height)),
            each(finish, alone, ("frames", "out"), (width if scene.transparent else width // 4, height)),
        ]
        return posing, raster, finishing

    def _facts(self, scene: PortraitScene, still_rows: int, still_top: int, backdrop: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """The struct of ``rig.wgsl``."""
        rig = self.rig
        whole = (*rig.size, len(rig.vertices), len(rig.backdrop_vertices), *rig.texture.shape[::-1], *backdrop.shape[::-1],
                 rig.residual_side, len(rig.smooth.scale), self._row.shape[1], len(self._inside))  # fmt: skip
        broken = (*rig.pivot, rig.distance, *rig.centre, rig.scale, rig.face_width, rig.mouth_cover)
        from bithuman_core.render.pixel_filter import STEPS

        data = struct.pack(f"<{len(whole)}I2i3I{len(broken)}f", *whole, still_top, still_rows, round(rig.pixel_filter * STEPS),
                           scene.transparent, min(self.room, TILES), *broken)  # fmt: skip
        return np.frombuffer(data, np.uint8)


def by_vertex(shapes: Shapes, count: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]:
    """Shapes turned about: (first [V + 1], shape [N], delta [N, 3]), the deltas of each vertex one after the other."""
    shape = np.repeat(np.arange(len(shapes.start) - 1), np.diff(shapes.start)).astype(np.uint32)
    order = np.argsort(shapes.index, kind="stable")  # within a vertex in the order of the shapes
    first = np.concatenate([[0], np.cumsum(np.bincount(shapes.index, minlength=count))]).astype(np.uint32)
    return first, shape[order], np.ascontiguousarray(shapes.delta[order])


def residual_rows(part: Residual) -> NDArray[np.uint32]:
    """The struct ``Row`` of ``residual.wgsl`` for each row: box, where its px begin, what a value is worth."""
    rows = np.zeros((len(part.scale), 6), np.uint32)
    rows[:, :4], rows[:, 4] = part.box, part.start[:-1] // 4
    rows[:, 5] = numbers.steps(part.scale, part.start).view(np.uint32)
    return rows


def eye_rows(rig: PortraitRig) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32], tuple[int, int]]:
    """(struct ``Eye`` of ``eyes.wgsl`` for both, their pictures, their catchlights, px of the larger of what lids can bare)."""
    rows, pictures, lights, size, start = np.zeros((2, 12), np.uint32), list[Any](), list[Any](), (1, 1), 0
    for k, eye in enumerate(rig.eyes):
        (x, y), radius, (tall, wide) = eye.centre, np.float32(eye.radius), eye.picture.shape[:2]
        y0, y1 = max(int(y - ABOVE * radius), 0), min(int(y + BELOW * radius), tall)
        x0, x1 = max(int(x - radius), 0), min(int(x + radius), wide)
        rows[k, :9] = wide, tall, *eye.place, x0, y0, x1, y1, start
        rows[k, 9:] = np.array([x, y, eye.radius], np.float32).view(np.uint32)
        size = max(size[0], x1 - x0), max(size[1], y1 - y0)
        words = packed_words(eye.picture)
        words = words | (eye.picture[..., 3].astype(np.uint32) << np.uint32(24))
        pictures.append(words.ravel())
        lights.append(packed_words(eye.catchlight).ravel())
        start += tall * wide
    return rows, np.concatenate(pictures), np.concatenate(lights), size
