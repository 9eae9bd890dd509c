"""The data that travels through a session: audio chunks, frames, controls."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.pcm import check_rate, mono_int16
from bithuman_core.timing import FPS


class Emotion(str, Enum):
    """The seven emotions of an expression."""

    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    JOY = "joy"
    NEUTRAL = "neutral"
    SADNESS = "sadness"
    SURPRISE = "surprise"


@dataclass
class EmotionPrediction:
    """One emotion and how strongly it is meant, 0..1."""

    emotion: Emotion
    score: float

    def to_dict(self) -> dict[str, Any]:
        """``{"emotion": "joy", "score": 0.8}``."""
        return {"emotion": Emotion(self.emotion).value, "score": float(self.score)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EmotionPrediction:
        """The reverse of :meth:`to_dict`. Raises ValueError for an unknown emotion, KeyError where one is missing."""
        return cls(Emotion(data["emotion"]), float(data["score"]))


@dataclass(eq=False)
class AudioChunk:
    """Mono sound: int16 samples [n] and their rate in Hz. Truthy even when empty, on purpose (callers test ``if chunk``).

    ``data`` may be given as int16 little-endian bytes or as an array (int16, or floats -1..1, which clip; several channels
    are averaged); it is always an int16 array afterwards. Raises AudioError (a ValueError) for an odd byte count or NaN.
    """

    data: NDArray[np.int16]
    sample_rate: int
    last_chunk: bool = True

    def __init__(self, data: NDArray[Any] | bytes, sample_rate: int, last_chunk: bool = True) -> None:
        self.data = mono_int16(data)
        self.sample_rate = check_rate(sample_rate)
        self.last_chunk = last_chunk

    @property
    def bytes(self) -> bytes:
        """The samples as int16 little-endian."""
        return self.data.astype("<i2", copy=False).tobytes()

    @property
    def array(self) -> NDArray[np.int16]:
        """The samples, int16 [n]."""
        return self.data

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.data.size / self.sample_rate

    @classmethod
    def from_bytes(cls, audio_bytes: bytes, sample_rate: int, last_chunk: bool = True) -> AudioChunk:
        """From int16 little-endian mono."""
        return cls(audio_bytes, sample_rate, last_chunk)

    @classmethod
    def from_numpy(cls, array: NDArray[Any], sample_rate: int, last_chunk: bool = True) -> AudioChunk:
        """From int16 or float samples, [n] or with channels."""
        return cls(array, sample_rate, last_chunk)

    @classmethod
    def from_file(cls, path: str | Path) -> AudioChunk:
        """From any audio file, at its own rate. Raises AudioError where it cannot be read."""
        from bithuman_core.audio.file import load_audio  # here, because the audio room builds on this module

        return cls(*load_audio(path))

    def to_numpy(self) -> NDArray[np.int16]:
        """The samples, int16 [n]."""
        return self.data


@dataclass(eq=False)
class VideoFrame:
    """One frame of 40 ms: a picture (BGR uint8 [h, w, 3]) and, while speaking, exactly the sound that it shows."""

    bgr_image: NDArray[np.uint8] | None = None
    audio_chunk: AudioChunk | None = None
    frame_index: int = 0
    source_message_id: str | None = None
    end_of_speech: bool = False
    alpha: NDArray[np.uint8] | None = None  # [h, w], before a transparent background: bgr_image is then times alpha

    @property
    def bgra_image(self) -> NDArray[np.uint8] | None:
        """The picture with straight alpha, BGRA uint8 [h, w, 4]; 255 everywhere unless the background is transparent."""
        return None if self.bgr_image is None else straight(self.bgr_image, self.alpha)

    @property
    def has_image(self) -> bool:
        """Whether there is a picture."""
        return self.bgr_image is not None

    @property
    def image(self) -> NDArray[np.uint8] | None:
        """The same as ``bgr_image``."""
        return self.bgr_image

    @property
    def rgb_image(self) -> NDArray[np.uint8] | None:
        """The picture with its channels as RGB (a view)."""
        return None if self.bgr_image is None else self.bgr_image[:, :, ::-1]

    @property
    def message_id(self) -> str | None:
        """The same as ``source_message_id``."""
        return self.source_message_id

    @property
    def frame_id(self) -> int:
        """The same as ``frame_index``."""
        return self.frame_index

    @property
    def timestamp(self) -> float:
        """Seconds since the first frame of the session, on the play clock."""
        return self.frame_index / FPS


def straight(picture: NDArray[np.uint8], alpha: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """A picture [h, w, 3] that is times its alpha [h, w] (None: 255 everywhere) as [h, w, 4] with straight alpha."""
    height, width = picture.shape[:2]
    out = np.full((height, width, 4), 255, np.uint8)
    out[..., :3] = picture
    if alpha is not None:
        out[..., 3] = alpha
        soft = (alpha > 0) & (alpha < 255)
        share = alpha[soft].astype(np.uint16)[:, None]
        out[soft, :3] = np.minimum((picture[soft] * np.uint16(255) + share // 2) // share, 255)
    return out


@dataclass(eq=False)
class VideoControl:
    """What a caller wants of the avatar: sound to speak, an action to play, an emotion to show."""

    audio: AudioChunk | None = None
    text: str | None = None
    target_video: str | None = None
    action: str | list[str] | None = None
    emotion_preds: list[EmotionPrediction] | None = None
    message_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    end_of_speech: bool = False
    force_action: bool = False
    stop_on_user_speech: bool | None = None
    stop_on_agent_speech: bool | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to say and nothing to play."""
        return self.audio is None and not self.action and self.target_video is None

    @property
    def is_speaking(self) -> bool:
        """Whether there is sound to speak."""
        return self.audio is not None

    @classmethod
    def from_audio(cls, audio: bytes | NDArray[Any], sample_rate: int, last_chunk: bool = True) -> VideoControl:
        """A control that speaks the given samples."""
        return cls(audio=AudioChunk(audio, sample_rate, last_chunk))
