"""Correctives: texture residuals driven by two coefficients together, or by the turn of the head (pose space deformation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError
from bithuman_core.face import ARKIT_NAMES, HEAD_NAMES, INDEX
from bithuman_core.imx.bounds import MOST, number

ANGLES = HEAD_NAMES[:3]
LEAST_DEGREES = 1.0  # at which a row acts fully


@dataclass(frozen=True)
class Correctives:
    """What drives the residual rows behind those of the 52 coefficients: first the products, then the turns.

    ``order`` says which row of the file each of them is.
    """

    products: NDArray[np.intp]  # [P, 2] coefficients
    axis: NDArray[np.intp]  # [Q] 0 yaw, 1 pitch, 2 roll
    full: NDArray[np.float64]  # [Q] radians at which a row acts fully; its sign says to which side
    order: tuple[int, ...]  # P + Q numbers

    def amounts(self, coefficients: NDArray[np.float32], head: NDArray[np.float64]) -> NDArray[np.float32]:
        """The 52 coefficients (0..1) and, behind them, how far every corrective acts (0..1): [52 + P + Q].

        head: yaw, pitch, roll in radians first.
        """
        together = coefficients[self.products[:, 0]] * coefficients[self.products[:, 1]]
        turned = np.clip(head[self.axis] / self.full, 0.0, 1.0)
        return np.concatenate([coefficients, together, turned.astype(np.float32)])


def read_correctives(listed: Any) -> Correctives:
    """The manifest's rig entry ``correctives``. Raises ModelLoadError for one that nothing could drive."""
    if not isinstance(listed, list) or len(listed) > MOST["correctives"]:
        raise ModelLoadError(
            f"The avatar's rig entry 'correctives' must be a list of {MOST['correctives']} at most; build it again."
        )
    products, turns = {}, {}
    for row, entry in enumerate(listed):
        pair = entry.get("product") if isinstance(entry, dict) else None
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(n, str) and n in ARKIT_NAMES for n in pair):
            products[row] = (INDEX[pair[0]], INDEX[pair[1]])
            continue
        name, degrees = (entry.get("head"), entry.get("degrees")) if isinstance(entry, dict) else (None, None)
        if name not in ANGLES or not _acts(degrees):
            raise ModelLoadError(
                f"The avatar's corrective {row} has no driver: it needs a 'product' of two ARKit names, or a 'head' angle "
                "and 'degrees' between 1 and 90 (or -90 and -1); build it again with this version."
            )
        turns[row] = (ANGLES.index(name), np.radians(number("degrees", degrees)))
    return Correctives(
        products=np.array(list(products.values()), np.intp).reshape(-1, 2),
        axis=np.array([t[0] for t in turns.values()], np.intp),
        full=np.array([t[1] for t in turns.values()], np.float64),
        order=(*products, *turns),
    )


def _acts(degrees: object) -> bool:
    try:
        return abs(number("degrees", degrees)) >= LEAST_DEGREES
    except ModelLoadError:
        return False
