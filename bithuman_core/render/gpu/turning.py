"""Pictures of a film, made on the device: planes or persons moved and mixed, then coloured or laid over a plate."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.cut_out import Before
from bithuman_core.render.footage.flow import STEP
from bithuman_core.render.footage.shading import SHARP, STILL
from bithuman_core.render.footage.turning import Turned
from bithuman_core.render.gpu.device import Gpu

LINE, SQUARE = 64, 8  # words of a workgroup; px of one, each way
PLATES = 16  # that stay on the device: those of as many scenes
NO_FIELD = np.zeros((1, 2), np.float32)


@cache
def _pipelines(gpu: Gpu) -> dict[str, Any]:
    """Those of planes, shift and colour, and those of persons, move and lay."""
    planes, persons = gpu.module("film_turn", "film_flow"), gpu.module("film_cut", "film_flow", "film_fetch")

    def compute(module: Any, entry: str, **constants: float) -> Any:
        stage = {"module": module, "entry_point": entry, "constants": constants}
        return gpu.device.create_compute_pipeline(layout="auto", compute=stage)

    return {
        "shift": compute(planes, "shift", STEP=STEP, STILL=STILL, SHARP=SHARP),
        "colour": compute(planes, "colour"),
        "move": compute(persons, "shift", STEP=STEP, STILL=STILL, SHARP=SHARP),
        "lay": compute(persons, "lay"),
    }


class GpuTurning:
    """Makes pictures of one size, one after the other: :attr:`made` has the last one, BGR, byte after byte."""

    def __init__(self, gpu: Gpu, size: tuple[int, int]) -> None:
        self._gpu, self._size, self._do = gpu, size, _pipelines(gpu)
        self._plates = OrderedDict[int, tuple[NDArray[np.uint8], Any]]()
        width, height = size
        self.made = gpu.empty(3 * width * height)
        self._planes, self._persons = gpu.empty(2 * width * height * 3 // 2), gpu.empty(2 * 4 * width * height)

    def encode(self, encoder: Any, shown: Turned | Before) -> None:
        """Make a picture."""
        if isinstance(shown, Turned):
            self._turn(encoder, shown)
        else:
            self._lay(encoder, shown)

    def _turn(self, encoder: Any, turned: Turned) -> None:
        (width, height), gpu, count = self._size, self._gpu, len(turned.pictures)
        facts = self._facts(count, bool(turned.fields), turned.share, turned.sharper)
        coded = gpu.buffer(np.concatenate([plane.ravel() for picture in turned.pictures for plane in picture]))
        mixed = {0: facts, 3: self._planes if turned.fields else coded, 4: self.made}
        work = encoder.begin_compute_pass()
        if turned.fields:
            bound = {0: facts, 1: gpu.buffer(np.stack(turned.fields)), 2: coded, 3: self._planes}
            self._run(work, "shift", bound, (-(-width * height * 3 // 8 // LINE), count))
        self._run(work, "colour", mixed, (-(-width // (4 * SQUARE)), -(-height // SQUARE)))
        work.end()

    def _lay(self, encoder: Any, shown: Before) -> None:
        (width, height), gpu, person = self._size, self._gpu, shown.person
        facts = self._facts(len(person.pictures), bool(person.fields), person.share, person.sharper)
        field = gpu.buffer(np.stack(person.fields) if person.fields else NO_FIELD)
        pictures, covers = (gpu.buffer(np.stack(parts)) for parts in (person.pictures, person.covers))
        work = encoder.begin_compute_pass()
        bound = {0: facts, 1: field, 2: pictures, 3: covers, 5: self._persons}
        self._run(work, "move", bound, (-(-width // SQUARE), -(-height // SQUARE), len(person.pictures)))
        bound = {0: facts, 4: self._plate(shown.plate), 5: self._persons, 6: self.made}
        self._run(work, "lay", bound, (-(-width // (4 * SQUARE)), -(-height // SQUARE)))
        work.end()

    def _plate(self, plate: NDArray[np.uint8]) -> Any:
        known = self._plates.pop(id(plate), None)  # it is kept with its buffer, so that its id stays its own
        self._plates[id(plate)] = known or (plate, self._gpu.buffer(plate))
        while len(self._plates) > PLATES:
            self._plates.popitem(last=False)
        return self._plates[id(plate)][1]

    def _facts(self, count: int, moved: bool, share: float, sharper: float) -> Any:
        packed = struct.pack("<4I2f", *self._size, count - 1, moved, share, sharper)
        return self._gpu.buffer(np.frombuffer(packed, np.uint8), uniform=True)

    def _run(self, work: Any, name: str, bound: dict[int, Any], groups: Sequence[int]) -> None:
        pipeline = self._do[name]
        entries = [{"binding": k, "resource": {"buffer": buffer}} for k, buffer in bound.items()]
        work.set_pipeline(pipeline)
        work.set_bind_group(0, self._gpu.device.create_bind_group(layout=pipeline.get_bind_group_layout(0), entries=entries))
        work.dispatch_workgroups(*groups)
