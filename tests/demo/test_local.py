"""``speak`` and ``action``: the command line and the running page, over real HTTP and real WebRTC connections."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from fastapi import FastAPI
from numpy.typing import NDArray

from bithuman_core import cli
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.local_key import HEADER, local_key
from bithuman_core.demo.routes.local import is_this_machine
from bithuman_core.engine import EngineTick
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.settings import models_dir
from tests.audio.test_file import write_wav
from tests.demo.serving import demo_app

LOUD = 1000  # of int16


class Watched(AvatarEngine):
    """An engine that remembers what it did."""

    everybody: list[Watched]

    def __init__(self, state: AvatarState) -> None:
        super().__init__(state)
        self.loudest, self.gestures = 0, list[str]()
        self.everybody.append(self)

    def step(self, samples: NDArray[np.int16] | None) -> EngineTick:
        tick = super().step(samples)
        self.loudest = max(self.loudest, 0 if tick.audio is None else int(np.abs(tick.audio.astype(int)).max()))
        return tick

    def perform(self, gesture: str) -> None:
        super().perform(gesture)
        self.gestures.append(gesture)


class Page:
    """A page that is served, with its command line."""

    def __init__(self, app: FastAPI, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app, self.url, self._monkeypatch = app, url, monkeypatch

    async def command(self, *arguments: object, at: str | None = None) -> int:
        """The exit code of ``bithuman-core ARGUMENTS --url ...``."""
        self._monkeypatch.setattr("sys.argv", ["bithuman-core", *map(str, arguments), "--url", at or self.url])
        return await asyncio.to_thread(exit_code)

    @asynccontextmanager
    async def visitor(self, name: str) -> AsyncIterator[Watched]:
        """Somebody who is live; their avatar's engine."""
        connection, pictures = RTCPeerConnection(), list[Any]()

        async def look(track: Any) -> None:
            with suppress(MediaStreamError):
                while True:
                    pictures.append(await track.recv())

        looking: list[asyncio.Task[None]] = []
        connection.on("track", lambda track: looking.append(asyncio.create_task(look(track))))
        connection.addTransceiver("video", direction="sendrecv")
        connection.addTransceiver("audio", direction="sendrecv")
        await connection.setLocalDescription(await connection.createOffer())
        async with httpx.AsyncClient(base_url=self.url) as client:
            headers = {"X-Visit": (await client.post("/visit")).json()["visit"]}
            offer = {"type": "offer", "webrtc_id": f"visitor-{name}", "sdp": connection.localDescription.sdp}
            answer = (await client.post("/webrtc/offer", json=offer, headers=headers)).json()
            await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
            await until(lambda: len(pictures) > 2)
            yield Watched.everybody[-1]
            await client.post("/visit/leave", content=headers["X-Visit"])
        await connection.close()
        await asyncio.gather(*looking)


def exit_code() -> int:
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


async def until(done: Callable[[], bool]) -> None:
    async def look() -> None:
        while not done():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), 30)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is there yet, nobody is sent away for being silent, and the user's cache folder is a new one."""
    monkeypatch.setattr("bithuman_core.fastrtc.live_session.DEAF_SECONDS", math.inf)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(Watched, "everybody", [], raising=False)


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery([models_dir() / "mara.imx"])


@pytest.fixture
async def page(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    app = demo_app(gallery, places=2, make_engine=Watched)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        await until(lambda: server.started)
        await app.state.context.jobs.check(lambda: None)  # the film of the first avatar is made
        yield Page(app, f"http://127.0.0.1:{listener.getsockname()[1]}", monkeypatch)
        server.should_exit = True
        await running


@pytest.fixture
def wav(tmp_path: Path, speech: NDArray[np.int16]) -> Path:
    return write_wav(tmp_path / "what I say.wav", speech[:32000], 16000)


async def test_everybody_who_is_live_speaks_what_is_to_be_spoken(
    page: Page, wav: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with page.visitor("first") as first, page.visitor("second") as second:
        assert await page.command("speak", wav) == 0
        assert "2.0 s, spoken on 2 pages" in capsys.readouterr().out
        await until(lambda: first.loudest > LOUD and second.loudest > LOUD)


async def test_one_visit_alone_can_be_spoken_to(page: Page, wav: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with page.visitor("first") as first, page.visitor("second") as second:
        assert await page.command("speak", wav, "--visit", 2) == 0
        assert "1 page" in capsys.readouterr().out
        await until(lambda: second.loudest > LOUD)
        assert first.loudest < LOUD
        assert await page.command("action", "nod", "--visit", 3) == 70
        assert "1 to 2" in shown(capsys)


async def test_a_gesture_is_played(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    async with page.visitor("only") as visitor:
        assert await page.command("action", "nod") == 0
        await until(lambda: visitor.gestures == ["nod"])
        assert await page.command("action", "somersault") == 70
        said = shown(capsys)
        assert "somersault" in said and "nod" in said and "wave" not in said


async def test_what_cannot_be_done_gets_a_sentence_and_a_code(
    page: Page, wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await page.command("speak", wav) == 70
    assert "press Start" in shown(capsys)
    assert await page.command("speak", tmp_path / "none.wav") == 70
    assert "check the path" in shown(capsys)
    assert await page.command("action", "nod", at="http://avatar.example.org") == 2
    assert "on this machine" in shown(capsys)
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert await page.command("action", "nod", at=nobody) == 69
    assert "bithuman-core run" in shown(capsys)
    assert await page.command("action", "nod", at=page.url + "/page") == 70
    assert "not the page" in shown(capsys)
    async with page.visitor("only"):
        assert await page.command("speak", __file__) == 70
        assert "cannot be read as audio" in shown(capsys)


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    text = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert "Traceback" not in text and "/tmp/bithuman-speak" not in text
    return text


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Via": "1.1 caddy"}, {"X-Real-IP": "203.0.113.7"},
     {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)  # fmt: skip
async def test_who_comes_through_a_proxy_or_a_web_page_is_refused(page: Page, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=page.url) as client:
        answer = await client.post("/local/action", json={"name": "nod"}, headers={HEADER: local_key(), **headers})
    assert answer.status_code == 403 and "machine" in answer.json()["error"]


async def test_another_user_of_the_machine_is_refused(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with httpx.AsyncClient(base_url=page.url) as client:
        for key in ({}, {HEADER: "guessed"}, {HEADER: local_key()[:-1]}):
            answer = await client.post("/local/action", json={"name": "nod"}, headers=key)
            assert answer.status_code == 401 and local_key() not in answer.text
    monkeypatch.setattr("bithuman_core.demo.local_key.local_key", lambda: "of another user")
    assert await page.command("action", "nod") == 77
    assert "as that user" in shown(capsys)


async def test_another_machine_is_refused(page: Page) -> None:
    transport = httpx.ASGITransport(page.app, client=("203.0.113.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/local/action", json={"name": "nod"}, headers={HEADER: local_key()})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False),
     ("10.0.0.1", False), ("fe80::1", False), ("", False), ("testclient", False)],
)  # fmt: skip
def test_which_addresses_are_this_machine(host: str, here: bool) -> None:
    assert is_this_machine(host) is here


def test_the_key_is_for_its_user_alone(tmp_path: Path) -> None:
    key = local_key()
    assert len(key) > 30 and local_key() == key
    (file,) = (tmp_path / "cache" / "bithuman_core").iterdir()
    assert file.stat().st_mode & 0o077 == 0
