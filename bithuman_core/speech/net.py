"""The speech net: ticks of audio in, mouth coefficients, visemes, voice activity and phones out, two ticks later.

``models/speech.onnx`` holds the weights and, as metadata, everything the program must know to feed it: the names of its
outputs, the mel filter bank, the look-ahead. ``training/speech`` makes that file.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # pyright: ignore[reportAttributeAccessIssue]

from bithuman_core.audio.mel import BINS, FRAMES_PER_TICK, LogMelStream
from bithuman_core.errors import AudioError, ModelLoadError, ModelNotFoundError
from bithuman_core.face import ARKIT_NAMES
from bithuman_core.settings import Provider, models_dir, settings
from bithuman_core.speech.arousal import USUAL, Arousal
from bithuman_core.speech.effort import SPEAKING, Effort
from bithuman_core.speech.together import Asked, State, TogetherRuns, run_all
from bithuman_core.speech.visemes import VISEME_NAMES
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLES_PER_TICK

ort.disable_telemetry_events()  # where a program imported it before the package, whose environment variable came too late

FILE_NAME = "speech.onnx"
FORMAT = "5"  # of the metadata; training/speech/export.py writes it
MAX_BYTES = 64 << 20
LEAST_STYLE, MOST_STYLE = 0.5, 1.5
ADVICE = "reinstall the package, or train it again with python -m training.speech"
MEMORY = "memory"  # names of inputs begin with it that are 0 at first; the rest of the state is what silence leaves in it
_SAID = ("mouth", "visemes", "voice", "phones")
_GIVEN = ("mel", "opening")
PROVIDERS: dict[Provider, str] = {
    "cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"
}  # fmt: skip
_SETTLED = 4  # ticks of silence after which the convolutions have forgotten what was before them (13 frames of 10 ms)
_ORT_ERRORS = (ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.InvalidArgument, ort_errors.Fail,
               ort_errors.NotImplemented, ort_errors.RuntimeException)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpeechTick:
    """What the mouth does in one tick.

    ``mouth``: coefficients 0..1, float32 [len(net.mouth_names)]; all zero is the closed mouth at rest. ``visemes``:
    probabilities in the order of :data:`VISEME_NAMES`, float32 [15]. ``voice``: voice activity 0..1. ``arousal``: of the
    voice, calm to excited 0..1 against the speaker's habit, :data:`bithuman_core.speech.arousal.USUAL`. ``phones``:
    probabilities in the order of ``net.phone_names`` (ARPAbet), float32 [len(net.phone_names)].
    """

    mouth: NDArray[np.float32]
    visemes: NDArray[np.float32]
    voice: float
    phones: NDArray[np.float32]
    arousal: float = USUAL


class SpeechNet:
    """The weights, shared by all sessions and read-only. Make one stream a session."""

    def __init__(
        self,
        session: ort.InferenceSession,
        mouth_names: tuple[str, ...],
        phone_names: tuple[str, ...],
        filters: NDArray[np.float32],
    ) -> None:
        self._session = session
        self.mouth_names = mouth_names
        self.phone_names = phone_names  # ARPAbet, lower case; the first one is silence
        self.filters = filters  # mel filter bank, float32 [bands, 257]
        self.shapes = {i.name: tuple(i.shape)[1:] for i in session.get_inputs()}  # of one session; their number comes first
        self._state_names = tuple(name for name in self.shapes if name not in _GIVEN)
        self._outputs = (*_SAID, *(f"{name}_out" for name in self._state_names))
        self.together = TogetherRuns()

    @classmethod
    def load(cls, path: Path | None = None, provider: Provider | None = None) -> SpeechNet:
        """Load ``path`` (None: the file that ships with the package), to run on the provider (None: ``BITHUMAN_ONNX_PROVIDER``).

        Raises ModelNotFoundError, ModelLoadError.
        """
        providers = providers_of(provider or settings().onnx_provider)
        path = models_dir() / FILE_NAME if path is None else Path(path)
        if not path.is_file():
            raise ModelNotFoundError(f"There is no speech net at {path}: {ADVICE}.")
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ModelLoadError(f"The speech net {path} is larger than {MAX_BYTES >> 20} MiB: {ADVICE}.")
            session = ort.InferenceSession(path.read_bytes(), _options(), providers=providers)
        except OSError as error:
            raise ModelLoadError(f"The speech net {path} cannot be read ({error.strerror}): check its permissions.") from error
        except _ORT_ERRORS as error:
            raise ModelLoadError(f"The file {path} is not a speech net that onnxruntime can run: {ADVICE}.") from error
        meta = session.get_modelmeta().custom_metadata_map
        try:
            mouth_names = tuple(json.loads(meta["mouth_names"]))
            visemes, phones = tuple(json.loads(meta["viseme_names"])), tuple(json.loads(meta["phone_names"]))
            filters = np.frombuffer(zlib.decompress(base64.b64decode(meta["mel_filters"])), np.float32).reshape(-1, BINS)
            fits = meta["format"] == FORMAT and int(meta["lookahead_ticks"]) == LOOKAHEAD_TICKS and visemes == VISEME_NAMES
        except (KeyError, ValueError, TypeError, zlib.error, binascii.Error) as error:
            raise ModelLoadError(f"The speech net {path} lacks its description: {ADVICE}.") from error
        net = cls(session, mouth_names, phones, filters)
        if not fits or not set(mouth_names) <= set(ARKIT_NAMES) or net.shapes.get("mel") != (FRAMES_PER_TICK, len(filters)):
            raise ModelLoadError(f"The speech net {path} was made for another version of this package: {ADVICE}.")
        return net

    def run(self, mel: NDArray[np.float32], opening: NDArray[np.float32], state: State) -> list[NDArray[np.float32]]:
        """One tick of the bare net for N sessions: mouth, visemes, voice, phones, [N, ...] each.

        ``state`` holds what it knows after it. mel [N, 4, bands]. ``opening`` [N, 1] scales the shape of the open mouth; lips
        that touch touch at any opening, others stay parted. No session hears anything of the others.
        """
        heard = cast("list[NDArray[np.float32]]", self._session.run(self._outputs, {"mel": mel, "opening": opening, **state}))
        said, known = heard[: len(_SAID)], heard[len(_SAID) :]
        state.update(zip(self._state_names, known, strict=True))
        return said

    @cached_property
    def first_state(self) -> State:
        """What the net knows when all was silent before (copy it): digital silence is not the number 0 in decibels."""
        state: State = {name: np.zeros((1, *self.shapes[name]), np.float32) for name in self._state_names}
        silence = LogMelStream(self.filters).push(np.zeros(SAMPLES_PER_TICK, np.float32))[None]
        for _ in range(_SETTLED):
            self.run(silence, np.ones((1, 1), np.float32), state)
        return {n: np.zeros_like(v) if n.startswith(MEMORY) else v for n, v in state.items()}

    def stream(self, style: float = 1.0) -> SpeechStream:
        """A new stream with its own state. ``style`` as in :class:`SpeechStream`."""
        return SpeechStream(self, style)


class SpeechStream:
    """One session's state: the audio's recent past and the net's memory. Costs some 50 KB.

    ``style`` 0.5..1.5 is how clearly the mouth articulates: below 1 it mumbles, above 1 it speaks to the back row; lips that
    touch do so in every style. Raises ValueError outside of that range.
    """

    def __init__(self, net: SpeechNet, style: float = 1.0) -> None:
        if not LEAST_STYLE <= style <= MOST_STYLE:
            raise ValueError(f"The style of articulation is {style}; give a number from {LEAST_STYLE} to {MOST_STYLE}.")
        self._net = net
        self._style = style
        self._mel = LogMelStream(net.filters)
        self._effort, self._arousal = Effort(), Arousal()
        self._opening = np.ones((1, 1), np.float32)
        self._state: State
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next tick is the first."""
        self._mel.reset()
        self._effort.reset()
        self._arousal.reset()
        self._state = dict(self._net.first_state)
        self._pushed = 0

    def push(self, samples: NDArray[np.float32]) -> SpeechTick:
        """Push one tick, float32 [640] in -1..1 at 16 kHz; returns the tick pushed two calls ago (at first: silence).

        The result depends on the samples pushed so far and on nothing else, whoever's ticks go into the same run. Raises
        AudioError for another shape or dtype, and for NaN or infinity; the stream is then as it was before.
        """
        mel = self._listen(samples)
        return self._tick(mel, *self._net.together.run(self._net.run, mel, self._opening, self._state))

    def _listen(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mel frames of one tick; the opening of its mouth is set."""
        check_tick(samples)
        mel = self._mel.push(samples)
        self._opening[0] = self._style * self._effort.opening
        return mel

    def _tick(
        self,
        mel: NDArray[np.float32],
        mouth: NDArray[np.float32],
        visemes: NDArray[np.float32],
        voice: NDArray[np.float32],
        phones: NDArray[np.float32],
    ) -> SpeechTick:
        """What the net said of one tick."""
        self._mel.heed(float(voice[0]) >= SPEAKING)
        self._effort.push(self._mel.level, float(voice[0]))
        self._pushed += 1
        if self._pushed <= LOOKAHEAD_TICKS:
            return silent_tick(len(self._net.mouth_names), len(self._net.phone_names))
        return SpeechTick(mouth, visemes, float(voice[0]), phones, self._arousal.push(mel, float(voice[0])))


def push_together(streams: Sequence[SpeechStream], samples: Sequence[NDArray[np.float32]]) -> list[SpeechTick]:
    """What :meth:`SpeechStream.push` returns for each stream of one net and its samples, by one run of the net for all.

    Raises AudioError as it does; then all streams are as they were before.
    """
    for tick in samples:
        check_tick(tick)
    mels = [stream._listen(tick) for stream, tick in zip(streams, samples, strict=True)]
    if not streams:
        return []
    asked = [Asked(mel, stream._opening, stream._state) for stream, mel in zip(streams, mels, strict=True)]
    run_all(streams[0]._net.run, asked)
    if asked[0].fault is not None:
        raise asked[0].fault
    return [stream._tick(each.mel, *each.said) for stream, each in zip(streams, asked, strict=True)]


def check_tick(samples: NDArray[np.float32]) -> None:
    """Raises AudioError for what is no tick of speech."""
    if not isinstance(samples, np.ndarray) or samples.dtype != np.float32 or samples.shape != (SAMPLES_PER_TICK,):
        what = f"{samples.dtype} {list(samples.shape)}" if isinstance(samples, np.ndarray) else type(samples).__name__
        raise AudioError(f"A tick of speech is float32 [{SAMPLES_PER_TICK}], not {what}: cut the audio into 40 ms at 16 kHz.")
    if not np.isfinite(samples).all():
        raise AudioError("The audio holds NaN or infinite samples: check how it was decoded.")


def providers_of(name: Provider) -> list[str]:
    """onnxruntime's names for a provider, and for the CPU, which runs what that one cannot.

    Raises ModelLoadError where the installed onnxruntime does not have it.
    """
    wanted = PROVIDERS[name]
    if wanted not in ort.get_available_providers():
        raise ModelLoadError(
            f"The speech net is to run on {name} (BITHUMAN_ONNX_PROVIDER), which this onnxruntime cannot do: install one that "
            "can (cuda: onnxruntime-gpu), or set it to cpu."
        )
    return [wanted] if wanted == PROVIDERS["cpu"] else [wanted, PROVIDERS["cpu"]]


def silent_tick(mouth_size: int, phone_count: int) -> SpeechTick:
    """The tick of a mouth at rest."""
    visemes, phones = np.zeros(len(VISEME_NAMES), np.float32), np.zeros(phone_count, np.float32)
    visemes[0] = phones[0] = 1.0
    return SpeechTick(np.zeros(mouth_size, np.float32), visemes, 0.0, phones)


def _options() -> ort.SessionOptions:
    """One thread, no spinning: a session must not disturb its neighbours."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    return options
