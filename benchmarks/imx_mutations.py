"""Three kinds of mutation of an avatar file, each wholly given by a seed: of its bytes, of its manifest, of its arrays."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.imx_parts import Parts, encoded
from bithuman_core.imx.bounds import BOUNDS

KINDS = ("bytes", "manifest", "arrays")
Rng = np.random.Generator
Array = NDArray[Any]
NUMBERS: tuple[Any, ...] = (
    0, -0.0, 1, -1, 2, 0.5, 5e-324, 1e-320, 1e-45, 1e-38, 1e-7, 1e3, 1e5, 1e6, -1e6, 2e9, 2**31, -(2**31), 2**32, 1e15, 8e18,
    2**63, 2**64, 1e37, 1e38, 3.4e38, 3.5e38, 1e41, -1e41, 1e300, 1.7e308, 10**30, 10**400, float("inf"), float("-inf"),
    float("nan"),
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    True, False, None, "", "1", "1e5", "nan", "\ud800", "\x00", "\u202e", "x" * 5000, [], {}, [[]], [1], [1, 2], [1, 2, 3],
    {"a": 1}, [float("nan")] * 3, [1e300, 1e300], ["jawOpen"], "jawOpen", "headYaw", "texture", "vertices", [0] * 20000,
)  # fmt: skip
FACTORS = (-1, 0, 1e-45, 1e-30, 1e-3, 0.5, 2, 10, 100, 1e4, 1e9, 1e20, 1e30, 3e38)
MOST_TEXT = 2**21  # characters of JSON that one change may add
DTYPES = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float16, np.float32)


def mutated(base: Parts, seed: int) -> tuple[str, bytes]:
    """(what was done, the file) for a seed; seeds go round the three kinds."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % 3]
    parts = base.copy()
    if kind == "bytes" and rng.random() < 0.6:
        return kind, _bytes(parts.to_bytes(), rng)
    if kind == "bytes":  # with a checksum that fits them
        name = str(_pick(rng, sorted(parts.arrays)))
        parts.arrays[name] = _other_bytes(parts.arrays[name], rng)
        return f"{kind} of {name}", parts.to_bytes()
    change = _manifest if kind == "manifest" else _array
    done = [change(parts, rng) for _ in range(_pick(rng, (1, 1, 1, 2, 3)))]
    with np.errstate(all="ignore"):
        return f"{kind}: {'; '.join(done)}", parts.to_bytes(honest=bool(rng.random() < 0.95))


def _pick(rng: Rng, among: Any) -> Any:
    return among[int(rng.integers(len(among)))]


def _bytes(raw: bytes, rng: Rng) -> bytes:
    data = bytearray(raw)
    header = 8 + struct.unpack("<Q", raw[:8])[0]
    for _ in range(int(rng.integers(1, 9))):
        at = int(rng.integers(header if rng.random() < 0.6 else len(data)))
        size = int(rng.integers(1, 200))
        match rng.integers(7):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                data[at : at + 1] = bytes([data[min(at, len(data) - 1)] ^ (1 << int(rng.integers(8)))])
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = rng.bytes(size)
            case 4:
                data[at : at + size] = bytes(len(data[at : at + size]))
            case 5:
                data[at : at + 1] = str(_pick(rng, NUMBERS)).encode()
            case _:
                data[:8] = struct.pack("<Q", int(_pick(rng, (0, 1, header - 9, header, len(raw), 2**31, 2**63, 2**64 - 1))))
        if len(data) < 16:
            break
    return bytes(data[: int(rng.integers(len(data) + 1))] if rng.random() < 0.1 else data)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [deeper for key, entry in inner for deeper in ((*path, key), *_leaves(entry, (*path, key)))]


