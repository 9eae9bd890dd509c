"""Writing an avatar: arrays and manifest into one safetensors file, in one step or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from bithuman_core.files import replacing
from bithuman_core.imx.checksum import checksum, describe
from bithuman_core.imx.manifest import Manifest
from bithuman_core.imx.reader import METADATA_KEY, check_arrays, check_sizes


def write_imx(path: str | Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Manifest:
    """Write an avatar and return the manifest as written (with array descriptions and checksum filled in).

    The same manifest and arrays always give the same bytes. Everything the reader would refuse is refused here too
    (ModelLoadError, ModelSecurityError), before anything is written.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    manifest = replace(manifest, arrays=describe(arrays), sha256=checksum(arrays))
    manifest = Manifest.from_json(manifest.to_json())
    check_sizes({name: (a.dtype, a.shape) for name, a in arrays.items()})
    check_arrays(manifest, arrays)
    with replacing(Path(path)) as temporary:
        temporary.write_bytes(save(arrays, metadata={METADATA_KEY: manifest.to_json()}))
    return manifest
