"""The wall clock is set back or forward under a live connection: sound and picture go on."""

from __future__ import annotations

import ast
import time
from pathlib import Path
from typing import Any

import pytest
from aiortc import clock

import bithuman_core
from bithuman_core.fastrtc.steady_time import PACED, STEADY, keep_time
from bithuman_core.fastrtc.stream import avatar_stream
from tests.demo.test_soak import Light
from tests.fastrtc.peer import connected

HOUR = 3600.0
MORE = 25  # pictures: a second of them
WALL_CLOCK = {"token_client.py", "own_turn.py", "tasks.py", "steady_time.py", "gallery.py", "secrets.py",
              "database_clock.py"}  # expiries, ages, the time of others  # fmt: skip


async def no_servers() -> dict[str, Any]:
    return {"iceServers": []}


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
async def test_a_visitor_sees_and_hears_on(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    stream = avatar_stream(lambda: Light(), visitors=1, rtc_configuration=no_servers)
    real = time.time
    async with connected(stream) as peer:
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        pictures, sound = len(peer.pictures), len(peer.sound)
        begin = time.monotonic()
        await peer.until(lambda: len(peer.pictures) >= pictures + MORE and len(peer.sound) >= sound + 2 * MORE)
        assert 0.5 < time.monotonic() - begin < 5  # neither frozen nor all at once
        monkeypatch.setattr(time, "time", real)


def test_it_keeps_the_wall_clocks_pace_and_nothing_but_time_is_asked_of_it() -> None:
    assert abs(STEADY.time() - time.time()) < 60
    for module in PACED:
        source = Path(str(module.__file__)).read_text("utf-8")
        read = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
        assert {node.attr for node in read if getattr(node.value, "id", "") == "time"} == {"time"}, module.__name__


def test_the_time_in_packets_is_what_aiortc_makes_of_a_datetime() -> None:
    keep_time()
    before = clock.datetime_to_ntp(clock.current_datetime())
    assert -(2**32) / 1000 <= clock.current_ntp_time() - before < 2**32  # a datetime has whole microseconds


def test_nothing_of_ours_measures_a_duration_by_the_wall_clock() -> None:
    root = Path(bithuman_core.__file__).parent
    users = {path.name for path in root.rglob("*.py") if "time.time()" in path.read_text("utf-8")}
    assert users <= WALL_CLOCK
    assert not [path for path in root.rglob("*.py") if "datetime.now" in path.read_text("utf-8")]
