"""Reading an avatar: every check comes before the allocation or the use that it protects."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError

from bithuman_core.errors import ModelLoadError, ModelNotFoundError, ModelSecurityError
from bithuman_core.imx.checksum import checksum, describe
from bithuman_core.imx.loader_errors import loader
from bithuman_core.imx.manifest import Manifest
from bithuman_core.imx.sniff import refuse_foreign
from bithuman_core.intake.pictures import open_picture
from bithuman_core.intake.tensors import open_tensors

METADATA_KEY = "imx"
MAX_FILE = 256 * 2**20  # bytes
MAX_HEADER = 4 * 2**20  # bytes of JSON
MAX_ARRAYS = 512
MAX_DIMENSIONS = 5
MAX_IMAGE = 4096  # px, each side
IMAGE_FORMATS = ("PNG", "WEBP")
DTYPES = {
    "U8": np.uint8, "I8": np.int8, "U16": np.uint16, "I16": np.int16, "U32": np.uint32, "I32": np.int32,
    "F16": np.float16, "F32": np.float32,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImxFile:
    """An avatar as read: the manifest and its arrays (read-only)."""

    manifest: Manifest
    arrays: Mapping[str, NDArray[Any]]

    def array(self, name: str) -> NDArray[Any]:
        """The array of that name. Raises ModelLoadError where the avatar has none."""
        try:
            return self.arrays[name]
        except KeyError:
            raise ModelLoadError(f"The avatar lacks the array {name!r}; build it again with this version.") from None

    def image(self, name: str, most: int = MAX_IMAGE) -> NDArray[np.uint8]:
        """Decode the picture ``name``: uint8 [height, width, 3 or 4], RGB(A), or [height, width] where it is grey.

        Raises ModelLoadError where it is missing or damaged and ModelSecurityError where it is over ``most`` px a side.
        """
        return decode_image(name, self.array(name), most)


@loader
def decode_image(name: str, encoded: NDArray[np.uint8], most: int = MAX_IMAGE) -> NDArray[np.uint8]:
    """Decode one PNG or WebP of an avatar, checking its size (``most`` px a side) before decoding."""
    try:
        with open_picture(encoded.tobytes(), IMAGE_FORMATS, MAX_IMAGE**2) as picture:
            if max(picture.size) > most:
                raise ModelSecurityError(f"The avatar's picture {name!r} is {picture.size}; {most} px a side are allowed.")
            if picture.mode not in ("L", "RGB", "RGBA"):
                raise ModelLoadError(f"The avatar's picture {name!r} has the mode {picture.mode}; L, RGB or RGBA is needed.")
            return np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ModelLoadError(f"The avatar's picture {name!r} cannot be decoded ({error}); the file is damaged.") from error


@loader
def read_imx(path: str | Path) -> ImxFile:
    """Read and check an avatar file.

    Raises ModelNotFoundError (no such file), ModelLoadError (foreign, damaged or too new) or ModelSecurityError
    (over a limit, or the arrays are not those the manifest was written for). Nothing is executed.
    """
    path = Path(path)
    if not path.exists():
        raise ModelNotFoundError(f"There is no avatar file {str(path)!r}: check the path.")
    if not path.is_file():
        raise ModelLoadError(f"{str(path)!r} is not a file: give the path of an .imx avatar.")
    size = path.stat().st_size
    if size > MAX_FILE:
        raise ModelSecurityError(f"{path.name!r} has {size / 2**20:.0f} MiB; an avatar has {MAX_FILE // 2**20} MiB at most.")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise ModelLoadError(f"{path.name!r} cannot be read ({error.strerror}).") from error
    refuse_foreign(path.name, head)
    header = struct.unpack("<Q", head[:8])[0]
    if header > min(size - 8, MAX_HEADER):
        raise ModelLoadError(f"{path.name!r} is cut short or damaged: its header does not fit the file.")
    manifest, arrays = _read_safetensors(path)
    check_arrays(manifest, arrays)
    if checksum(arrays) != manifest.sha256:
        raise ModelSecurityError(f"{path.name!r} is damaged: its data do not match its checksum; get or build it again.")
    for array in arrays.values():
        array.flags.writeable = False
    return ImxFile(manifest, arrays)


def _read_safetensors(path: Path) -> tuple[Manifest, dict[str, NDArray[Any]]]:
    try:
        with open_tensors(path) as file:
            metadata = file.metadata() or {}
            if METADATA_KEY not in metadata:
                raise ModelLoadError(f"{path.name!r} is a safetensors file but not an avatar: it has no manifest.")
            manifest = Manifest.from_json(metadata[METADATA_KEY])
            names = list(file.keys())
            slices = {name: file.get_slice(name) for name in names}
            check_sizes({name: (_dtype(name, s.get_dtype()), tuple(s.get_shape())) for name, s in slices.items()})
            wanted = [name for name in names if name in manifest.arrays]
            return manifest, {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError, UnicodeDecodeError) as error:
        raise ModelLoadError(f"{path.name!r} is cut short or damaged ({error}); get or build it again.") from error


def _dtype(name: str, code: str) -> np.dtype[Any]:
    if code not in DTYPES:
        raise ModelSecurityError(f"The avatar's array {name!r} has the type {code}, which avatars do not use.")
    return np.dtype(DTYPES[code])


def check_sizes(described: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]) -> None:
    """Refuse too many or too large arrays. described: dtype and shape by name."""
    if len(described) > MAX_ARRAYS:
        raise ModelSecurityError(f"The avatar holds {len(described)} arrays; {MAX_ARRAYS} are allowed.")
    total = 0
    for name, (dtype, shape) in described.items():
        if len(shape) > MAX_DIMENSIONS:
            raise ModelSecurityError(f"The avatar's array {name!r} has {len(shape)} dimensions; {MAX_DIMENSIONS} are allowed.")
        total += dtype.itemsize * int(np.prod(shape, dtype=object))
    if total > MAX_FILE:
        raise ModelSecurityError(f"The avatar's arrays take {total / 2**20:.0f} MiB; {MAX_FILE // 2**20} are allowed.")


def check_arrays(manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Check arrays against their manifest: presence, dtype, shape, finite floats, indices in range, pictures as bytes."""
    if describe(arrays) != manifest.arrays:
        raise ModelLoadError("The avatar's arrays are not those its manifest lists; the file is damaged.")
    for name in manifest.images:
        if name not in arrays or arrays[name].dtype != np.uint8 or arrays[name].ndim != 1:
            raise ModelLoadError(f"The avatar's picture {name!r} is missing or not a byte vector; the file is damaged.")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelLoadError(f"The avatar's array {name!r} holds numbers that are not finite; the file is damaged.")
    for name, target in manifest.indices.items():
        if name not in arrays or target not in arrays or arrays[name].dtype.kind not in "iu" or not arrays[target].ndim:
            raise ModelLoadError(f"The avatar's index array {name!r} is missing or of the wrong type; the file is damaged.")
        index = arrays[name]
        if index.size and (int(index.min()) < 0 or int(index.max()) >= len(arrays[target])):
            raise ModelSecurityError(f"The avatar's array {name!r} points outside {target!r}; the file is damaged.")
