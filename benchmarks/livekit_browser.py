"""What viewers in a real Chromium get of avatars in rooms of a real livekit-server: ``python -m benchmarks.livekit_browser``.

One room and three at once, everything on this machine: avatars, encoders, server, browser. + : the picture is late, - : the mouth
leads, as the first room's viewer gets it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import numpy as np

from bithuman_core import Fixture
from bithuman_core.settings import default_avatar

SETTLE, SECONDS = 3, 20


async def measure() -> int:
    """Print the table; 1 where something that it needs is missing."""
    from tests.browser.chromium import MISSING, find_chromium
    from tests.livekit.browser import Viewers, chromium, offsets, page_served, watch
    from tests.livekit.client import CLIENT
    from tests.livekit.server import SERVER, serving
    from tests.livekit.speaking import speaking

    program, client = SERVER.find(), CLIENT.find()
    if program is None or client is None or find_chromium() is None:
        print(SERVER.missing if program is None else CLIENT.missing if client is None else MISSING)
        return 1
    fixture = Fixture.load(default_avatar())
    print(f"{'rooms':>5} {'fps':>6} {'longest gap':>12} {'frozen':>8}   {'picture against sound: mean':>28} {'95 % within':>12}")
    with tempfile.TemporaryDirectory() as folder, serving(program, Path(folder)) as server, page_served() as address:
        for rooms in (1, 3):
            async with chromium() as browser:
                viewers = Viewers(browser, address, client)
                async with speaking(server, viewers, fixture, rooms, SETTLE + SECONDS + 3) as pages:
                    await asyncio.sleep(SETTLE)
                    seen = await asyncio.gather(*(watch(page, SECONDS, closely=page is pages[0]) for page in pages))
            fps, gap = min(each.fps for each in seen), 1000 * max(each.gaps.max() for each in seen)
            frozen = max(each.grown("video", "totalFreezesDuration") for each in seen)
            apart = 1000 * offsets(seen[0])
            row = f"{rooms:5} {fps:6.1f} {gap:9.0f} ms {frozen:6.2f} s"
            print(f"{row}   {apart.mean():25.0f} ms {np.percentile(np.abs(apart), 95):9.0f} ms", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(measure()))
