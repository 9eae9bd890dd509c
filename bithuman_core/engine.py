"""The pure pipeline of one session: samples in, (face, frame, audio) out. No clock, no thread, no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bithuman_core.background import OWN, Background
from bithuman_core.background.stored import own_background
from bithuman_core.face import FaceState
from bithuman_core.imx import ImxFile, Manifest, read_imx
from bithuman_core.motion import Gesture, Mixer
from bithuman_core.motion.take.frames import MotionFrame
from bithuman_core.motion.walk import Mood
from bithuman_core.pcm import int16_to_float32
from bithuman_core.render import FilmScene, FootageRig, PortraitScene, Rig, Scene, any_rig, scene_for
from bithuman_core.render.compiler import release_compiler
from bithuman_core.render.scale import scaled_layer
from bithuman_core.settings import Renderer, find_avatar, settings
from bithuman_core.speech.net import SpeechNet
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLES_PER_TICK
from bithuman_core.views import View, view

if TYPE_CHECKING:
    from bithuman_core.render.gpu.together import FilmsTogether, PortraitsTogether

FADE_TICKS = 8  # a change of the avatar


class Fixture:
    """One avatar's data and the speech net, loaded once and shared, read-only, by any number of sessions."""

    manifest: Manifest
    rig: Rig
    net: SpeechNet
    gestures: dict[str, Gesture]
    background: Background
    own_scene: PortraitScene | FilmScene | None
    drawing: PortraitsTogether | FilmsTogether | None

    def __init__(
        self, path: str | Path, net: SpeechNet | None = None, at_least: int = 0, renderer: Renderer | None = None
    ) -> None:
        """Load an ``.imx`` file, or a shipped avatar by its name (and the shipped speech net, where none is given).

        at_least: side that its frames need; they have twice the side of the avatar's own (1024 px for the shipped ones) where
        that is larger. renderer: who draws, "cpu", "gpu" or "auto" (a real graphics processor where there is one);
        None: what ``BITHUMAN_RENDERER`` says.

        Raises ModelNotFoundError, ModelLoadError or ModelSecurityError, GpuError where "gpu" finds none.
        """
        avatar = read_imx(find_avatar(path))
        self.manifest = avatar.manifest
        self.gestures = {name: Gesture.from_manifest(name, raw) for name, raw in avatar.manifest.gestures.items()}
        self.rig = any_rig(avatar, frame_side(avatar, at_least))
        self.net = net or SpeechNet.load()
        self.background = own_background(avatar)
        self.own_scene = self.scene() if self.background is not OWN else None
        self.drawing = _drawing(self.rig, renderer or settings().renderer)
        release_compiler()

    def scene(self, background: Background | None = None) -> PortraitScene | FilmScene:
        """What this avatar stands before: a background, or the one that its file names. Raises BackgroundError for a film without
        a matte. Takes up to 0.2 s: off the event loop."""
        return scene_for(self.rig, self.background if background is None else background)

    @classmethod
    def load(
        cls, path: str | Path, net: SpeechNet | None = None, at_least: int = 0, renderer: Renderer | None = None
    ) -> Fixture:
        """The same as calling the class."""
        return cls(path, net, at_least, renderer)


def _drawing(rig: Rig, renderer: Renderer) -> PortraitsTogether | FilmsTogether | None:
    """The drawing of a rig on a graphics processor; None: the CPU draws. Raises GpuError where gpu is asked for in vain."""
    if renderer == "cpu":
        return None
    from bithuman_core.render.gpu.choice import chosen
    from bithuman_core.render.gpu.together import FilmsTogether, PortraitsTogether

    gpu = chosen(renderer)
    if gpu is None:
        return None
    return FilmsTogether(gpu, rig) if isinstance(rig, FootageRig) else PortraitsTogether(gpu, rig)


def frame_side(avatar: ImxFile, at_least: int) -> int | None:
    """The shorter side of frames, px, whose longest side serves a wanted one best: the avatar's own (None) or twice that."""
    width, height = avatar.manifest.canvas
    if avatar.manifest.kind == "footage":
        return None
    return 2 * min(width, height) if at_least > max(width, height) else None


@dataclass(frozen=True, slots=True)
class EngineTick:
    """40 ms of output: the face, its picture (BGR uint8 [h, w, 3], or planes) and the sound that it shows (int16, or None for
    silence)."""

    face: FaceState
    frame: NDArray[np.uint8]
    audio: NDArray[np.int16] | None
    alpha: NDArray[np.uint8] | None = None  # [h, w], before a transparent background: the frame is times alpha


