"""HDR pictures (HLG, PQ) and wide colours (BT.2020, Display P3) brought to sRGB.

ITU-R BT.2100-2 says what their numbers mean in light, BT.2390-11 (5.4.1) how highlights are rolled off, BT.2408-7 where white is:
at 203 cd/m2, which becomes the white of the photo. BT.2087-0 and SMPTE EG 432-1 give the colours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PQ, HLG = 16, 18
"""Transfer characteristics as ITU-T H.273 numbers them."""
BT2020, P3 = 9, 12
"""Colour primaries, the same."""
WHITE, PEAK = 203.0, 1000.0
"""cd/m2 of white on paper (BT.2408), and of the brightest highlight: HLG's nominal peak, and what phones grade PQ for."""
DISPLAY_GAMMA = 2.4
"""BT.1886: how displays show SDR video whose colours are wide."""
NOTE = "The picture is HDR: its highlights were brought to what a photo holds."
STEPS = 1 << 16
"""Of the tables."""
BAND = 64
"""Rows that are converted at once, so that memory stays small."""

TO_SRGB = {
    BT2020: np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32),
    P3: np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]], np.float32),
}
"""Linear light of these primaries to that of sRGB's."""
HLG_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073


def is_hdr(transfer: int) -> bool:
    """Whether pictures of this transfer characteristic (H.273) are HDR."""
    return transfer in (PQ, HLG)


def is_foreign(transfer: int, primaries: int) -> bool:
    """Whether pictures of this kind (H.273's numbers) would be wrong if they were taken as sRGB."""
    return is_hdr(transfer) or primaries in TO_SRGB


def to_srgb(picture: NDArray[Any], transfer: int, primaries: int) -> NDArray[np.uint8]:
    """A picture [h, w, 3] of R'G'B', uint8 or uint16 over its whole range -> sRGB of 8 bits.

    transfer, primaries: H.273's numbers.
    """
    to_light = _light_table(int(np.iinfo(picture.dtype).max), transfer)
    out = np.empty(picture.shape, np.uint8)
    for top in range(0, len(picture), BAND):
        rows = slice(top, top + BAND)
        light = to_light[picture[rows]]
        if transfer == HLG:  # the opto-optical transfer of BT.2100 for a display of 1000 cd/m2: gamma 1.2 of the luminance
            light *= PEAK / WHITE * np.maximum(light @ HLG_LUMA, 1e-6)[..., None] ** 0.2
        if primaries in TO_SRGB:
            light = np.maximum(light @ TO_SRGB[primaries].T, 0)
        if is_hdr(transfer):
            light *= _looked_up(_ROLLING, light.max(-1) * (WHITE / PEAK))[..., None]
        out[rows] = _looked_up(_SRGB, light)
    return out


def _looked_up(table: NDArray[Any], place: Array) -> NDArray[Any]:
    """The values of a table over 0..1 at place [...], which is clipped."""
    return table[(np.clip(place, 0, 1) * (len(table) - 1) + 0.5).astype(np.int32)]


def _light_table(top: int, transfer: int) -> Array:
    """Light of every number 0..top: scene light 0..1 of HLG, else display light in units of white."""
    signal = np.linspace(0, 1, top + 1)
    if transfer == HLG:
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - _C) / _A) + _B) / 12)
    elif transfer == PQ:
        light = np.minimum(_pq_light(signal), PEAK) / WHITE
    else:
        light = signal**DISPLAY_GAMMA
    return light.astype(np.float32)


def _pq_light(signal: NDArray[Any]) -> NDArray[Any]:
    root = signal ** (1 / _M2)
    return 10_000 * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)


def _pq_signal(light: NDArray[Any]) -> NDArray[Any]:
    power = (light / 10_000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def _rolling() -> Array:
    """How much of its light a colour keeps, by its brightest channel, 0..`PEAK`: the EETF of BT.2390 from `PEAK` to `WHITE`."""
    whole = float(_pq_signal(np.array(PEAK)))
    most = float(_pq_signal(np.array(WHITE))) / whole
    knee = 1.5 * most - 0.5
    light = np.linspace(0, 1, STEPS) * PEAK
    signal = _pq_signal(light) / whole
    t = np.clip((signal - knee) / (1 - knee), 0, 1)
    rolled = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return np.where(signal < knee, 1, _pq_light(rolled * whole) / np.maximum(light, 1e-6)).astype(np.float32)


def _srgb() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, STEPS)
    return (np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255 + 0.5).astype(np.uint8)


_ROLLING, _SRGB = _rolling(), _srgb()
