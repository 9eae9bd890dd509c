"""Offers of connections: what none of them may do to the places of the others. Real ones of aiortc, and 400 that are broken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiortc import RTCPeerConnection
from fastapi import FastAPI

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.fastrtc.offers import OfferError, check_offer
from tests.demo.serving import demo_app, serving
from tests.demo.test_server import sentence
from tests.demo.test_soak import Light

MUTATED, SEED = 400, 11
LIMITS = Limits(offers=10_000, posts=100_000)
CONTROL = "\0\r\n:=/ "


async def sdp_of(*kinds: str, direction: str = "sendrecv", channel: bool = True) -> str:
    """What a browser offers that wants these lines."""
    browser = RTCPeerConnection()
    if channel:
        browser.createDataChannel("text")
    for kind in kinds:
        browser.addTransceiver(kind, direction=direction)
    await browser.setLocalDescription(await browser.createOffer())
    await browser.close()
    return browser.localDescription.sdp


@pytest.fixture(scope="module")
def whole() -> str:
    return asyncio.run(sdp_of("video", "audio"))


@pytest.fixture
async def app(gallery: Gallery) -> AsyncIterator[FastAPI]:
    yield demo_app(gallery, places=3, limits=LIMITS, make_engine=Light)


class Page:
    """A page that offers."""

    def __init__(self, client: httpx.AsyncClient, secret: str) -> None:
        self._client, self.secret = client, secret

    async def offer(self, webrtc_id: str, sdp: str) -> httpx.Response:
        body = {"type": "offer", "webrtc_id": webrtc_id, "sdp": sdp}
        return await self._client.post("/webrtc/offer", json=body, headers={"X-Visit": self.secret})


async def page_of(client: httpx.AsyncClient) -> Page:
    return Page(client, (await client.post("/visit")).json()["visit"])


async def live(client: httpx.AsyncClient) -> int:
    return (await client.get("/health")).json()["live"]


def tasks_of(name: str) -> int:
    return sum(name in repr(task.get_coro()) for task in asyncio.all_tasks())


@pytest.mark.parametrize(
    ("kinds", "direction"),
    [((), "sendrecv"), (("audio",), "sendrecv"), (("video",), "sendrecv"), (("audio", "video"), "recvonly"),
     (("audio", "video"), "inactive"), (("audio", "audio", "video"), "sendrecv"), (("audio", *50 * ("video",)), "sendrecv")],
)  # fmt: skip
async def test_an_offer_without_sound_and_pictures_is_refused_and_leaves_nothing(
    app: FastAPI, kinds: tuple[str, ...], direction: str
) -> None:
    async with serving(app) as client:
        page = await page_of(client)
        before = len(asyncio.all_tasks())
        for number in range(12):
            sentence(await page.offer(f"offer-{number:04}", await sdp_of(*kinds, direction=direction)), 422)
        assert await live(client) == 0 and tasks_of("set_channel") == 0
        assert len(asyncio.all_tasks()) <= before
        assert not app.state.context.stream.handlers


async def test_one_page_holds_one_place_however_many_offers_it_makes_at_once(app: FastAPI, whole: str) -> None:
    async with serving(app) as client:
        page, other = await page_of(client), await page_of(client)
        for round_ in "ab":
            answers = await asyncio.gather(*(page.offer(f"offer-{round_}-{number}", whole) for number in range(6)))
            assert {answer.status_code for answer in answers} == {200}
            assert await live(client) == 1
        assert (await other.offer("of-the-other", whole)).json()["type"] == "answer"
        visit = app.state.context.visitors.find(page.secret)
        assert str(visit.connection).startswith("offer-b-") and visit.connection in app.state.context.stream.pcs


async def test_an_offer_that_fails_leaves_a_later_ones_connection_alone(app: FastAPI, whole: str) -> None:
    async with serving(app) as client:
        page, stream = await page_of(client), app.state.context.stream
        handle, failing = stream.handle_offer, asyncio.Event()

        async def fails_late(body: dict[str, Any], outputs: Any) -> Any:
            if body["webrtc_id"] == "the-first-one":
                visit = app.state.context.visitors.find(page.secret)
                visit.connection = "the-second-one"  # as a hang-up and an offer in between would have it
                failing.set()
                raise RuntimeError("coroutine raised StopIteration")
            return await handle(body, outputs)

        stream.handle_offer = fails_late
        sentence(await page.offer("the-first-one", whole), 422)
        assert failing.is_set() and app.state.context.visitors.find(page.secret).connection == "the-second-one"


async def test_two_visits_that_come_at_once_take_one_place_and_not_two(gallery: Gallery, whole: str) -> None:
    app = demo_app(gallery, places=1, limits=LIMITS, make_engine=Light)
    async with serving(app) as client:
        pages = [await page_of(client) for _ in range(5)]
        offers = [page.offer(f"offer-{number:04}", whole) for number, page in enumerate(pages)]
        answers = [answer.json() for answer in await asyncio.gather(*offers)]
        assert sorted(answer.get("type", "waits") for answer in answers) == ["answer", *4 * ["waits"]]
        assert await live(client) == 1


async def test_a_connection_whose_pictures_nobody_asks_for_ends(gallery: Gallery, whole: str) -> None:
    app = demo_app(gallery, places=1, limits=Limits(connect_idle=0.3), make_engine=Light)
    async with serving(app) as client:
        page = await page_of(client)
        assert (await page.offer("never-connects", whole)).json()["type"] == "answer"
        while await live(client) or app.state.context.stream.handlers or tasks_of("connection_timeout"):
            await asyncio.sleep(0.01)  # the place is free a turn of the loop before its tasks are gone


async def test_who_offers_without_end_waits(gallery: Gallery) -> None:
    app = demo_app(gallery, places=1, limits=Limits(offers=3, offers_per_second=0.001), make_engine=Light)
    async with serving(app) as client:
        page = await page_of(client)
        answers = [await page.offer(f"offer-{number:04}", "v=0\r\n") for number in range(5)]
        assert [answer.status_code for answer in answers] == [422] * 3 + [429] * 2
        assert int(answers[-1].headers["Retry-After"]) > 0


def mutated(sdp: str, dice: random.Random) -> str:
    """A few changes of the kinds that break parsers."""
    lines = sdp.splitlines()
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(lines))
        line, way = lines[at], dice.randrange(9)
        if way == 0:
            del lines[at]
        elif way == 1:
            lines.insert(at, dice.choice(lines))
        elif way == 2:
            lines[at] = line[: dice.randrange(len(line) + 1)]
        elif way == 3:
            words = line.split(" ")
            words[dice.randrange(len(words))] = dice.choice(["", "-1", "99999999999999999999", "x", "NaN", "0"])
            lines[at] = " ".join(words)
        elif way == 4:
            place = dice.randrange(len(line) + 1)
            lines[at] = line[:place] + dice.choice(CONTROL) + line[place:]
        elif way == 5:
            lines[at] = line.replace("=", ":" if dice.random() < 0.5 else "", 1)
        elif way == 6:
            other = dice.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        elif way == 7:
            lines[at] = "".join(chr(dice.randrange(1, 0x2FF)) for _ in range(dice.randrange(80)))
        else:
            lines[at] = line * dice.randint(2, 30)
        if not lines:
            return ""
    return "\r\n".join(lines) + "\r\n"


async def test_no_broken_offer_is_a_fault_of_the_server_or_keeps_a_place(gallery: Gallery, whole: str) -> None:
    dice, told = random.Random(SEED), list[int]()
    app, pages = demo_app(gallery, places=8, limits=LIMITS, make_engine=Light), list[Page]()
    async with serving(app) as client:
        stream = app.state.context.stream

        async def offers(page: Page) -> None:
            for number in range(MUTATED // 8):
                answer = await page.offer(f"{page.secret[:8]}-{number:04}", mutated(whole, dice))
                told.append(answer.status_code)
                if answer.status_code != 200:
                    sentence(answer, 422)

        pages += [await page_of(client) for _ in range(8)]
        await asyncio.gather(*map(offers, pages))
        assert len(told) == MUTATED and set(told) <= {200, 422} and told.count(422) > MUTATED // 4
        for page in pages:
            await client.post("/visit/leave", content=page.secret)
        assert await live(client) == 0
        assert [len(kept) for kept in (stream.pcs, stream.handlers, stream.connections)] == [0, 0, 0]


def test_an_offer_of_rubbish_is_refused_by_a_sentence_of_its_own() -> None:
    dice = random.Random(SEED)
    for _ in range(200):
        with pytest.raises(OfferError, match=r"reload the page\.$"):
            check_offer("".join(chr(dice.randrange(1, 0x2FF)) for _ in range(dice.randrange(400))))
