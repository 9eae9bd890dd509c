"""The manifest of an avatar: what the file holds, how it may move, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bithuman_core.errors import ModelLoadError, ModelSecurityError
from bithuman_core.face import ARKIT_NAMES, HEAD_NAMES
from bithuman_core.imx.bounds import MOST, check_count, is_name, number, shown

FORMAT = "bithuman-core.imx"
VERSION = "1.0"  # major.minor: readers refuse an unknown major and accept any minor
KINDS = ("portrait", "footage")
MAX_CANVAS = 4096  # px, each side
MAX_NAME = MOST["name"]  # characters
MAX_PERSONA = 4000  # characters: some 1,000 tokens


@dataclass(slots=True)
class Manifest:
    """Everything an ``.imx`` says about itself besides its arrays.

    canvas: (width, height) in px of the frames it renders. coefficients: the ARKit names its shapes are stored in, in order.
    limits: head values by name of :data:`~bithuman_core.face.HEAD_NAMES`, each (lowest, highest) in that value's unit.
    rig: numbers of the rig by name (documented by the renderer of ``kind``). images: names of the arrays that hold an encoded
    picture. indices: integer arrays by name -> name of the array whose rows they point at. arrays: dtype and shape by name
    (filled in by the writer). provenance: sources, licences, consent, builder. background: what the avatar stands before unless
    somebody chooses: photo (its own), blur, #rrggbb, or picture (that of the array ``background``). persona: who it is where it
    answers, in plain words, for the model that speaks for it ("": whatever its host says). sha256: checksum of the arrays
    (writer).
    """

    name: str
    canvas: tuple[int, int]
    kind: str = "portrait"
    version: str = VERSION
    coefficients: tuple[str, ...] = ARKIT_NAMES
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    gestures: dict[str, Any] = field(default_factory=dict)
    rig: dict[str, Any] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    indices: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, dict[str, Any]] = field(default_factory=dict)
    background: str = "photo"
    persona: str = ""
    sha256: str = ""

    def to_json(self) -> str:
        """The manifest as compact JSON with sorted keys (so that equal avatars give equal files)."""
        entries = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return json.dumps({"format": FORMAT, **entries}, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read and check a manifest. Unknown entries are ignored. Raises ModelLoadError or ModelSecurityError."""
        try:
            raw = json.loads(text)
            json.dumps(raw, ensure_ascii=False).encode()  # half a surrogate pair, wherever it stands, can never be sent on
        except (ValueError, RecursionError) as error:
            raise ModelLoadError(f"The avatar's manifest is not valid JSON ({error}); the file is damaged.") from error
        if not isinstance(raw, dict) or raw.get("format") != FORMAT:
            raise ModelLoadError("This safetensors file is not an avatar: its metadata has no bithuman-core manifest.")
        known = {f.name for f in fields(cls)}
        missing = {"name", "canvas", "kind", "version", "coefficients", "arrays", "sha256"} - raw.keys()
        if missing:
            raise ModelLoadError(f"The avatar's manifest lacks {', '.join(sorted(missing))}; the file is damaged.")
        manifest = cls(**{key: value for key, value in raw.items() if key in known})
        manifest._check()
        return manifest

    def _check(self) -> None:
        if not (isinstance(self.version, str) and isinstance(self.kind, str) and is_name(self.name)):
            raise ModelLoadError("The avatar's manifest is damaged: version, kind and name must be short texts.")
        if self.version.split(".")[0] != VERSION.split(".")[0]:
            raise ModelLoadError(
                f"This avatar has format version {self.version[:20]}, this program reads {VERSION}: update bithuman_core."
            )
        if self.kind not in KINDS:
            raise ModelLoadError(f"This avatar is of the unknown kind {self.kind[:40]!r}: update bithuman_core.")
        self.canvas = _canvas(self.canvas)
        self.coefficients = tuple(_names(self.coefficients, "coefficients"))
        unknown = [name for name in self.coefficients if name not in ARKIT_NAMES]
        if unknown or len(set(self.coefficients)) != len(self.coefficients):
            raise ModelLoadError("The avatar's coefficient names must be distinct ARKit names; the file is damaged.")
        self.limits = {name: _range(name, pair) for name, pair in _mapping(self.limits, "limits").items()}
        self.images = tuple(_names(self.images, "images"))
        for part in ("gestures", "rig", "indices", "provenance", "arrays"):
            _mapping(getattr(self, part), part)
        check_count("gestures", len(self.gestures))
        if not all(map(is_name, self.gestures)):
            raise ModelLoadError("The avatar's manifest is damaged: the names of its gestures must be short texts.")
        if not isinstance(self.background, str):
            raise ModelLoadError("The avatar's manifest is damaged: background must be a text.")
        if not isinstance(self.persona, str) or len(self.persona) > MAX_PERSONA:
            raise ModelLoadError(f"The avatar's manifest is damaged: persona must be a text of {MAX_PERSONA} characters at most.")
        if not all(isinstance(v, str) for v in self.indices.values()) or not isinstance(self.sha256, str):
            raise ModelLoadError("The avatar's manifest is damaged: indices and sha256 must be texts.")


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ModelLoadError(f"The avatar's manifest is damaged: {what} must be an object.")
    return value


def _names(value: object, what: str) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ModelLoadError(f"The avatar's manifest is damaged: {what} must be a list of names.")
    return list(value)


def _canvas(value: object) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(type(side) is int for side in value):
        raise ModelLoadError("The avatar's manifest is damaged: canvas must be two whole numbers.")
    width, height = value
    if not (16 <= width <= MAX_CANVAS and 16 <= height <= MAX_CANVAS):
        sides = f"{shown(width)} x {shown(height)}"
        raise ModelSecurityError(f"The avatar's canvas is {sides}; 16 to {MAX_CANVAS} px a side are allowed.")
    return width, height


def _range(name: str, pair: object) -> tuple[float, float]:
    if name not in HEAD_NAMES or not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ModelLoadError("The avatar's manifest is damaged: limits are pairs of numbers by head value.")
    low, high = number(name, pair[0]), number(name, pair[1])
    if not low <= 0 <= high:
        raise ModelLoadError(f"The avatar's limits of {name} must lie around 0.")
    return low, high
