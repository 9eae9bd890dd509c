"""What is to be shown of a film, yet to be made: one of its pictures or two that go over into each other, their heads moved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.flow import STEP, fetch

Floats = NDArray[np.float32]
P = TypeVar("P")


@dataclass(frozen=True, eq=False)
class Moved(ABC, Generic[P]):
    """Of pictures of a kind P."""

    pictures: tuple[P, ...]  # one or two
    fields: tuple[Floats, ...] = ()  # of each, as of `HeadFlow.field`; none: one picture as it is
    share: float = 0.0  # of the second one, 0..1
    sharper: float = 0.0  # see `planes.mix` and `shading.mix_pictures`

    def colour_at(self, places: Floats) -> Floats:
        """Mean colour BGR [3] at places [n, 2] px, but for what is sharpened."""
        total, shares = np.zeros(3, np.float32), (1 - self.share, self.share)
        at, colours = places, np.empty((len(places), 3), np.uint8)
        for k, picture in enumerate(self.pictures):
            if self.fields:
                at = np.empty_like(places)
                fetch(self.fields[k], STEP, places, at)
            self._pick(picture, at, colours)
            total += np.float32(shares[k]) * colours.mean(0, dtype=np.float32)
        return total

    @abstractmethod
    def _pick(self, picture: P, places: Floats, out: NDArray[np.uint8]) -> None:
        """out [n, 3] = BGR of a picture that stands still, at places [n, 2] px."""
