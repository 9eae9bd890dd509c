"""The nets that read a photo: where their files lie, that they are the right ones, and how they are run."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.build.photo.quiet import without_the_delegates_line
from bithuman_core.errors import BuildError
from bithuman_core.settings import models_dir, settings

FACE_TASK = "face_landmarker.task"
FACE_TASK_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
SEGMENTATION = "selfie_segmentation.tflite"
SEGMENTATION_SHA256 = "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27"


class Net:
    """One TensorFlow Lite net on one thread.

    Raises `BuildError` where the interpreter (the extra ``bithuman-core[build]``) is not installed.
    """

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise BuildError(
                "building an avatar from a photo needs the package ai-edge-litert: run pip install 'bithuman-core[build]'"
            ) from error
        with without_the_delegates_line():
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def __call__(self, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """``values`` without the batch axis -> every output without the batch axis."""
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(values[None], np.float32))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


@dataclass(frozen=True)
class FaceNets:
    """The three nets of MediaPipe's face landmarker."""

    detector: Net
    """[128, 128, 3] RGB -1..1 -> boxes and key points [1, 896, 16], scores [1, 896, 1]."""
    landmarks: Net
    """[256, 256, 3] RGB 0..1 -> 478 points [1, 1, 1, 1434], presence [1, 1, 1, 1] (logit)."""
    blendshapes: Net
    """[146, 2] px -> [52] 0..1."""


def load_face_nets() -> FaceNets:
    """The face landmarker: the file BITHUMAN_FACE_MODEL names, or the shipped one.

    Raises `BuildError` where the file is missing or another one.
    """
    task = zipfile.ZipFile(BytesIO(_read(settings().face_model or models_dir() / FACE_TASK, FACE_TASK_SHA256)))
    names = ("face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite")
    return FaceNets(*(Net(task.read(name)) for name in names))


def load_segmentation() -> Net:
    """The shipped person segmentation: [256, 256, 3] RGB 0..1 -> [1, 256, 256, 1], 1 the person.

    Raises `BuildError` where the file is missing or another one.
    """
    return Net(_read(models_dir() / SEGMENTATION, SEGMENTATION_SHA256))


def _read(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BuildError(f"cannot read {str(path)!r} ({error.strerror}): reinstall bithuman-core, which brings it") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise BuildError(
            f"{str(path)!r} is not the file this builder was made for (sha256 {found[:12]}..., expected {sha256[:12]}...): "
            "reinstall bithuman-core, or leave BITHUMAN_FACE_MODEL unset"
        )
    return content
