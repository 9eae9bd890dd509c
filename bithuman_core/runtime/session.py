"""One conversation between input queue and engine: which tick goes in, what comes out with it, what an interruption drops."""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import StreamResampler, Tick, TickQueue
from bithuman_core.background import Background
from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import AudioError, MotionError
from bithuman_core.motion.take.frames import MotionFrame, Take
from bithuman_core.pcm import mono_int16, raw_bytes
from bithuman_core.render import Scene
from bithuman_core.render.scale import output_size, scaled_layer
from bithuman_core.runtime.motion_queue import MotionQueue
from bithuman_core.timing import FPS, LOOKAHEAD_TICKS, SAMPLE_RATE, SAMPLES_PER_TICK
from bithuman_core.types import AudioChunk, VideoControl, VideoFrame

logger = logging.getLogger(__name__)

MAX_WAITING = 3600 * SAMPLE_RATE  # samples: an hour
MAX_MOTION = 3600 * FPS  # frames: an hour
IDLE_STYLES = {"idle": 0.0, "calm": 0.8}  # what ``target_video`` may name: stillness of the idle motion


@dataclass(slots=True)
class _Shown:
    """What travels beside a tick through the engine's look-ahead."""

    message_id: str | None = None
    last: bool = False


class Session:
    """Input of any rate and chunk size in, frames out, one :meth:`next_frame` per 40 ms.

    Input (:meth:`push`, :meth:`push_motion`, :meth:`flush`, :meth:`interrupt`) and output may come from different threads; one
    lock guards the queues, and the engine is changed by the output side alone, which carries out the commands of the input side.
    """

    def __init__(self, fixture: Fixture, *, seed: int = 0, size: int | tuple[int, int] | None = None) -> None:
        """seed: of the idle motion. size: longest side of the frames, or (width, height), in px (ValueError outside 64..2160)."""
        self.size = output_size(fixture.rig.size, size)  # width, height of the frames
        self.muted = False  # sound that is pushed while this is set is not spoken
        self.paused = False  # while this is set, sound waits
        self._engine = Engine(fixture, seed)
        self.background: Background | None = None  # that was chosen; None: what the file of the avatar names
        self._lock = threading.Lock()
        self._queue = TickQueue()
        self._motion = MotionQueue()
        self._resampler: StreamResampler | None = None
        self._message_id: str | None = None
        self._half = b""  # the first byte of a sample that a chunk was cut in
        self._beside: deque[_Shown] = deque()
        self._interrupts = 0
        self._interrupts_done = 0
        self._frames = 0
        self._commands: deque[Callable[[], object]] = deque()  # of the input side, for the output side
        self._clear_beside()

    def _clear_beside(self) -> None:
        self._beside = deque(_Shown() for _ in range(LOOKAHEAD_TICKS))

    @property
    def waiting_samples(self) -> int:
        """Samples (at 16 kHz) that have been pushed and not yet taken by a frame."""
        with self._lock:
            return self._queue.samples

    @property
    def waiting_motion(self) -> int:
        """Frames of motion that have been pushed and not yet been shown."""
        with self._lock:
            return self._motion.frames

    def pending(self, closed: bool) -> bool:
        """Whether sound that was pushed has not come out yet; of an utterance that goes on (not closed), whole ticks count."""
        with self._lock:
            if self._queue.samples >= (1 if closed else SAMPLES_PER_TICK):
                return True
        return closed and any(shown.message_id is not None for shown in self._beside)

    def push(self, samples: NDArray[Any] | bytes, sample_rate: int, *, last: bool, message_id: str | None = None) -> None:
        """Append sound; ``last`` ends the utterance. Raises AudioError for samples that are not sound.

        Bytes may be cut anywhere: the byte of half a sample waits for the next chunk.
        """
        with self._lock:
            mono, half = self._whole_samples(samples, sample_rate, last)
            if self._queue.samples > MAX_WAITING:
                raise AudioError("More than an hour of sound waits to be spoken: take frames with run(), or call interrupt().")
            if self.muted:
                mono = mono[:0]
            if self._resampler is None or self._resampler.rate_in != sample_rate:
                resampler = StreamResampler(sample_rate)
                self._finish_resampler()
                self._resampler = resampler
            if self._message_id is None or message_id is not None:
                self._message_id = message_id or str(uuid.uuid4())
            self._queue.push(self._resampler.push(mono), self._message_id)
            self._half = half
            if last:
                self._end_utterance()

    def push_motion(self, take: Take) -> None:
        """Append motion: a frame of it goes with every tick of sound, or with one of silence where nothing is being said.

        It waits while sound is paused, and while an utterance that has begun has no sound to go on with. Raises MotionError where
        more than an hour would wait.
        """
        with self._lock:
            if self._motion.frames + len(take) > MAX_MOTION:
                raise MotionError("More than an hour of motion waits to be shown: take frames with run(), or call interrupt().")
            self._motion.push(take)

    def _whole_samples(self, samples: NDArray[Any] | bytes, rate: int, last: bool) -> tuple[NDArray[np.int16], bytes]:
        """The samples that are complete, int16 [n], and the byte of the one that is not (none in a single, last chunk)."""
        data = raw_bytes(samples)
        if data is None:
            return mono_int16(samples), b""
        half = self._half if self._resampler is not None and self._resampler.rate_in == rate else b""
        cut = (len(half) + len(data)) % 2 and (bool(half) or not last)
        data = half + data
        return mono_int16(data[:-1] if cut else data), data[-1:] if cut else b""

    def _forget_half(self) -> None:
        if self._half:
            logger.warning("The sound ended in the middle of a sample: its last byte was left out.")
        self._half = b""

    def flush(self) -> None:
        """End the utterance: what is left of it plays, and its last frame says ``end_of_speech``."""
        with self._lock:
            self._end_utterance()

    def _finish_resampler(self) -> None:
        if self._resampler is not None and self._message_id is not None:
            self._queue.push(self._resampler.finish(), self._message_id)

    def _end_utterance(self) -> None:
        self._forget_half()
        self._finish_resampler()
        self._queue.close()
        self._message_id = None

    def interrupt(self) -> None:
        """Drop all sound and motion that have not been shown yet; nothing of the sound appears in any later frame."""
        with self._lock:
            self._queue.clear()
            self._motion.clear()
            self._resampler = None
            self._message_id = None
            self._half = b""
            self._interrupts += 1

    def perform(self, control: VideoControl) -> None:
        """Show a control's emotions and play its action. Raises ValueError for unknown ones; nothing is then done."""
        if control.target_video is not None and control.target_video not in IDLE_STYLES:
            raise ValueError(f"There is no idle style {control.target_video!r}; known are: {', '.join(IDLE_STYLES)}.")
        expression, gestures = self._engine.mixer.expression, self._engine.mixer.gestures
        names = [control.action] if isinstance(control.action, str) else control.action or []
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"The action is {control.action!r}; give the name of a gesture, or a list of names.")
        gestures.find(*names)
        if control.emotion_preds is not None:
            goal = expression.blend(control.emotion_preds)
            self._commands.append(lambda: setattr(expression, "goal", goal))
        if control.target_video is not None:
            self.set_stillness(IDLE_STYLES[control.target_video])
        user, agent = bool(control.stop_on_user_speech), bool(control.stop_on_agent_speech)
        self._commands.append(
            lambda: gestures.play(*names, force=control.force_action, stop_on_user_speech=user, stop_on_agent_speech=agent)
        )

    def scene(self, fixture: Fixture) -> Scene | None:
        """What another avatar would stand before here: the background that was chosen, None: none was. Takes up to 0.2 s.

        Raises BackgroundError for a film without a matte.
        """
        return None if self.background is None else fixture.scene(self.background)

    def change(self, fixture: Fixture, scene: Scene | None = None) -> None:
        """Go on with another avatar, before what :meth:`scene` has of it; frames keep their size, the pictures cross-fade."""
        self._commands.append(lambda: self._engine.change(fixture, scene))

    def show(self, background: Background, scene: Scene) -> None:
        """Stand before a scene that was made of this background for the avatar, from the next frame on."""
        self.background = background
        self._commands.append(lambda: self._engine.show(scene))

    def set_stillness(self, stillness: float) -> None:
        """0 (lively) to 1 (calm: only speech, blinks and breath move). Raises ValueError outside."""
        if not 0.0 <= stillness <= 1.0:
            raise ValueError(f"The stillness is {stillness}; give a number from 0 (lively) to 1 (calm).")
        self._commands.append(lambda: setattr(self._engine.mixer, "stillness", float(stillness)))

    def set_listening(self, listening: bool) -> None:
        """Tell whether the user is speaking: the avatar then looks at them and nods now and then."""
        self._commands.append(lambda: setattr(self._engine.mixer, "listening", bool(listening)))

    def next_frame(self) -> VideoFrame:
        """Make the next frame (some 10 ms of work). Call from one thread at a time, and :meth:`release` it before use."""
        with self._lock:
            interrupts = self._interrupts
            tick, motion = (None, None) if self.paused else self._take()
        if interrupts != self._interrupts_done:
            self._engine.reset()
            self._clear_beside()
        self._interrupts_done = interrupts
        while self._commands:
            self._commands.popleft()()
        tick = self._note(tick)
        made = self._engine.step(tick.samples if tick is not None and tick.samples.size else None, motion)
        shown = self._beside.popleft()
        picture, alpha = scaled_layer(made.frame, made.alpha, self.size)
        frame = VideoFrame(picture, frame_index=self._frames, alpha=alpha)
        self._frames += 1
        frame.source_message_id, frame.end_of_speech = shown.message_id, shown.last
        if made.audio is not None:
            frame.audio_chunk = AudioChunk(made.audio, SAMPLE_RATE, shown.last)
        return frame

    def _take(self) -> tuple[Tick | None, MotionFrame | None]:
        """What goes into the engine together."""
        tick = self._queue.pop()
        waits = tick is None and self._queue.begun and not self.muted
        return tick, None if waits else self._motion.pop()

    def release(self, frame: VideoFrame) -> VideoFrame:
        """The newest frame as it may be shown now: without its sound if an interruption came while it was made."""
        if self._interrupts == self._interrupts_done:
            return frame
        return VideoFrame(frame.bgr_image, frame_index=frame.frame_index, alpha=frame.alpha)

    def _note(self, tick: Tick | None) -> Tick | None:
        """Remember what the tick belongs to. An end that comes late moves to the utterance's last tick still inside."""
        if tick is not None and not tick.samples.size:
            inside = [shown for shown in self._beside if shown.message_id == tick.message_id]
            if inside:
                inside[-1].last = True
                tick = None
        self._beside.append(_Shown(tick.message_id, tick.last) if tick is not None else _Shown())
        return tick
