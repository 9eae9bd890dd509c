"""What both runtimes, AsyncBithuman and Bithuman, have in common: what one may know, the levers, permission."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.background import Background
from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import RuntimeNotReadyError, TokenError
from bithuman_core.render import Scene
from bithuman_core.render.scale import scaled
from bithuman_core.runtime.session import Session
from bithuman_core.runtime.token_client import Access, token_server
from bithuman_core.settings import Settings, default_avatar, find_avatar, settings
from bithuman_core.speech.net import SpeechNet
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK
from bithuman_core.types import VideoControl, VideoFrame


class Controls:
    """One session of one avatar: everything but the clock."""

    def __init__(
        self, fixture: Fixture, *, output_size: int | tuple[int, int] | None = None, seed: int = 0, access: Access | None = None
    ) -> None:
        self._fixture: Fixture | None = fixture
        self._seed = seed
        self._session = Session(fixture, seed=seed, size=output_size or settings().OUTPUT_WIDTH)
        self._access = access
        self._transaction_id = str(uuid.uuid4())

    # -- what one may know -------------------------------------------------------------------------------------------
    @property
    def settings(self) -> Settings:
        """FPS, INPUT_SAMPLE_RATE and the other settings."""
        return settings()

    fps = property(lambda self: FPS, doc="Frames a second (25).")
    sample_rate = property(lambda self: SAMPLE_RATE, doc="Rate of the sound in the frames, Hz (16000).")
    samples_per_tick = property(lambda self: SAMPLES_PER_TICK, doc="Samples a frame (640).")
    frame_width = property(lambda self: self._session.size[0], doc="Width of the frames, px.")
    frame_height = property(lambda self: self._session.size[1], doc="Height of the frames, px.")
    transaction_id = property(lambda self: self._transaction_id, doc="Name of this session, a UUID.")

    @property
    def model_hash(self) -> str:
        """sha256 of the avatar's data."""
        return self._ready().manifest.sha256

    def get_frame_size(self) -> tuple[int, int]:
        """(width, height) of the frames in px, known from the start."""
        return self._session.size

    def get_first_frame(self) -> NDArray[np.uint8]:
        """A picture of the avatar at rest, BGR uint8 [h, w, 3]; the session does not advance."""
        fixture = self._ready()
        engine, scene = Engine(fixture, self._seed), self._session.scene(fixture)
        if scene is not None:
            engine.show(scene)
        return scaled(engine.step(None).frame, self._session.size)

    # -- levers ------------------------------------------------------------------------------------------------------
    def set_stillness(self, stillness: float) -> None:
        """How calm the avatar is: 0 (lively) to 1 (only speech, blinks and breath move). Raises ValueError outside."""
        self._session.set_stillness(stillness)

    def set_listening(self, listening: bool) -> None:
        """Tell whether the user is speaking: the avatar then looks at them and nods now and then."""
        self._session.set_listening(listening)

    def set_muted(self, muted: bool) -> None:
        """While muted, sound that is pushed is not spoken (what was pushed before still plays)."""
        self._session.muted = bool(muted)

    def pause(self) -> None:
        """Hold the sound that has not been spoken: frames go on without it, the lips close (80 ms on their way still come)."""
        self._session.paused = True

    def resume(self) -> None:
        """Speak on where :meth:`pause` stopped; without a pause nothing happens."""
        self._session.paused = False

    def _take(self, control: VideoControl) -> None:
        self._session.perform(control)
        if control.audio is not None:
            last = control.audio.last_chunk or control.end_of_speech
            self._session.push(control.audio.data, control.audio.sample_rate, last=last, message_id=control.message_id)
        elif control.end_of_speech:
            self._session.flush()

    def process(self, control: VideoControl) -> Iterator[VideoFrame]:
        """Take a control and give its frames as fast as they can be made (one idle frame where it says nothing). Not async."""
        self._ready()
        self._take(control)
        made = False
        while self._session.pending(control.audio is None or control.audio.last_chunk or control.end_of_speech) or not made:
            made = True
            yield self._session.release(self._session.next_frame())

    def load_data(self) -> None:
        """Nothing is left to load after :meth:`create`; accepted for compatible callers."""
        self._ready()

    # -- permission, where a token server of one's own is asked ------------------------------------------------------
    def set_token(self, token: str) -> None:
        """Go on with this runtime token; without a token server it means nothing. Raises TokenExpiredError."""
        if self._access is not None:
            self._access.replace(token)

    def is_token_validated(self) -> bool:
        """Whether the avatar may run: always, unless a token server of your own says no."""
        return self._access is None or self._access.validated

    def get_expiration_time(self) -> int:
        """When the runtime token ends, unix time in seconds; -1: never."""
        return -1 if self._access is None else self._access.expires

    def _regenerate_transaction_id(self) -> None:
        self._transaction_id = str(uuid.uuid4())

    def _check_access(self) -> None:
        if self._access is not None:
            self._access.check()

    def _release(self) -> None:
        self._fixture = None
        if self._access is not None:
            self._access.close()

    def _ready(self) -> Fixture:
        if self._fixture is None:
            raise RuntimeNotReadyError("This runtime was shut down: create a new one.")
        return self._fixture


def chosen_scene(fixture: Fixture, choice: Background | str | Path | NDArray[np.uint8]) -> tuple[Background, Scene]:
    """The background that is named, and what it makes of this avatar. Raises BackgroundError. Takes up to 0.5 s."""
    background = Background.of(choice)
    return background, fixture.scene(background)


def load_avatar(path: str | Path | None, at_least: int = 0, net: SpeechNet | None = None) -> Fixture:
    """The avatar of an ``.imx`` file, or of a photo (built once, see ``bithuman_core.build``); None: the default one.

    at_least: side that the frames need, px. Raises ModelError.
    """
    from bithuman_core.build import avatar_file  # here: the builder is a later room, and few need it

    return Fixture(avatar_file(find_avatar(path) if path else default_avatar()), net, at_least)


def open_access(api_url: str | None, api_secret: str | None, token: str | None, insecure: bool = False) -> Access | None:
    """Permission from the server that arguments and environment name; None where there is nobody to ask. Blocks.

    Raises TokenError of the fitting kind.
    """
    chosen = settings()
    server = token_server(api_url, chosen.api_url)
    if server is None:
        return None
    secret = api_secret or (chosen.api_secret.get_secret_value() if chosen.api_secret else None)
    token = token or (chosen.api_token.get_secret_value() if chosen.api_token else None)
    access = Access(server, secret, token, insecure=insecure)
    try:
        access.open()
    except TokenError:
        access.close()
        raise
    return access


def set_log_level(verbose: bool | None) -> None:
    """Log as asked: ``verbose``, else BITHUMAN_LOG_LEVEL, BITHUMAN_VERBOSE; otherwise logging is left alone."""
    chosen = settings()
    if chosen.log_level:
        logging.getLogger("bithuman_core").setLevel(chosen.log_level.upper())
    elif verbose or (verbose is None and chosen.verbose):
        logging.getLogger("bithuman_core").setLevel(logging.DEBUG)
