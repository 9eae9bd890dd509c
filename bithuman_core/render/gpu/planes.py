"""Finished frames as the planes that video codecs take (I420), made on the device."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from bithuman_core.render.gpu.device import Gpu

WIDE, TALL = 64, 16  # px of a workgroup


@cache
def _pipeline(gpu: Gpu) -> Any:
    stage = {"module": gpu.module("planes"), "entry_point": "to_planes"}
    return gpu.device.create_compute_pipeline(layout="auto", compute=stage)


class ToPlanes:
    """Makes planes of the frames in one buffer: y, u and v of each behind each other, half as many bytes."""

    def __init__(self, gpu: Gpu, size: tuple[int, int], frames: Any, planes: Any) -> None:
        """frames: a buffer of BGR, byte after byte; planes: one for what becomes of it. Raises ValueError for a size that has
        none: 8 must divide the width, 2 the height."""
        if size[0] % 8 or size[1] % 2:
            raise ValueError(f"Frames of {size[0]} x {size[1]} px cannot be made planes: 8 must divide the width, 2 the height.")
        self._size, self._pipeline = size, _pipeline(gpu)
        buffers = gpu.buffer(np.array(size, np.uint32), uniform=True), frames, planes
        entries = [{"binding": k, "resource": {"buffer": buffer}} for k, buffer in enumerate(buffers)]
        self._group = gpu.device.create_bind_group(layout=self._pipeline.get_bind_group_layout(0), entries=entries)

    def encode(self, encoder: Any, count: int = 1) -> None:
        """Of the first ``count`` frames."""
        work = encoder.begin_compute_pass()
        work.set_pipeline(self._pipeline)
        work.set_bind_group(0, self._group)
        work.dispatch_workgroups(-(-self._size[0] // WIDE), -(-self._size[1] // TALL), count)
        work.end()
