"""What a real Chromium sees and hears of avatars in rooms of a real livekit-server: pictures a second, freezes, lips."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tests.plugins import need

need("livekit.agents", "livekit.api", "playwright")

from livekit import rtc  # noqa: E402
from livekit.agents import AgentSession  # noqa: E402
from livekit.agents.voice.avatar import QueueAudioOutput  # noqa: E402

from bithuman_core import AsyncBithuman, Fixture  # noqa: E402
from bithuman_core.livekit import AvatarSession, BitHumanAudioTrack, BitHumanVideoTrack  # noqa: E402
from tests.browser.chromium import MISSING, find_chromium  # noqa: E402
from tests.browser.harness import Recording  # noqa: E402
from tests.livekit.browser import Viewers, chromium, offsets, page_served, watch  # noqa: E402
from tests.livekit.client import CLIENT  # noqa: E402
from tests.livekit.lamp import LampRuntime, bursts  # noqa: E402
from tests.livekit.server import LiveKit  # noqa: E402
from tests.livekit.test_livekit import Listener  # noqa: E402
from tests.livekit.test_real_server import agent_in  # noqa: E402

SETTLE, SECONDS = 3, 12  # until the jitter buffers know the line; that are looked at
GAP = 0.3  # s without a picture: longer ones are seen
MEAN, P95 = 0.040, 0.060  # s, picture against sound


@pytest.fixture(scope="module")
def client() -> Path:
    found = CLIENT.find()
    missing = MISSING if find_chromium() is None else CLIENT.missing if found is None else ""
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if missing or found is None:
        pytest.skip(missing)
    return found


@pytest.fixture
async def viewers(client: Path) -> AsyncIterator[Viewers]:
    with page_served() as address:
        async with chromium() as browser:
            yield Viewers(browser, address, client)


@asynccontextmanager
async def lamp(fixture: Fixture) -> AsyncIterator[AsyncBithuman]:
    async with AsyncBithuman(fixture) as runtime:
        yield cast(AsyncBithuman, LampRuntime(runtime))


def check_pictures(recording: Recording, least: float) -> None:
    """They come in time, at ``least`` so many a second."""
    grown = {name: recording.grown("video", name) for name in ("freezeCount", "totalFreezesDuration", "framesDropped")}
    told = f"{recording.fps:.1f} fps, longest gap {1000 * recording.gaps.max():.0f} ms, {grown}"
    print(told)
    assert recording.sizes == {(512, 512)}
    assert least <= recording.fps < 25.5, told
    assert grown["totalFreezesDuration"] == 0 and recording.gaps.max() < GAP, told


def check_lips(recording: Recording) -> None:
    """They are on the voice."""
    apart = offsets(recording)
    told = f"picture after its sound, of {apart.size} bursts: {np.round(1000 * apart)} ms"
    print(told)
    assert apart.size >= SECONDS - 2, told
    assert abs(apart.mean()) <= MEAN and np.percentile(np.abs(apart), 95) <= P95, told


async def test_tracks_that_are_published_by_hand(server: LiveKit, fixture: Fixture, viewers: Viewers) -> None:
    async with lamp(fixture) as runtime, agent_in(server, "by-hand") as room:
        face = BitHumanVideoTrack(runtime)
        voice = BitHumanAudioTrack()
        await room.local_participant.publish_track(face, face.options)
        await room.local_participant.publish_track(voice, rtc.TrackPublishOptions())
        page = await viewers.join(server.url, server.token("viewer", "by-hand"))
        await runtime.push_audio(bursts(SETTLE + SECONDS + 3), 16_000)
        await page.wait_for_timeout(1000 * SETTLE)
        recording = await watch(page, SECONDS)
        check_pictures(recording, 24)
        check_lips(recording)
        await face.aclose()


async def test_three_rooms_at_once(server: LiveKit, fixture: Fixture, viewers: Viewers) -> None:
    async with AsyncExitStack() as stack:

        async def visit(number: int) -> tuple[Any, AvatarSession]:
            name = f"room-{number}"
            runtime = await stack.enter_async_context(lamp(fixture))
            room = await stack.enter_async_context(agent_in(server, name))
            session, avatar = AgentSession(), AvatarSession(runtime=runtime)
            await avatar.start(session, room)
            assert isinstance(session.output.audio, QueueAudioOutput)
            page = await viewers.join(server.url, server.token("viewer", name))
            await Listener(session.output.audio).say(bursts(SETTLE + SECONDS + 3))
            return page, avatar

        visits = [await visit(number) for number in range(3)]
        await visits[0][0].wait_for_timeout(1000 * SETTLE)
        recordings = await asyncio.gather(*(watch(page, SECONDS, closely=page is visits[0][0]) for page, _ in visits))
        for _, avatar in visits:
            await avatar.aclose()
    for recording in recordings:
        check_pictures(recording, 22)  # three avatars, their encoders and a browser share what cores there are
    check_lips(recordings[0])
