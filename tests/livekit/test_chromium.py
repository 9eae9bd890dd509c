"""What a real Chromium sees and hears of avatars in rooms of a real livekit-server: pictures a second, freezes, lips."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.plugins import need

need("livekit.agents", "livekit.api", "playwright")

from playwright.async_api import Page  # noqa: E402

from bithuman_core import Fixture  # noqa: E402
from bithuman_core.livekit import BitHumanAudioTrack, BitHumanVideoTrack  # noqa: E402
from tests.browser.chromium import MISSING, find_chromium  # noqa: E402
from tests.browser.harness import Recording  # noqa: E402
from tests.livekit.browser import Viewers, chromium, offsets, page_served, watch  # noqa: E402
from tests.livekit.client import CLIENT  # noqa: E402
from tests.livekit.lamp import bursts  # noqa: E402
from tests.livekit.server import LiveKit  # noqa: E402
from tests.livekit.speaking import lamp, speaking  # noqa: E402
from tests.livekit.test_real_server import agent_in  # noqa: E402

SETTLE, SECONDS = 3, 10  # until the jitter buffers know the line; that are looked at
TRIES = 5  # Chromium takes its time to bring them together, and what else a machine does makes it worse, never better
SPOKEN = SETTLE + TRIES * (SECONDS + 2)
CARRIED, LEFT_BEHIND = 24.0, 8.0  # pictures a second
MOST_BUSY = 85.0  # % of all cores; beyond, whatever comes waits for a core, the browser's own pictures as well
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


async def check(pages: list[Page], least: float) -> None:
    """Everybody gets ``least`` pictures a second, without a freeze, and the first one's lips are on the voice."""
    await asyncio.sleep(SETTLE)
    for left in reversed(range(TRIES)):
        recordings = await asyncio.gather(*(watch(page, SECONDS, closely=page is pages[0]) for page in pages))
        try:
            for recording in recordings:
                check_pictures(recording, least)
            check_lips(recordings[0])
            return
        except AssertionError:
            if not left:
                raise


def check_pictures(recording: Recording, least: float, gap: float = GAP, frozen: float = 0.0) -> None:
    grown = {name: recording.grown("video", name) for name in ("freezeCount", "totalFreezesDuration", "framesDropped")}
    told = f"{recording.fps:.1f} fps, longest gap {1000 * recording.gaps.max():.0f} ms, {grown}"
    print(told)
    assert recording.sizes == {(512, 512)}
    assert least <= recording.fps < 25.5, told
    assert grown["totalFreezesDuration"] <= frozen and recording.gaps.max() < gap, told


def check_lips(recording: Recording) -> None:
    apart = offsets(recording)
    told = f"picture after its sound, of {apart.size} bursts: {np.round(1000 * apart)} ms"
    print(told)
    assert abs(apart.size - SECONDS) <= 2, told  # every burst is heard, and in one piece
    assert abs(apart.mean()) <= MEAN and np.percentile(np.abs(apart), 95) <= P95, told


def heard_whole(recording: Recording) -> bool:
    return offsets(recording).size <= SECONDS + 1


async def test_tracks_that_are_published_by_hand(server: LiveKit, fixture: Fixture, viewers: Viewers) -> None:
    async with lamp(fixture) as runtime, agent_in(server, "by-hand") as room:
        face = BitHumanVideoTrack(runtime)
        voice = BitHumanAudioTrack()
        await room.local_participant.publish_track(face, face.options)
        await room.local_participant.publish_track(voice, voice.options)
        page = await viewers.join(server.url, server.token("viewer", "by-hand"))
        await runtime.push_audio(bursts(SPOKEN), 16_000)
        await check([page], least=CARRIED)
        await face.aclose()


async def test_three_rooms_at_once(server: LiveKit, fixture: Fixture, viewers: Viewers) -> None:
    """Nobody is left behind; and where the machine carries three avatars, their encoders, a server and a browser, lips stay on
    the voice. What a machine carries is ``benchmarks/livekit_browser.py``'s to say: a browser that comes to play its sound in
    pieces has no time left for it, and one that had none a moment ago is still bringing lips and voice together."""
    faults, told = list[AssertionError](), ""
    async with speaking(server, viewers, fixture, 3, SPOKEN) as pages:
        await asyncio.sleep(SETTLE)
        for _ in range(TRIES):
            psutil.cpu_percent()  # from here on
            recordings = await asyncio.gather(*(watch(page, SECONDS, closely=page is pages[0]) for page in pages))
            busy = psutil.cpu_percent()
            for recording in recordings:
                check_pictures(recording, LEFT_BEHIND, gap=1.0, frozen=1.0)
            fps = min(recording.fps for recording in recordings)
            told += f" {fps:.1f} pictures a second, {busy:.0f} % busy;"
            if fps >= CARRIED and busy <= MOST_BUSY and heard_whole(recordings[0]):
                try:
                    return check_lips(recordings[0])
                except AssertionError as error:
                    faults.append(error)
    if len(faults) < TRIES:
        pytest.skip(f"NOT MEASURED: lips in three rooms, for this machine has no time for them throughout:{told[:-1]}.")
    raise faults[-1]
