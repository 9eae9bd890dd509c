"""Arrays and numbers of an avatar file, each with its dtype, shape and bounds checked: what both kinds are read by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError
from bithuman_core.face import ARKIT_NAMES
from bithuman_core.imx import ImxFile
from bithuman_core.imx.bounds import check_array, number
from bithuman_core.render.rig import Shapes


def array(avatar: ImxFile, name: str, dtype: Any, rows: int | None, columns: int | None = None) -> NDArray[Any]:
    """An array of the file in its dtype and shape (None: any number of rows), floats within their bounds."""
    held = avatar.array(name)
    shape = (len(held) if rows is None and held.ndim else rows, *(() if columns is None else (columns,)))
    if held.shape != shape or held.dtype != dtype:
        raise ModelLoadError(
            f"The avatar's array {name!r} is {held.dtype} {list(held.shape)} where {np.dtype(dtype)} {list(shape)} is "
            "needed; build it again with this version."
        )
    if held.dtype.kind == "f":
        check_array(name, held)
    return np.ascontiguousarray(held)


def indices(avatar: ImxFile, name: str, rows: int | None, columns: int | None, below: int) -> NDArray[np.uint16]:
    """An array of row numbers, all of them smaller than ``below``: the kernels do not check."""
    rows_of = array(avatar, name, np.uint16, rows, columns)
    if rows_of.size and int(rows_of.max()) >= below:
        raise ModelLoadError(f"The avatar's array {name!r} points outside its {below} rows; the file is damaged.")
    return rows_of


def number_of(rig: dict[str, Any], name: str, missing: float | None = None) -> float:
    """A number of the rig within its bounds; ``missing`` where the file has none, None: it must."""
    if name in rig:
        return number(name, rig[name])
    if missing is None:
        raise ModelLoadError(f"The avatar's manifest lacks the rig number {name!r}; build it again with this version.")
    return missing


def vector(rig: dict[str, Any], name: str, length: int) -> NDArray[np.float32]:
    value = rig.get(name)
    if not isinstance(value, list) or len(value) != length:
        raise ModelLoadError(f"The avatar's manifest lacks the rig numbers {name!r}; build it again with this version.")
    return np.array([number(name, v) for v in value], np.float32)


def numbers(raw: Any, name: str) -> dict[str, Any]:
    value = raw.get(name)
    if not isinstance(value, dict):
        raise ModelLoadError(f"The avatar's manifest lacks the rig numbers {name!r}; build it again with this version.")
    return value


def shapes(avatar: ImxFile, vertices: int) -> Shapes:
    """Shapes in the order of ARKIT_NAMES, whatever the order and number in the file."""
    names = avatar.manifest.coefficients
    count = len(names)
    start = array(avatar, "shape_start", np.uint32, count + 1).astype(np.int64)
    index = indices(avatar, "shape_index", None, None, vertices)
    delta = array(avatar, "shape_delta", np.float16, len(index), 3)
    if start[0] != 0 or start[-1] != len(index) or (np.diff(start) < 0).any():
        raise ModelLoadError("The avatar's shapes do not fit their index; the file is damaged.")
    rows = [names.index(n) if n in names else -1 for n in ARKIT_NAMES]
    none = np.zeros(0, np.int64)
    take = [np.arange(start[r], start[r + 1]) if r >= 0 else none for r in rows]
    order = np.concatenate(take).astype(np.int64)
    return Shapes(
        start=np.concatenate([[0], np.cumsum([len(t) for t in take])]).astype(np.uint32),
        index=np.ascontiguousarray(index[order]),
        delta=np.ascontiguousarray(delta[order], np.float32),
    )
