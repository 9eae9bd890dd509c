"""One open page: who is played and how, what the visitor has brought along, and what the page may ask for."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.clock import Clock
from bithuman_core.demo.gallery import Avatar, Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.messages import TOO_MANY, Allowance, Calm, Feel, Here, Hush, Misunderstood, Perform, Say, parse
from bithuman_core.demo.refusal import Refusal
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.fastrtc.live_session import LiveEngine, LiveSession

UNKNOWN_CLIP = "That sound is not here any more: choose it again."


class Visitor:
    """What belongs to one page and to nobody else. ``secret`` is known to that page alone.

    It attends to the page's connection (:class:`bithuman_core.fastrtc.handler.Attendant`), whichever is the present one.
    """

    def __init__(self, gallery: Gallery, make_engine: Callable[[AvatarState], LiveEngine], limits: Limits, clock: Clock) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.connection: str | None = None  # FastRTC's id of the present connection
        self.state = AvatarState(gallery.first.fixture)
        self.avatar: Avatar = gallery.first
        self.own: dict[str, Avatar] = {}
        self.clips: dict[str, Clip] = {}
        self.films: dict[str, Path] = {}
        self.limit = limits.live
        self._gallery, self._make_engine, self._limits, self._clock = gallery, make_engine, limits, clock
        self._messages = Allowance(clock)
        self._requests = Allowance(clock, limits.requests, limits.requests_per_second)
        self._session: LiveSession | None = None
        self._folder: Path | None = None
        self.seen_at = clock.now()
        self.lines = 0  # that the page keeps open (see ``routes_presence.py``)

    # -- while it is live --------------------------------------------------------------------------------------------
    def make_engine(self) -> LiveEngine:
        """An engine in the present role."""
        return self._make_engine(self.state)

    def meet(self, session: LiveSession) -> None:
        """The session of the present connection."""
        self._session = session

    def hears(self, text: object) -> str | None:
        """Follow a message of the page. Returns a sentence where it is not followed."""
        self.stay()
        session = self._session
        if session is None:
            return None
        if not self._messages.take():
            return TOO_MANY
        try:
            message = parse(text)
        except Misunderstood as misunderstood:
            return str(misunderstood)
        state = self.state
        match message:
            case Here():
                pass
            case Feel(emotion=emotion):
                state.emotion = emotion
                session.do(lambda engine: engine.play(state))
            case Calm(stillness=stillness):
                state.stillness = stillness
                session.do(lambda engine: engine.play(state))
            case Perform(gesture=gesture):
                if gesture not in state.fixture.gestures:
                    return f"{self.avatar.name} does not know that gesture."
                session.do(lambda engine: engine.perform(gesture))
            case Say(clip=key):
                if (clip := self.clips.get(key)) is None:
                    return UNKNOWN_CLIP
                session.say(clip)
            case Hush():
                session.hush()
        return None

    def say(self, clip: Clip) -> None:
        """Speak a clip that is not the page's own; nothing is said where nobody is live."""
        if self._session is not None:
            self._session.say(clip)

    # -- before, meanwhile and after ---------------------------------------------------------------------------------
    @property
    def heard_at(self) -> float:
        """When the page was last heard of, by a request or in its stream, s on the clock."""
        return self.seen_at if self._session is None else max(self.seen_at, self._session.heard_at)

    def stay(self) -> None:
        """The page is still open."""
        self.seen_at = self._clock.now()

    def spend(self) -> None:
        """Count a request that costs the server something. Raises Refusal where there were too many."""
        if not self._requests.take():
            raise Refusal(429, "That was a lot in a short time: wait half a minute, then try again.")

    def choose(self, key: str) -> Avatar:
        """Go on with another avatar, also while live. Raises Refusal for one that is not here for this visitor."""
        avatar = self._gallery.avatars.get(key) or self.own.get(key)
        if avatar is None:
            raise Refusal(404, "That avatar is not here any more: choose another one.")
        self.avatar, self.state.fixture = avatar, avatar.fixture
        state = self.state
        if self._session is not None:
            self._session.do(lambda engine: engine.play(state))
        return avatar

    def check_room(self) -> None:
        """Raises Refusal where the visitor has as many own avatars as are kept."""
        if len(self.own) >= self._limits.avatars:
            raise Refusal(409, f"You have {len(self.own)} avatars of your own, which is the most: remove one first.")

    def add(self, avatar: Avatar) -> None:
        """Keep an avatar of the visitor's own. Raises Refusal where there are too many."""
        self.check_room()
        self.own[avatar.key] = avatar

    def remove(self, key: str) -> None:
        """Forget an own avatar; the server's first one takes its place where it was shown."""
        avatar = self.own.pop(key, None)
        if avatar is not None:
            avatar.path.unlink(missing_ok=True)
            if self.avatar is avatar:
                self.choose(self._gallery.first.key)

    def keep_clip(self, name: str, samples: NDArray[np.int16]) -> Clip:
        """Keep sound to be spoken, int16 [n] at 16 kHz; the oldest one goes where there are too many."""
        clip = Clip(secrets.token_urlsafe(8), name, samples)
        self.clips[clip.key] = clip
        while len(self.clips) > self._limits.clips:
            del self.clips[next(iter(self.clips))]
        return clip

    def keep_film(self, path: Path) -> str:
        """Keep a video to be fetched, in place of the last one. Returns its key."""
        for old in self.films.values():
            old.unlink(missing_ok=True)
        key = secrets.token_urlsafe(16)
        self.films = {key: path}
        return key

    def new_path(self, name: str) -> Path:
        """Where a file of this name can be put; it goes with the visit."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="bithuman-visit-"))
        folder = self._folder / secrets.token_hex(4)
        folder.mkdir()
        return folder / name

    def close(self) -> None:
        """Forget everything that the visitor brought."""
        self.own.clear()
        self.clips.clear()
        self.films.clear()
        self._session = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
