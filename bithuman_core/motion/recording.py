"""Speech motion of a recording: what the mouth does, tick by tick, without idle life."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState, indices
from bithuman_core.motion.export import Moment
from bithuman_core.pcm import int16_to_float32
from bithuman_core.speech import VISEME_NAMES, SpeechNet, viseme_name
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLES_PER_TICK


class Lips(Protocol):
    """Inner-lip gap and mouth width, interocular distances."""

    @property
    def gap(self) -> float: ...

    @property
    def width(self) -> float: ...


def speech_motion(
    net: SpeechNet, ticks: Iterable[NDArray[np.int16]], measure: Callable[[FaceState], Lips], style: float = 1.0
) -> Iterator[Moment]:
    """The moment of every tick (int16 [640], the last may be shorter) from speech alone: no idle motion."""
    stream, mouth = net.stream(style), indices(*net.mouth_names)

    def padded() -> Iterator[NDArray[np.float32]]:
        for tick in ticks:
            yield np.pad(int16_to_float32(tick), (0, SAMPLES_PER_TICK - tick.size))
        for _ in range(LOOKAHEAD_TICKS):
            yield np.zeros(SAMPLES_PER_TICK, np.float32)

    for index, tick in enumerate(padded()):
        heard = stream.push(tick)
        if index >= LOOKAHEAD_TICKS:
            face = FaceState()
            face.values[mouth] = heard.mouth
            lips, viseme = measure(face), viseme_name(heard.visemes)
            weight = float(heard.visemes[VISEME_NAMES.index(viseme)])
            yield Moment(face, viseme, weight, heard.voice, lips.gap, lips.width)