def _manifest(parts: Parts, rng: Rng) -> str:
    top = "rig" if rng.random() < 0.7 else str(_pick(rng, sorted(parts.manifest)))
    inside = [(top, *path) for path in _leaves(parts.manifest.get(top)) if "correctives" not in path or rng.random() < 0.1]
    *way, last = _pick(rng, inside) if inside and rng.random() < 0.95 else (top,)
    holder: Any = parts.manifest
    for key in way:
        holder = holder[key]
    if isinstance(holder, dict) and last not in holder:
        return f"{top} is gone"
    old = holder[last]
    value: Any = _pick(rng, NUMBERS)
    bounds = next((BOUNDS[key] for key in (last, *way[::-1]) if key in BOUNDS), None)
    choice = rng.random()
    if rng.random() < 0.4 and bounds and not isinstance(old, dict | list):
        value = _between(bounds, rng)
    elif choice < 0.2:
        value = deepcopy(_pick(rng, OTHERS))
    elif choice < 0.45 and _is_moderate(old):
        value = old * (float(_pick(rng, FACTORS)) if rng.random() < 0.5 else float(rng.lognormal(0, 0.5)))
    elif choice < 0.5:
        times = int(_pick(rng, (1, 2, 70, 3000)))
        value = [old] * min(times, 1 + MOST_TEXT // len(json.dumps(old)))
    elif choice < 0.55 and isinstance(holder, dict):
        name = _pick(rng, ("\ud83d", "a\nb", "", "x" * 300, "headYaw", "jawOpen", "texture"))
        holder[name] = holder.pop(last)
        return f"{[*way, last]} renamed to {name!r:.20}"
    elif choice < 0.6:
        holder.pop(last)
        return f"{[*way, last]} removed"
    holder[last] = value
    return f"{[*way, last]} = {value!r:.40}"


def _is_moderate(value: Any) -> TypeGuard[float]:
    """A number that a float can hold."""
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**64)


def _between(bounds: tuple[float, float], rng: Rng) -> float:
    """One that is allowed, or just is not."""
    low, high = bounds
    beyond = np.nextafter(np.float32(high), np.float32(np.inf))
    return float(_pick(rng, (low, high, float(rng.uniform(low, high)), low + 1e-6 * (high - low), float(beyond))))


def _array(parts: Parts, rng: Rng) -> str:
    if rng.random() < 0.15:
        return _all_scaled(parts, rng)
    name = str(_pick(rng, sorted(parts.arrays)))
    old = parts.arrays[name]
    with np.errstate(all="ignore"):
        if name in parts.manifest.get("images", ()) and rng.random() < 0.7:
            parts.arrays[name] = _picture(old, rng)
            return f"{name}: another picture"
        if name in BOUNDS and rng.random() < 0.4:
            low, high = (float(_between(BOUNDS[name], rng)) for _ in range(2))
            odd = rng.random(old.shape) < _pick(rng, (1e-4, 1e-2, 0.5, 1.0))
            parts.arrays[name] = np.where(odd, rng.uniform(min(low, high), max(low, high), old.shape), old).astype(old.dtype)
            return f"{name}: {odd.sum()} from {low} to {high}"
        how = _pick(rng, OPERATIONS)
        new = how(old, rng)
    parts.arrays[name] = np.ascontiguousarray(new)
    return f"{name}: {how.__name__} -> {new.dtype} {list(new.shape)}"


def _all_scaled(parts: Parts, rng: Rng) -> str:
    """Mesh and camera together: what is only compared with each other passes."""
    factor = float(_pick(rng, FACTORS))
    rig = parts.manifest.get("rig")
    names = [name for name in ("vertices", "backdrop_vertices", "shape_delta") if rng.random() < 0.7 and name in parts.arrays]
    with np.errstate(all="ignore"):
        for name in names:
            parts.arrays[name] = (parts.arrays[name] * factor).astype(parts.arrays[name].dtype)
    for name in ("distance", "face_width"):
        if isinstance(rig, dict) and _is_moderate(rig.get(name)) and rng.random() < 0.8:
            rig[name] = float(rig[name]) * factor * (3 if name == "distance" else 1)
    return f"{names} and camera times {factor}"


