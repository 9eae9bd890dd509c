"""sRGB to CIE L*a*b* (D65, IEC 61966-2-1 and CIE 15): how different two colours look."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Brightness of a colour as stored, ITU-R BT.601."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
WHITE = TO_XYZ.sum(1)


def srgb_to_lab(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """[..., 3] sRGB 0..1 as stored -> [..., 3] L 0..100, a, b."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ TO_XYZ.T / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1).astype(np.float32)
