"""One avatar on one page of another site, from its connection to its end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from bithuman_core.clock import Clock
from bithuman_core.conversation import Role
from bithuman_core.demo.visitors.allowance import Allowance
from bithuman_core.demo.visitors.messages import TOO_MANY, Hush, LetGo, Misunderstood, Press, parse
from bithuman_core.demo.visitors.talker import Talker, TalkParts
from bithuman_core.engine import Fixture
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.live_session import LiveEngine, LiveSession
from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.embed.agent import ShownAgent
from bithuman_core.service.embed.messages import EMBED_MESSAGES, Bye, ByKey, Hello, Read
from bithuman_core.types import Emotion

MOST_CONTEXT = 8000  # characters that it was told to know; the oldest go first


class EmbedVisit:
    """Owns its connection (:class:`bithuman_core.fastrtc.handler.ConnectionOwner`), and talks in it.

    answers: whether those who write are answered. greeting: said once the page is there. ``hang_up(visit)`` closes the
    connection, ``over(visit)`` is called when it is closed. before: the ``remembered()`` of the process that had it before this
    one; connection: FastRTC's number of the connection.
    """

    def __init__(
        self,
        number: str,
        agent: ShownAgent,
        fixture: Fixture,
        parts: TalkParts,
        clock: Clock,
        *,
        limit: float,
        connect_idle: float,
        answers: bool,
        greeting: str | None,
        before: Mapping[str, Any],
        hang_up: Callable[[EmbedVisit], None],
        over: Callable[[EmbedVisit], None],
    ) -> None:
        self.id, self.agent, self.connection = number, agent, identifier()
        self.limit, self.connect_idle = limit, connect_idle
        self.state = AvatarState(fixture, Emotion(before.get("emotion", Emotion.NEUTRAL)))
        self.talker = Talker(parts, self._feel)
        self._gestures, self._persona = tuple(sorted(fixture.gestures)), agent.prompt or fixture.manifest.persona
        self._answers = answers
        self._known = deque[str](before.get("known", ()))
        self._unsaid: tuple[str, int] = before.get("saying", ""), before.get("heard", 0)  # until the page is there
        self._goes_on = bool(before)
        self._greeting, self._hang_up, self._over = greeting, hang_up, over
        self._messages = Allowance(clock)
        self.closed = asyncio.Event()
        self._session: LiveSession | None = None
        self._ending: asyncio.Task[None] | None = None
        self._play_role()

    @property
    def live(self) -> bool:
        """Whether there is a connection."""
        return self._session is not None

    # -- of the connection ---------------------------------------------------------------------------------------------
    def make_engine(self) -> LiveEngine:
        """An engine that shows the avatar as it is now."""
        return AvatarEngine(self.state)

    def meet(self, session: LiveSession) -> None:
        """The connection's session. From the beginning a talk listens to it: by itself it would say what it hears."""
        self._session = session
        self.talker.begin(session)

    def hears(self, text: object) -> str | None:
        """Follow a message of the page. Returns a sentence where it is not followed."""
        if self._session is None:
            return None
        if not self._messages.take():
            return TOO_MANY
        try:
            message = parse(text, EMBED_MESSAGES)
        except Misunderstood as misunderstood:
            return str(misunderstood)
        match message:
            case Hello():
                self._begin(self._session)
            case Read(text=words) if self._answers:
                self.talker.read(words)
            case ByKey(on=on):
                self.talker.by_key(on)
            case Press():
                self.talker.press()
            case LetGo():
                self.talker.let_go()
            case Hush():
                self.talker.stop()
            case Bye():
                self._hang_up(self)
        return None

    def part(self, session: LiveSession) -> None:
        """The connection is closed."""
        if self._session is session:
            self._session = None
            self.closed.set()
            self._ending = asyncio.get_running_loop().create_task(self.talker.end())
            self._over(self)

    def _begin(self, session: LiveSession) -> None:
        """The page hears: say the rest of what was begun elsewhere, answer what was not answered there, or greet."""
        (text, heard), self._unsaid = self._unsaid, ("", 0)
        greeting, self._greeting = self._greeting, None
        goes_on, self._goes_on = self._goes_on, False
        if text:
            session.tell("talk", {"again": text})
            self.talker.say_on(text, heard)
        elif goes_on and self._answers:
            self.talker.answer()
        elif greeting:
            self.talker.say(greeting)

    # -- from outside --------------------------------------------------------------------------------------------------
    def tell(self, kind: str, text: str) -> None:
        """Say something (kind "speak"), or know it from now on ("add_context")."""
        if kind == "speak":
            self.talker.say(text)
            return
        self._known.append(text)
        while sum(map(len, self._known)) > MOST_CONTEXT and len(self._known) > 1:
            self._known.popleft()
        self._play_role()

    def remembered(self) -> dict[str, Any]:
        """What another process needs to go on with it (JSON)."""
        text, heard = self._unsaid if self._unsaid[0] else self.talker.left()
        return {"emotion": self.state.emotion.value, "known": list(self._known), "saying": text, "heard": heard}

    def end(self, sentence: str) -> None:
        """Hang up, and tell the page why."""
        if self._session is not None:
            self._session.tell("error", sentence)
        self._hang_up(self)

    def _play_role(self) -> None:
        self.talker.be(Role("\n\n".join(filter(None, (self._persona, *self._known))), self._gestures))

    def _feel(self, emotion: Emotion) -> None:
        state = self.state
        state.emotion = emotion
        if self._session is not None:
            self._session.do(lambda engine: engine.play(state))
