"""The 15 common visemes (the Oculus / OVR LipSync set), in their usual order."""

from __future__ import annotations

VISEME_NAMES: tuple[str, ...] = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U",
)  # fmt: skip
