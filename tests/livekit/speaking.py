"""Avatars of agents in some rooms at once, each with a viewer in a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice.avatar import QueueAudioOutput
from playwright.async_api import Page

from bithuman_core import AsyncBithuman, Fixture
from bithuman_core.livekit import AvatarSession
from tests.livekit.browser import Viewers
from tests.livekit.lamp import LampRuntime, bursts
from tests.livekit.server import LiveKit

RATE, PIECE = 16_000, 800  # Hz, samples


@asynccontextmanager
async def lamp(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    """An avatar with a lamp."""
    async with AsyncBithuman(fixture) as runtime:
        yield cast(AsyncBithuman, LampRuntime(runtime))


@asynccontextmanager
async def speaking(server: LiveKit, viewers: Viewers, fixture: Fixture, rooms: int, seconds: int) -> AsyncIterator[list[Page]]:
    """The viewers' pages, once all see and hear; for some seconds the agents have something to say."""
    async with AsyncExitStack() as stack:
        pages = []
        for number in range(rooms):
            name = f"room-{number}-of-{rooms}"
            runtime = await stack.enter_async_context(lamp(fixture))
            room = rtc.Room()
            await room.connect(server.url, server.token("agent", name, agent=True))
            stack.push_async_callback(room.disconnect)
            session, avatar = AgentSession(), AvatarSession(runtime=runtime)
            await avatar.start(session, room)
            stack.push_async_callback(avatar.aclose)
            pages.append(await viewers.join(server.url, server.token("viewer", name)))
            output = session.output.audio
            assert isinstance(output, QueueAudioOutput)
            said = bursts(seconds)
            for start in range(0, said.size, PIECE):
                piece = said[start : start + PIECE]
                await output.capture_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, piece.size))
            output.flush()
        yield pages
