"""The mouth shape of every phone as blendshape coefficients, opened as far as real lips open in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.speech.phones import GAP_OF_PHONE, PHONE_INDEX, PHONES, each
from training.speech.rig import DRIVEN, DRIVEN_INDEX, LipModel

# Shape of the lips without the jaw, after the standard phonetic descriptions: rounding (pucker, funnel), spreading
# (smile, stretch), labiodental contact (lower lip rolled in, upper lip lifted), teeth shown in sibilants.
_BILABIAL = {"mouthPress": 0.22, "mouthRollLower": 0.16, "mouthRollUpper": 0.10}
_LABIODENTAL = {"mouthRollLower": 0.42, "mouthUpperUp": 0.20, "mouthShrugUpper": 0.10, "mouthStretch": 0.06}
_ALVEOLAR = {"mouthLowerDown": 0.12, "mouthUpperUp": 0.05, "mouthStretch": 0.06}
_VELAR = {"mouthLowerDown": 0.08, "mouthUpperUp": 0.04}
_SIBILANT = {"mouthLowerDown": 0.26, "mouthUpperUp": 0.12, "mouthStretch": 0.14, "mouthSmile": 0.06}
_POSTALVEOLAR = {"mouthFunnel": 0.16, "mouthPucker": 0.22, "mouthLowerDown": 0.12, "mouthUpperUp": 0.08}
_SPREAD = {"mouthSmile": 0.16, "mouthStretch": 0.14, "mouthLowerDown": 0.16, "mouthUpperUp": 0.10}
_OPEN = {"mouthLowerDown": 0.12, "mouthUpperUp": 0.07}
SHAPES = each({
    "p b m": _BILABIAL,
    "f v": _LABIODENTAL,
    "th dh": {"mouthLowerDown": 0.10, "mouthUpperUp": 0.04},
    "t d n l": _ALVEOLAR,
    "k g hh ng": _VELAR,
    "s z": _SIBILANT,
    "sh zh ch jh": _POSTALVEOLAR,
    "r er": {"mouthPucker": 0.20, "mouthFunnel": 0.10, "mouthLowerDown": 0.06},
    "iy y": _SPREAD,
    "ih": {"mouthSmile": 0.08, "mouthStretch": 0.08, "mouthLowerDown": 0.12, "mouthUpperUp": 0.06},
    "eh ey ae": {"mouthLowerDown": 0.14, "mouthUpperUp": 0.08, "mouthStretch": 0.12, "mouthSmile": 0.05},
    "aa ah ax ay aw": _OPEN,
    "ao": {"mouthFunnel": 0.18, "mouthPucker": 0.12},
    "ow oy": {"mouthPucker": 0.34, "mouthFunnel": 0.16},
    "uh": {"mouthPucker": 0.26, "mouthFunnel": 0.10},
    "uw": {"mouthPucker": 0.52, "mouthFunnel": 0.14},
    "w": {"mouthPucker": 0.56, "mouthFunnel": 0.12},
})
# Diphthongs glide: (phone whose shape starts, gap there / average gap, phone whose shape ends, gap there / average).
GLIDES: dict[str, tuple[str, float, str, float]] = {
    "ay": ("aa", 1.10, "ih", 0.86), "aw": ("aa", 1.15, "uw", 0.72), "oy": ("ow", 1.0, "ih", 1.0),
    "ey": ("eh", 1.04, "iy", 0.95), "ow": ("ow", 1.12, "uw", 0.82),
}  # fmt: skip


def pose(model: LipModel, phone: str, gap: float | None = None) -> NDArray[np.float32]:
    """Coefficients float32 [13] of a phone, the jaw opened until the lips stand ``gap`` apart (None: the phone's own).

    Raises KeyError for an unknown phone; silence is all zeros.
    """
    values = np.zeros(len(DRIVEN), np.float32)
    if phone not in SHAPES:
        if PHONE_INDEX[phone] != 0:
            raise KeyError(phone)
        return values
    for name, value in SHAPES[phone].items():
        values[DRIVEN_INDEX[name]] = value
    return with_gap(model, values, GAP_OF_PHONE[phone] if gap is None else gap)


def with_gap(model: LipModel, values: NDArray[np.float32], gap: float | NDArray[np.floating]) -> NDArray[np.float32]:
    """``values`` [..., 13] with the jaw moved so that the lips stand ``gap`` [...] apart, as far as the jaw's 0..1 allows."""
    values = values.copy()
    jaw = DRIVEN_INDEX["jawOpen"]
    values[..., jaw] = np.clip(values[..., jaw] + (gap - model.gap(values)) / model.gap_of[jaw], 0.0, 1.0)
    return values


def pose_table(model: LipModel) -> NDArray[np.float32]:
    """All phones at their start and their end, float32 [phones, 2, 13]."""
    table = np.zeros((len(PHONES), 2, len(DRIVEN)), np.float32)
    for i, phone in enumerate(PHONES):
        if phone in GLIDES:
            first, open_first, last, open_last = GLIDES[phone]
            average = GAP_OF_PHONE[phone]
            table[i, 0], table[i, 1] = pose(model, first, average * open_first), pose(model, last, average * open_last)
        else:
            table[i] = pose(model, phone)
    return table
