"""Avatars from photos, where this installation can make them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bithuman_core.fastrtc.house import Builder
from bithuman_core.fastrtc.jobs import Report

CONSENT = "The visitor of the demo page ticked: this is a photo of me, or of somebody who agrees to it."

# What the builder tells in its own measures, and what a visitor of a page can picture.
_PLAIN = (
    (re.compile(r"best score (0\.\d+)"), r"a face is \1 likely"),
    (re.compile(r"\b0\.(\d+) eye widths\b"), lambda found: f"{_percent(found)} of an eye's width"),
    (re.compile(r"\b0\.(\d+)(?: of 1\b)?(?! ?(?:s|px|degrees)\b)"), lambda found: _percent(found)),
    (re.compile(r"\bby (\d+\.\d), (\d[\d.]*) is needed"), r"by \1 steps of colour, \2 are needed"),
    (re.compile(r"choose one with --face \w+, or "), ""),
)


def _percent(found: re.Match[str]) -> str:
    return f"{100 * float('0.' + found[1]):.0f} %"


def plain(message: str) -> str:
    """A message of the builder's for the page: shares as percent, no options of the command line."""
    for pattern, words in _PLAIN:
        message = pattern.sub(words, message)
    return message


def photo_builder() -> Builder | None:
    """What makes an avatar from a photo; None where the packages of the extra ``build`` are not there."""
    if find_spec("ai_edge_litert") is None:
        return None

    def build(photo: bytes, out: Path, name: str, report: Report) -> Sequence[str]:
        from bithuman_core.build import build_avatar

        return build_avatar(photo, out, consent=CONSENT, name=name, progress=report).notes

    return build
