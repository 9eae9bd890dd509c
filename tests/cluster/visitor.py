"""A visitor of a page that shows an avatar, played by aiortc: it comes, looks whether the server still sends, and comes again."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import httpx
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

from tests.fastrtc.peer import Microphone, Peer

SITE = "https://example.org"
SILENCE = 1.25  # s without sound, as the page's SILENCE_MS
PAUSE = 0.1  # s before each further try
LONGEST, AGAIN = 30.0, 8.0  # s that an answer is waited for, as the page does: of a first visit, of one that goes on


class Visitor(Peer):
    """``gaps``: s that it saw and heard nothing, of each time that its server died."""

    def __init__(self, url: str, code: str) -> None:
        super().__init__("visitor")
        self.code, self.resume = code, None
        self.number = ""
        self.gaps: list[float] = []
        self.refused: list[httpx.Response] = []
        headers = {"origin": SITE, "sec-fetch-site": "cross-site"}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, trust_env=False)
        self._connection: RTCPeerConnection | None = None
        self._taking: list[asyncio.Task[None]] = []
        self._staying: asyncio.Task[None] | None = None
        self._leaving = False

    async def come(self) -> None:
        """Until it sees and hears, and says hello. Raises HTTPStatusError where it is refused."""
        patience = AGAIN if self.resume else LONGEST
        session = await self._client.post("/v1/embed/sessions", json={"agent_code": self.code}, timeout=patience)
        session.raise_for_status()
        connection = RTCPeerConnection()
        connection.on("track", lambda track: self._taking.append(asyncio.create_task(self.take(track))))
        self._look_at(connection.addTransceiver("video", direction="sendrecv").receiver)
        self.microphone = Microphone()  # a connection that is closed ends its track
        connection.addTrack(self.microphone)
        self._channel = connection.createDataChannel("text")
        self._channel.on("message", self.told)
        await connection.setLocalDescription(await connection.createOffer())
        offer = {"sdp": connection.localDescription.sdp, "resume": self.resume}
        token = session.json()["data"]["token"]
        headers = {"authorization": f"Bearer {token}"}
        answer = await self._client.post("/v1/embed/offer", json=offer, headers=headers, timeout=patience)
        if answer.status_code != 200:
            self.refused.append(answer)
            await connection.close()
            answer.raise_for_status()
        data = answer.json()["data"]
        self.number, self.resume, self._connection = data["session_id"], data["resume"], connection
        await connection.setRemoteDescription(RTCSessionDescription(data["sdp"], data["type"]))
        await self._live()
        self._channel.send('{"type": "hello"}')

    def _look_at(self, receiver: RTCRtpReceiver) -> None:
        """What brings the pictures, before they come."""

    async def _live(self) -> None:
        """Until it sees and hears."""
        seen, heard = len(self.pictures), len(self.sound)
        await self.until(lambda: len(self.pictures) > seen and len(self.sound) > heard and self._channel.readyState == "open")

    def stay(self) -> None:
        """Look whether the server still sends, and come again where it does not, until it leaves."""
        self._staying = asyncio.create_task(self._stay())

    async def _stay(self) -> None:
        packets, since = len(self.sound), time.monotonic()
        while not self._leaving:
            await asyncio.sleep(0.05)
            now = len(self.sound)
            if now != packets:
                packets, since = now, time.monotonic()
            elif time.monotonic() - since > SILENCE:
                await self._come_again()
                self.gaps.append(time.monotonic() - since)
                packets, since = len(self.sound), time.monotonic()

    async def _come_again(self) -> None:
        await self._hang_up()
        await self.come_in()

    async def come_in(self) -> None:
        """As the page does: ask again until there is a place."""
        while not self._leaving:
            with suppress(httpx.HTTPError, asyncio.TimeoutError):
                await self.come()
                return
            await asyncio.sleep(PAUSE)

    @property
    def server(self) -> tuple[str, int]:
        """Address and port (UDP) from which it is sent sound and pictures."""
        assert self._connection is not None and self._connection.sctp is not None
        ice: Any = self._connection.sctp.transport.transport
        candidate = ice._connection._nominated[1].remote_candidate
        return candidate.host, candidate.port

    def said(self, kind: str) -> list[Any]:
        return [message["data"][kind] for message in self.messages if message["type"] == "talk" and kind in message["data"]]

    async def leave(self) -> None:
        self._leaving = True  # not by cancelling: Python 3.11's wait_for may lose that
        if self._staying is not None:
            await asyncio.wait([self._staying])
        if self._connection is not None and self._channel.readyState == "open":
            self._channel.send('{"type": "bye"}')
            await asyncio.sleep(0.1)
        await self._hang_up()
        await self._client.aclose()

    async def _hang_up(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        await asyncio.gather(*self._taking)
        self._taking.clear()
