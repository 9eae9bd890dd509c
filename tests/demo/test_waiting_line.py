"""Three are live, a fourth waits and is let in when one leaves: real connections, an engine that costs nothing."""

from __future__ import annotations

from typing import Any

import httpx
from aiortc import RTCPeerConnection, RTCSessionDescription

from bithuman_core.demo.gallery import Gallery
from bithuman_core.settings import models_dir
from tests.demo.serving import demo_app, serving
from tests.demo.test_soak import Light


class Page:
    """A visitor without a browser."""

    def __init__(self, client: httpx.AsyncClient, secret: str, number: int) -> None:
        self._client, self._secret, self._id = client, secret, f"visitor-{number:04}"
        self._headers = {"X-Visit": secret}
        self._connection = RTCPeerConnection()

    async def ahead(self) -> int:
        """How many wait before this one; 0: come in."""
        return int((await self._client.post("/visit/place", headers=self._headers)).json()["ahead"])

    async def enter(self) -> dict[str, Any]:
        """The answer to its offer."""
        connection = self._connection
        connection.createDataChannel("text")
        for kind in ("video", "audio"):
            connection.addTransceiver(kind, direction="sendrecv")
        await connection.setLocalDescription(await connection.createOffer())
        offer = {"type": "offer", "webrtc_id": self._id, "sdp": connection.localDescription.sdp}
        answer = (await self._client.post("/webrtc/offer", json=offer, headers=self._headers)).json()
        if "sdp" in answer:
            await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        return answer

    async def leave(self) -> None:
        """The page is closed."""
        await self._client.post("/visit/leave", content=self._secret)
        await self._connection.close()


async def test_a_fourth_visitor_waits_for_one_of_three_to_leave() -> None:
    app = demo_app(Gallery([models_dir() / "mara.imx"]), places=3, make_engine=Light)
    async with serving(app) as client:
        pages = [Page(client, (await client.post("/visit")).json()["visit"], number) for number in range(5)]
        *first, fourth, fifth = pages
        for page in first:
            assert await page.ahead() == 0
            assert (await page.enter())["type"] == "answer"
        assert [await fourth.ahead(), await fifth.ahead()] == [1, 2]
        assert (await fourth.enter())["meta"]["error"] == "concurrency_limit_reached"  # also one that does not ask first
        assert (await client.get("/health")).json()["live"] == 3
        await first[1].leave()
        assert [await fourth.ahead(), await fifth.ahead()] == [0, 1]
        fourth = pages[3] = Page(client, fourth._secret, 9)  # its next try
        assert (await fourth.enter())["type"] == "answer"
        assert await fifth.ahead() == 1
        assert (await client.get("/health")).json() | {"version": ""} == {
            "status": "ok", "version": "", "live": 3, "places": 3, "waiting": 1, "pages": 4
        }  # fmt: skip
        for page in (first[0], first[2], fourth, fifth):
            await page.leave()
        assert (await client.get("/health")).json()["live"] == 0
