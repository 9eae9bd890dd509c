"""One open page: which avatar it shows and how, what the visitor has brought along, and what the page may ask for."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bithuman_core.background import Background
from bithuman_core.clock import Clock
from bithuman_core.demo.gallery import Avatar, Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.allowance import Allowance
from bithuman_core.demo.visitors.messages import TOO_MANY, Here, Hush, LetGo, Misunderstood, Press, Say, parse
from bithuman_core.demo.visitors.talker import Talker, TalkParts
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.fastrtc.live_session import LiveEngine, LiveSession
from bithuman_core.render import Scene, can_be_cut_out
from bithuman_core.types import Emotion

UNKNOWN_CLIP = "That sound is not here any more: choose it again."
NO_MATTE = (
    "That avatar is a film without a matte, which cannot stand before another background: choose its own background first, or "
    "make the avatar again."
)
NOT_LIVE = "The avatar is not live yet: press Start first."


class Visitor:
    """What belongs to one page and to nobody else. ``secret`` is known to that page alone.

    It owns the page's connection (:class:`bithuman_core.fastrtc.handler.ConnectionOwner`), whichever is the present one.
    """

    def __init__(
        self,
        gallery: Gallery,
        make_engine: Callable[[AvatarState], LiveEngine],
        limits: Limits,
        clock: Clock,
        address: str | None = None,
        talk: TalkParts | None = None,
    ) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.address = address  # which is counted; None: is not
        self.connection: str | None = None  # FastRTC's id of the present connection
        self.negotiating = asyncio.Lock()  # one offer after the other
        self.entering = False  # its offer has a place, and FastRTC does not know of it yet
        self.avatars_coming = 0  # own ones that are being uploaded or made
        self.state = AvatarState(gallery.first.fixture)
        self.avatar: Avatar = gallery.first
        self.own: dict[str, Avatar] = {}
        self.clips: dict[str, Clip] = {}
        self.way = "microphone"  # how it speaks: also "file", "text", "talk"
        self.said = 0  # how many clips the page was told to say
        self.closed = False
        self.limit, self.connect_idle = limits.live, limits.connect_idle
        self._gallery, self._make_engine, self._limits, self._clock = gallery, make_engine, limits, clock
        self._messages = Allowance(clock)
        self._requests = Allowance(clock, limits.requests, limits.requests_per_second)
        self.offers = Allowance(clock, limits.offers, limits.offers_per_second)
        self.new_lines = Allowance(clock, limits.lines, limits.lines_per_second)
        self._session: LiveSession | None = None
        self.talker = Talker(talk, self.feel) if talk is not None else None
        if self.talker is not None:
            self.talker.play(self.avatar.fixture.manifest)
        self._folder: Path | None = None
        self._uploads: list[Path] = []
        self._ending: set[asyncio.Task[None]] = set()  # of talks
        self.seen_at = clock.now()
        self.lines = 0  # that the page keeps open (see ``routes/presence.py``)

    # -- while it is live --------------------------------------------------------------------------------------------
    def make_engine(self) -> LiveEngine:
        """An engine that shows the avatar as it is now."""
        return self._make_engine(self.state)

    def meet(self, session: LiveSession) -> None:
        """The session of the present connection."""
        self._session = session
        if self.talker is not None and self.way == "talk":
            self.talker.begin(session)

    def part(self, session: LiveSession) -> None:
        """The connection of this session is closed: a page that stays open holds nothing of it."""
        if self._session is session:
            self.seen_at = self.heard_at
            self._session = None
            self._end_talk()

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
        match message:
            case Here():
                pass
            case Say(clip=key):
                if (clip := self.clips.get(key)) is None:
                    return UNKNOWN_CLIP
                session.say(clip)
            case Hush():
                session.hush()
            case Press() if self.talker is not None:
                self.talker.press()
            case LetGo() if self.talker is not None:
                self.talker.let_go()
        return None

    def turn(self, way: str) -> None:
        """Speak in another way from now on: "microphone", "file", "text", "talk"."""
        before, self.way = self.way, way
        if self.talker is None or way == before:
            return
        if before == "talk":
            self._end_talk()
        if way == "talk" and self._session is not None:
            self.talker.begin(self._session)

    def _end_talk(self) -> None:
        if self.talker is not None and self.talker.live:
            task = asyncio.get_running_loop().create_task(self.talker.end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def feel(self, emotion: Emotion) -> None:
        """Show an emotion from now on."""
        self.state.emotion = emotion
        self._play()

    def calm(self, stillness: float) -> None:
        """Be this still from now on, 0..1."""
        self.state.stillness = min(max(stillness, 0.0), 1.0)
        self._play()

    def stand_before(self, background: Background | None, scene: Scene) -> None:
        """Stand before a background from now on, also with other avatars; scene: what it makes of the present one."""
        self.state.stand_before(background, scene)
        self._play()

    def perform(self, gesture: str) -> None:
        """Play a gesture once. Raises Refusal where the avatar does not know it, or is not live."""
        if gesture not in self.state.fixture.gestures:
            raise Refusal(404, f"{self.avatar.name} does not know that gesture.")
        if self._session is None or self.connection is None:
            raise Refusal(409, NOT_LIVE)
        self._session.do(lambda engine: engine.perform(gesture))

    def hush(self) -> None:
        """Stop speaking at once."""
        if self._session is not None:
            self._session.hush()

    def _play(self) -> None:
        state = self.state
        if self._session is not None:
            self._session.do(lambda engine: engine.play(state))

    def say(self, clip: Clip) -> None:
        """Speak a clip that is not the page's own; nothing is said where nobody is live."""
        if self._session is not None:
            self._session.say(clip)

    # -- before, meanwhile and after ---------------------------------------------------------------------------------
    @property
    def owner(self) -> str:
        """Whose files take turns when they are read: of all pages of a counted address, else of this page."""
        return self.address or self.secret

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
            raise Refusal(429, "That was a lot in a short time: wait half a minute, then try again.", retry=30)

    @property
    def avatars(self) -> list[Avatar]:
        """Those that the visitor can choose from, the server's first."""
        return [*self._gallery.avatars.values(), *self.own.values()]

    def choose(self, key: str) -> Avatar:
        """Go on with another avatar, also while live. Raises Refusal for one that is not here for this visitor, and for a
        film without a matte while another background than its own is chosen."""
        avatar = self._gallery.avatars.get(key) or self.own.get(key)
        if avatar is None:
            raise Refusal(404, "That avatar is not here any more: choose another one.")
        if self.state.background is not None and not can_be_cut_out(avatar.fixture.rig):
            raise Refusal(409, NO_MATTE)
        self.avatar, self.state.fixture = avatar, avatar.fixture
        if self.talker is not None:
            self.talker.play(avatar.fixture.manifest)
        self._play()
        return avatar

    @property
    def avatars_held(self) -> int:
        """Own ones, with those that are on their way."""
        return len(self.own) + self.avatars_coming

    def check_room(self) -> None:
        """Raises Refusal where the visitor has as many own avatars as are kept."""
        if self.avatars_held >= self._limits.avatars:
            raise Refusal(409, f"You have {self.avatars_held} avatars of your own, which is the most: remove one first.")

    def add(self, avatar: Avatar) -> None:
        """Keep an avatar of the visitor's own, for which there is room (``Visitors.room_for_avatar``)."""
        self.own[avatar.key] = avatar

    def remove(self, key: str) -> None:
        """Forget an own avatar; the server's first one takes its place where it was shown."""
        avatar = self.own.pop(key, None)
        if avatar is not None:
            avatar.path.unlink(missing_ok=True)
            if self.avatar is avatar:
                self.choose(self._gallery.first.key)

    def keep_clip(self, clip: Clip) -> None:
        """Keep sound to be spoken; the oldest one goes where there are too many."""
        self.clips[clip.key] = clip
        while len(self.clips) > self._limits.clips:
            del self.clips[next(iter(self.clips))]

    def keep_upload(self, path: Path) -> None:
        """A file that the visitor sent goes with the visit; an example of the page's is not theirs, and stays."""
        if self._gallery.folder in path.parents:
            self._uploads.append(path)

    def new_folder(self) -> Path:
        """An empty folder that nobody else knows; it goes with the visit."""
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix="visit-", dir=self._gallery.folder))
        folder = self._folder / secrets.token_urlsafe(16)
        folder.mkdir()
        return folder

    def close(self) -> None:
        """Forget everything that the visitor brought."""
        self.own.clear()
        self.clips.clear()
        self.closed = True
        self._session = None
        for path in self._uploads:
            path.unlink(missing_ok=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