class Engine:
    """One session. The same seed and the same samples give the same frames.

    Each :meth:`step` takes the sound of one tick and returns the tick of 80 ms (two steps) earlier: so much does the net look
    ahead, and the audio is delayed by exactly as much. ``mixer`` takes expressions, gestures and stillness.
    """

    def __init__(self, fixture: Fixture, seed: int = 0) -> None:
        self.fixture = fixture
        self._speech = fixture.net.stream()
        self.mixer = Mixer(fixture.net.mouth_names, seed, fixture.gestures)
        self.mixer.expression.filmed = isinstance(fixture.rig, FootageRig)
        self._seed = seed
        self._view = view(fixture.rig, seed, fixture.drawing)
        if fixture.own_scene is not None:
            self._view.show(fixture.own_scene)
        self._leaving: View | None = None  # of the avatar before, while it fades
        self._fade = 0
        self._pending = self._nothing()

    @staticmethod
    def _nothing() -> deque[tuple[NDArray[np.int16] | None, MotionFrame | None]]:
        """What lies inside before anything has come in: sound, and what a take says of it."""
        return deque([(None, None)] * LOOKAHEAD_TICKS)

    def step(
        self, samples: NDArray[np.int16] | None = None, motion: MotionFrame | None = None, planes: bool = False
    ) -> EngineTick:
        """Advance by one tick. samples: int16 [640] at 16 kHz, fewer at the end of an utterance, None for silence. motion: what a
        take says of the same tick. planes: the picture is best given as I420 [h * 3 / 2, w], for an encoder; it comes so where a
        graphics processor draws a portrait, else in BGR."""
        face, audio = self.animate(samples, motion)
        if planes and self._leaving is None:
            coded = self._view.planes(face, self._mood())
            if coded is not None:
                return EngineTick(face, coded, audio)
        picture, alpha = self._picture(face)
        return EngineTick(face, picture, audio, alpha)

    def _picture(self, face: FaceState) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """The frame, and its alpha before a transparent background."""
        mood = self._mood()
        picture, alpha = self._view.picture(face, mood), self._view.alpha
        if self._leaving is None:
            return picture, alpha
        share, size = self._fade / (FADE_TICKS + 1), (picture.shape[1], picture.shape[0])
        old, old_alpha = scaled_layer(self._leaving.picture(face, mood), self._leaving.alpha, size)
        self._fade -= 1
        if not self._fade:
            self._leaving = None
        return _between(picture, old, share), None if alpha is None or old_alpha is None else _between(alpha, old_alpha, share)

    def _mood(self) -> Mood:
        return Mood(self.mixer.speaking, self.mixer.listening, self.mixer.stillness, self.mixer.gestured)

    def animate(
        self, samples: NDArray[np.int16] | None = None, motion: MotionFrame | None = None
    ) -> tuple[FaceState, NDArray[np.int16] | None]:
        """The same without the picture: (face, audio)."""
        newest = padded_tick(samples)
        heard = self._speech.push(newest)
        self._pending.append((samples, motion))
        audio, take = self._pending.popleft()
        return self.mixer.next(heard, newest, take), audio

    def show(self, scene: Scene) -> None:
        """Stand before another scene, made for this avatar, from the next frame on."""
        self._view.show(scene)
        self._leaving, self._fade = None, 0  # an avatar that fades would bring the scene before along

    def change(self, fixture: Fixture, scene: Scene | None = None) -> None:
        """Go on with another avatar: face, motion and sound carry on, the picture cross-fades within a third of a second.

        scene: what it stands before, made for it; the one that its file names where it is left out.
        """
        self.fixture = fixture
        self.mixer.gestures.change(fixture.gestures)
        self.mixer.expression.filmed = isinstance(fixture.rig, FootageRig)
        self._leaving, self._view = self._view, view(fixture.rig, self._seed, fixture.drawing)
        scene = scene or fixture.own_scene
        if scene is not None:
            self._view.show(scene)
        self._fade = FADE_TICKS

    def reset(self) -> None:
        """Forget the sound and motion that are still inside (interruption); the face goes on from where it is."""
        self._speech.reset()
        self.mixer.cut()
        self._pending = self._nothing()


def _between(new: NDArray[np.uint8], old: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """``new`` with a share of ``old``, 0..1."""
    return (new + share * (old.astype(np.float32) - new)).astype(np.uint8)


def padded_tick(samples: NDArray[np.int16] | None) -> NDArray[np.float32]:
    """Up to 640 int16 samples as a whole tick, float32 [640] in -1..1; None is silence."""
    tick = np.zeros(SAMPLES_PER_TICK, np.float32)
    if samples is not None:
        tick[: samples.size] = int16_to_float32(samples)
    return tick


def cut_into_ticks(samples: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    """The ticks of a whole clip (int16 [n] at 16 kHz), the last one perhaps short."""
    for start in range(0, samples.size, SAMPLES_PER_TICK):
        yield samples[start : start + SAMPLES_PER_TICK]


def render_clip(
    fixture: Fixture, samples: NDArray[np.int16], seed: int = 0, background: Background | None = None
) -> Iterator[EngineTick]:
    """Every tick of a whole clip (int16 [n] at 16 kHz), its frames aligned with its sound: ceil(n / 640) of them."""
    return render_ticks(fixture, cut_into_ticks(samples), seed, background=background)


def render_ticks(
    fixture: Fixture,
    ticks: Iterable[NDArray[np.int16]],
    seed: int = 0,
    motion: Iterable[MotionFrame] = (),
    background: Background | None = None,
    stillness: float = 0.0,
) -> Iterator[EngineTick]:
    """The same, of sound that comes tick by tick (int16 [640] at 16 kHz, the last one perhaps short).

    motion: what a take says of each tick. Where one of the two is longer, silence follows, or the avatar's own life.
    background: what the avatar stands before (the one that its file names). Raises BackgroundError for a film without a matte.
    stillness: of the idle motion, 0 (lively) to 1 (calm).
    """
    engine = Engine(fixture, seed)
    engine.mixer.stillness = stillness
    if background is not None:
        engine.show(fixture.scene(background))
    for index, (tick, frame) in enumerate(chain(zip_longest(ticks, motion), [(None, None)] * LOOKAHEAD_TICKS)):
        made = engine.step(tick, frame)
        if index >= LOOKAHEAD_TICKS:
            yield made