def _some(array: Array, rng: Rng) -> Array:
    """A few entries that the dtype can hold."""
    out = array.copy().reshape(-1)
    value: Any = float(_pick(rng, NUMBERS[:-5] + NUMBERS[-3:]))
    if array.dtype.kind != "f":
        limits = np.iinfo(array.dtype)
        value = int(_pick(rng, (limits.min, limits.max, 0, 1, limits.max // 2)))
    if out.size:
        out[rng.integers(out.size, size=int(_pick(rng, (1, 3, 50))))] = value
    return out.reshape(array.shape)


def _constant(array: Array, rng: Rng) -> Array:
    return np.full_like(array, _some(np.zeros(1, array.dtype), rng)[0])


def _times(array: Array, rng: Rng) -> Array:
    return (array * float(_pick(rng, FACTORS))).astype(array.dtype)


def _shuffled(array: Array, rng: Rng) -> Array:
    return rng.permutation(array) if array.ndim else array


def _redrawn(array: Array, rng: Rng) -> Array:
    """Entries of its own, anywhere: row numbers stay row numbers."""
    return rng.choice(array.reshape(-1), array.shape) if array.size else array


def _other_bytes(array: Array, rng: Rng) -> Array:
    """Some of its bytes anew."""
    raw = np.frombuffer(array.tobytes(), np.uint8).copy()
    if raw.size:
        at = rng.integers(raw.size, size=int(_pick(rng, (1, 1, 4, 100))))
        raw[at] = np.frombuffer(rng.bytes(at.size), np.uint8)
    return raw.view(array.dtype).reshape(array.shape)


def _noise(array: Array, rng: Rng) -> Array:
    return np.frombuffer(rng.bytes(array.nbytes), array.dtype).reshape(array.shape)


def _shorter(array: Array, rng: Rng) -> Array:
    return array[: int(rng.integers(len(array) + 1))] if array.ndim else array


def _longer(array: Array, rng: Rng) -> Array:
    """Up to 16 MiB."""
    times = min(int(_pick(rng, (2, 10, 500))), max(1, 2**24 // max(array.nbytes, 1)))
    return np.concatenate([array] * times) if array.ndim else array


def _shaped(array: Array, rng: Rng) -> Array:
    return _pick(rng, (array.reshape(-1), array.T, array[None], array[..., None], array.reshape(-1)[:0], array.reshape(-1)[:1]))


def _scalar(array: Array, rng: Rng) -> Array:
    return np.zeros((), array.dtype)


def _retyped(array: Array, rng: Rng) -> Array:
    return array.astype(_pick(rng, DTYPES))


OPERATIONS: tuple[Callable[[Array, Rng], Array], ...] = (
    _some, _some, _constant, _times, _shuffled, _redrawn, _redrawn, _noise, _shorter, _longer, _shaped, _scalar, _retyped,
)  # fmt: skip


def _picture(old: Array, rng: Rng) -> Array:
    """Another picture: of any size and mode, or with damaged bytes, or whose header lies about its size."""
    side = lambda: int(_pick(rng, (1, 2, 15, 16, 17, 36, 64, 112, 160, 500)))  # noqa: E731
    match rng.integers(4):
        case 0:
            mode = _pick(rng, ("L", "RGB", "RGBA", "P", "1", "LA", "I;16"))
            return encoded(Image.new(mode, (side(), side())))
        case 1:
            return encoded(Image.new("RGBA", (side(), side())), "WEBP")
        case 2:
            return _some(_some(old, rng), rng)
        case _:
            png = encoded(Image.new("RGBA", (side(), side()))).tobytes()
            sides = (int(_pick(rng, (0, 1, 64, 4096, 4097, 65535, 2**31 - 1))) for _ in range(2))
            header = png[12:16] + struct.pack(">2I", *sides) + png[24:29]
            return np.frombuffer(png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:], np.uint8)
