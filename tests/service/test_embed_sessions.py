"""Sessions of pages that show an agent: of which sites, by which tokens, and what of them lives in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.plugins import need

need("fastrtc", "aiortc")

from aiortc import RTCPeerConnection, RTCSessionDescription  # noqa: E402

from bithuman_core.conversation.script import Script, ScriptedBrain  # noqa: E402
from bithuman_core.demo.conversation import Answering  # noqa: E402
from bithuman_core.service.app import service_app  # noqa: E402
from bithuman_core.service.context import Service  # noqa: E402
from bithuman_core.service.data.tables import Live  # noqa: E402
from bithuman_core.service.embed.answers import Speechless  # noqa: E402
from bithuman_core.service.embed.visits import DELETED, Embeds  # noqa: E402
from bithuman_core.service.tokens import SKEW_SECONDS  # noqa: E402
from bithuman_core.types import Emotion  # noqa: E402
from tests.fastrtc.peer import Peer, tone  # noqa: E402
from tests.service.conftest import Clock  # noqa: E402
from tests.service.serving import ALL, Client, make_service, sentence  # noqa: E402

SITE, OTHER = "https://example.org", "https://elsewhere.example"
OWN = "http://127.0.0.1"
GREETING, ANSWER = "Welcome.", "At nine."
SCRIPT = Script(greeting=GREETING, otherwise=ANSWER)


class House:
    """A service with avatars for pages. ``client`` asks without a secret, as pages do; ``owner`` with one."""

    def __init__(self, service: Service, answers: Answering, places: int) -> None:
        self.service = service
        app = service_app(service, embeds=lambda service: Embeds(service, places, answers))
        assert service.embeds is not None
        self.embeds = service.embeds
        secret, _ = service.secrets.create("tests", ALL, per_minute=10_000)

        def client(**headers: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, client=("192.0.2.7", 5000))
            return httpx.AsyncClient(transport=transport, base_url=OWN, headers=headers, timeout=120)

        self.page, self.owner = client(**{"sec-fetch-site": "cross-site"}), client(**{"api-secret": secret})

    async def publish(self, code: str, *origins: str) -> None:
        answer = await self.owner.put(f"/v1/agent/{code}/embed", json={"origins": origins})
        assert answer.status_code == 200, answer.text

    async def token(self, code: str, *origins: str, seconds: int = 600) -> str:
        said = {"agent_code": code, "origins": origins, "seconds": seconds}
        return (await self.owner.post("/v1/embed-tokens", json=said)).json()["data"]["token"]

    async def begin(self, code: str | None, origin: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"origin": origin, **({"authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
        return await self.page.post("/v1/embed/sessions", json={"agent_code": code, **more}, headers=headers)

    async def offer(self, token: str, sdp: str, origin: str = SITE, **more: Any) -> httpx.Response:
        headers = {"origin": origin, "authorization": f"Bearer {token}"}
        return await self.page.post("/v1/embed/offer", json={"sdp": sdp, **more}, headers=headers)


Make = Callable[..., Awaitable[House]]


@pytest.fixture
async def make(service: Service) -> AsyncIterator[Make]:
    made = list[House]()

    async def house(brain: Any = None, places: int = 2) -> House:
        chosen = brain or ScriptedBrain(SCRIPT)
        greeting = SCRIPT.greeting if brain is None else None
        made.append(House(service, Answering(chosen, None, greeting), places))
        return made[0]

    yield house
    for each in made:
        async with each.embeds.running():
            pass
        await each.page.aclose()
        await each.owner.aclose()


@pytest.fixture
def code(client: Client) -> str:
    made = client.agent(name="Mara")
    client.work()
    return made


class Visitor(Peer):
    """A browser that offers to see an avatar."""

    def __init__(self) -> None:
        super().__init__("visitor")
        self.connection = RTCPeerConnection()
        self.resume = ""
        self._taking: list[asyncio.Task[None]] = []
        self.connection.on("track", lambda track: self._taking.append(asyncio.create_task(self.take(track))))
        self.connection.addTransceiver("video", direction="sendrecv")
        self.connection.addTrack(self.microphone)
        self.channel = self.connection.createDataChannel("text")
        self.channel.on("message", self.told)

    async def sdp(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def come(self, house: House, code: str, origin: str = SITE, **more: Any) -> str:
        """The number of the visit, once it is seen and heard."""
        token = (await house.begin(code, origin)).json()["data"]["token"]
        answer = await house.offer(token, await self.sdp(), origin, **more)
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        self.resume = data["resume"]
        await self.connection.setRemoteDescription(RTCSessionDescription(data["sdp"], data["type"]))
        await self.until(lambda: bool(self.pictures) and self.channel.readyState == "open")
        return data["session_id"]

    def said(self, kind: str) -> list[Any]:
        return [message["data"][kind] for message in self.messages if message["type"] == "talk" and kind in message["data"]]

    async def leave(self) -> None:
        await self.connection.close()
        await asyncio.gather(*self._taking)


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    made = Visitor()
    yield made
    await made.leave()


async def test_pages_of_sites_that_it_is_published_for_show_it(make: Make, code: str) -> None:
    house = await make()
    sentence(await house.begin(code, SITE), 403, "FORBIDDEN")
    await house.publish(code, "https://EXAMPLE.org", OTHER)
    assert (await house.owner.get(f"/v1/agent/{code}/embed")).json()["data"]["origins"] == [SITE, OTHER]
    answer = await house.begin(code, SITE)
    data = answer.json()["data"]
    said = {"agent_code": code, "name": "Mara", "answers": True, "hears": False, "seconds": None}
    assert said.items() <= data.items()
    assert data["rtc"] == {"iceServers": [], "relay": "none"} and len(data["still"]) > 1000
    assert answer.headers["access-control-allow-origin"] == SITE and "Origin" in answer.headers["vary"]
    await house.publish(code, OTHER)
    refused = await house.begin(code, SITE)
    assert "not published for this site" in sentence(refused, 403, "FORBIDDEN")
    assert "access-control-allow-origin" not in refused.headers
    late = await house.offer(data["token"], await Visitor().sdp())
    sentence(late, 403, "FORBIDDEN")  # the session was begun while it still was


@pytest.mark.parametrize("origin", ["", "null", "http://example.org", "https://example.org.evil.example", "https://sub.example.org"])
async def test_no_other_sites_do(make: Make, code: str, origin: str) -> None:
    house = await make()
    await house.publish(code, SITE)
    answer = await house.begin(code, origin)
    sentence(answer, 403, "FORBIDDEN")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_token_opens_its_agent_for_its_sites_and_not_for_long(make: Make, code: str, client: Client) -> None:
    house, other = await make(), await asyncio.to_thread(client.agent)
    token = await house.token(code, SITE, seconds=60)
    assert (await house.begin(None, SITE, token)).json()["data"]["agent_code"] == code
    sentence(await house.begin(code, OTHER, token), 403, "FORBIDDEN")
    sentence(await house.begin(other, SITE, token), 403, "FORBIDDEN")
    sentence(await house.begin(None, SITE), 400, "MISSING_PARAM")
    session = (await house.begin(None, SITE, token)).json()["data"]["token"]
    sentence(await house.begin(None, SITE, session), 401, "UNAUTHORIZED")  # a session does not make itself longer
    sentence(await house.offer(token, "v=0"), 401, "UNAUTHORIZED")
    sentence(await house.offer(session, "v=0", OTHER), 403, "FORBIDDEN")
    sentence(await house.offer(session, "v=0"), 422, "VALIDATION_ERROR")
    house.service.now.now += 60 + SKEW_SECONDS  # type: ignore[attr-defined]
    sentence(await house.begin(None, SITE, token), 401, "UNAUTHORIZED")
    house.service.now.now += 600 + SKEW_SECONDS  # type: ignore[attr-defined]
    sentence(await house.offer(session, "v=0"), 401, "UNAUTHORIZED")


async def test_an_agent_that_is_deleted_meanwhile_is_not_shown(make: Make, code: str) -> None:
    house = await make()
    token = await house.token(code, SITE)
    session = (await house.begin(None, SITE, token)).json()["data"]["token"]
    assert (await house.owner.delete(f"/v1/agent/{code}")).status_code == 200
    sentence(await house.begin(None, SITE, token), 404, "AGENT_NOT_FOUND")
    answer = await house.offer(session, "v=0")
    sentence(answer, 404, "AGENT_NOT_FOUND")
    assert answer.headers["access-control-allow-origin"] == SITE, "its page may read why"


async def test_the_page_in_a_frame_shows_what_is_published_and_tokens_of_the_site_that_frames_it(make: Make, code: str) -> None:
    house = await make()
    own: dict[str, Any] = {"headers": {"sec-fetch-site": "same-origin"}}
    token = await house.token(code, SITE)
    sentence(await house.begin(code, OWN, **own), 403, "FORBIDDEN")
    sentence(await house.begin(None, OWN, token, site=OTHER, **own), 403, "FORBIDDEN")
    sentence(await house.begin(None, OTHER, token, site=SITE), 403, "FORBIDDEN")  # no page of the service's says that
    assert (await house.begin(None, OWN, token, site=SITE, **own)).status_code == 200
    await house.publish(code, SITE)
    assert (await house.begin(code, OWN, **own)).status_code == 200
    assert "example.org" in (await house.page.get(f"/embed/{code}")).headers["content-security-policy"]
    for unknown in ("A99XXX9999", code):
        await house.publish(code)
        policy = (await house.page.get(f"/embed/{unknown}")).headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self'")


async def test_the_script_may_be_loaded_by_any_site(make: Make) -> None:
    house = await make()
    for name in ("embed.js", "embed/js/avatar.js", "embed/js/call.js"):
        answer = await house.page.get(f"/{name}", headers={"origin": OTHER})
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    sentence(await house.page.get("/embed/js/element.js"), 404, "NOT_FOUND")
    asked = await house.page.options("/v1/embed/offer", headers={"origin": OTHER})
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "authorization, content-type")


async def test_without_live_avatars_it_says_so(client: Client, code: str) -> None:
    client.put(f"/v1/agent/{code}/embed", json={"origins": [SITE]})
    answer = client.post("/v1/embed/sessions", json={"agent_code": code}, headers={"origin": SITE, "api-secret": ""})
    assert "--embeds" in sentence(answer, 501, "NOT_INSTALLED")


async def test_a_visit_is_greeted_answers_and_says_what_it_is_sent(make: Make, code: str, visitor: Visitor) -> None:
    house = await make()
    await house.publish(code, SITE)
    number = await visitor.come(house, code)
    await house.service.live.exchange()
    with house.service.database.reading() as session:
        row = session.get_one(Live, number)
        assert (row.agent_code, row.kind, row.origin, row.process) == (code, "embed", SITE, house.service.name)
    visitor.channel.send('{"type": "hello"}')
    await visitor.until(lambda: visitor.said("avatar") == [GREETING])
    visitor.channel.send('{"type": "read", "text": "When?"}')
    await visitor.until(lambda: visitor.said("avatar") == [GREETING, ANSWER])
    assert visitor.said("user") == ["When?"] and visitor.said("at") == [0.0, 0.0]
    answer = await house.owner.post(f"/v1/agent/{code}/speak", json={"message": "Lunch is ready. Come!"})
    assert answer.json()["delivered_to_rooms"] == 1
    await house.service.live.exchange()
    await visitor.until(lambda: visitor.said("avatar")[2:] == ["Lunch is ready.", "Come!"])
    assert visitor.said("at")[2:] == [0.0, 1.5], "the second sentence begins where the humming of the first ends"
    await house.owner.post(f"/v1/agent/{code}/add-context", json={"context": "It is Friday."})
    await house.service.live.exchange()
    (visit,) = house.embeds._visits.values()
    assert visit.talker._role.persona.endswith("It is Friday.")
    metrics = (await house.owner.get("/metrics")).text
    assert 'bithuman_sessions{kind="embed"} 1.0' in metrics and 'bithuman_tick_seconds_count{kind="embed"}' in metrics
    visitor.channel.send('{"type": "bye"}')
    await ended(house)
    with house.service.database.reading() as session:
        assert session.get_one(Live, number).ended_at is not None
    sentence(await house.owner.post(f"/v1/agent/{code}/speak", json={"message": "x"}), 404, "NO_ACTIVE_ROOMS")


async def test_without_a_brain_it_says_what_it_is_sent_and_repeats_nothing(make: Make, code: str, visitor: Visitor) -> None:
    house = await make(Speechless())
    await house.publish(code, SITE)
    assert (await house.begin(code, SITE)).json()["data"]["answers"] is False
    await visitor.come(house, code)
    visitor.microphone.say(tone(200, 1.0, 8000))
    visitor.channel.send('{"type": "read", "text": "Hello?"}')
    await house.service.live.exchange()
    await house.owner.post(f"/v1/agent/{code}/speak", json={"message": "Lunch."})
    await house.service.live.exchange()
    await visitor.until(lambda: visitor.said("avatar") == ["Lunch."])
    assert visitor.said("user") == []


async def test_a_visit_whose_agent_is_deleted_ends(make: Make, code: str, visitor: Visitor) -> None:
    house = await make()
    await house.publish(code, SITE)
    await visitor.come(house, code)
    await house.service.live.exchange()
    assert (await house.owner.delete(f"/v1/agent/{code}")).status_code == 200
    house.service.now.now += 5  # type: ignore[attr-defined]
    await house.service.live.exchange()
    await visitor.until(lambda: {"type": "error", "data": DELETED} in visitor.messages)
    await ended(house)


async def test_any_replica_reaches_it(make: Make, code: str, visitor: Visitor, tmp_path: Path, clock: Clock) -> None:
    house = await make()
    await house.publish(code, SITE)
    await visitor.come(house, code)
    await house.service.live.exchange()
    other = make_service(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "files", clock)
    replica = Client(other, other.secrets.create("replica", ALL)[0])
    told = await asyncio.to_thread(replica.post, f"/v1/agent/{code}/speak", json={"message": "Of the other one."})
    assert told.json()["delivered_to_rooms"] == 1
    await other.live.exchange()
    assert visitor.said("avatar") == [], "it takes nothing that is not for its own"
    await house.service.live.exchange()
    await visitor.until(lambda: visitor.said("avatar") == ["Of the other one."])
    other.close()


async def test_a_talk_goes_on_with_a_new_connection(make: Make, code: str, visitor: Visitor) -> None:
    house = await make()
    await house.publish(code, SITE)
    said = [{"who": "user", "text": "My name is Ann."}, {"who": "avatar", "text": "Hello Ann."}]
    await visitor.come(house, code, said=said)
    visitor.channel.send('{"type": "hello"}')
    visitor.channel.send('{"type": "read", "text": "When?"}')
    await visitor.until(lambda: len(visitor.said("avatar")) > 0)
    assert visitor.said("avatar") == [ANSWER], "nobody is greeted twice"
    (visit,) = house.embeds._visits.values()
    assert [line.text for line in visit.talker._history.lines][:3] == ["My name is Ann.", "Hello Ann.", "When?"]


SAYS = "The first sentence takes its time to be said. And the second one follows it."


async def test_a_visit_goes_on_in_another_process_with_what_was_being_said(
    make: Make, code: str, visitor: Visitor, tmp_path: Path, clock: Clock
) -> None:
    house = await make(Speechless())
    await house.publish(code, SITE)
    number = await visitor.come(house, code)
    await house.service.live.exchange()
    await house.owner.post(f"/v1/agent/{code}/speak", json={"message": SAYS})
    await house.service.live.exchange()
    await visitor.until(lambda: len(visitor.said("avatar")) == 2)
    heard = len(visitor.sound)
    await visitor.until(lambda: len(visitor.sound) > heard + 50)
    (first,) = house.embeds._visits.values()
    first._feel(Emotion.JOY)
    first.tell("add_context", "It is Friday.")
    clock.now += 6
    await house.service.live.exchange()  # and then it dies
    elsewhere = make_service(f"sqlite:///{tmp_path / 'service.db'}", tmp_path / "files", clock)
    other = House(elsewhere, Answering(Speechless(), None, GREETING), 1)
    again = Visitor()
    said = [{"who": "avatar", "text": SAYS}]
    assert await again.come(other, code, said=said, resume=visitor.resume) == number, "it is the same visit"
    (second,) = other.embeds._visits.values()
    assert second.state.emotion is Emotion.JOY and list(second._known) == ["It is Friday."]
    again.channel.send('{"type": "hello"}')
    await again.until(lambda: len(again.said("avatar")) == 2)
    assert again.said("again") == [SAYS] and again.said("avatar") == visitor.said("avatar"), "nobody is greeted again"
    await again.until(lambda: {"type": "talk", "data": {"state": "listening"}} in again.messages)
    assert [line.text for line in second.talker._history.lines] == [SAYS], "it is remembered once"
    await other.service.live.exchange()
    with other.service.database.reading() as session:
        assert session.get_one(Live, number).process == other.service.name
    clock.now += 6
    await house.service.live.exchange()
    await visitor.until(lambda: {"type": "error", "data": DELETED} in visitor.messages)  # the first process lets go of it
    await ended(house)
    await again.leave()
    async with other.embeds.running():
        pass
    other.service.close()


async def test_a_page_that_lost_its_connection_has_its_place_again(make: Make, code: str, visitor: Visitor) -> None:
    house = await make(places=1)
    await house.publish(code, SITE)
    number = await visitor.come(house, code)
    again = Visitor()
    assert await again.come(house, code, resume=visitor.resume) == number
    assert len(house.embeds) == 1 and house.embeds._places.taken == 1
    await again.leave()


async def test_nobody_goes_on_with_a_visit_of_somebody_else(make: Make, code: str, visitor: Visitor, client: Client) -> None:
    house = await make()
    other = await asyncio.to_thread(client.agent)
    await asyncio.to_thread(client.work)
    for agent in (code, other):
        await house.publish(agent, SITE)
    number = await visitor.come(house, code)
    token = (await house.begin(other, SITE)).json()["data"]["token"]
    sdp = await Visitor().sdp()
    sentence(await house.offer(token, sdp, resume=visitor.resume), 403, "FORBIDDEN")
    sentence(await house.offer(token, sdp, resume=number), 401, "UNAUTHORIZED")
    sentence(await house.offer(token, sdp, resume=token), 401, "UNAUTHORIZED")


async def test_one_address_leaves_the_others_a_place_and_gives_it_back(make: Make, code: str, visitor: Visitor) -> None:
    house = await make(places=2)
    await house.publish(code, SITE)
    await visitor.come(house, code)
    token = (await house.begin(code, SITE)).json()["data"]["token"]
    second = Visitor()
    answer = await house.offer(token, await second.sdp())
    sentence(answer, 429, "RATE_LIMITED")
    assert int(answer.headers["retry-after"]) > 0 and answer.headers["access-control-allow-origin"] == SITE
    visitor.channel.send('{"type": "bye"}')
    await ended(house)
    await second.come(house, code)
    await second.leave()


async def test_who_finds_all_places_taken_is_counted(make: Make, code: str, visitor: Visitor) -> None:
    house = await make(places=1)
    await house.publish(code, SITE)
    token = (await house.begin(code, SITE)).json()["data"]["token"]
    house.embeds._places.take("198.51.100.0/24")
    sentence(await house.offer(token, await visitor.sdp()), 503, "NO_PLACES")
    metrics = (await house.owner.get("/metrics")).text
    assert 'bithuman_places{kind="embed"} 1.0' in metrics and 'bithuman_refusals_total{kind="embed"} 1.0' in metrics


async def test_offers_that_fail_leave_nothing(make: Make, code: str) -> None:
    house = await make(places=1)
    await house.publish(code, SITE)
    token = (await house.begin(code, SITE)).json()["data"]["token"]
    whole = await Visitor().sdp()
    for broken in ("v=0", "\0", whole[: len(whole) // 2]):
        sentence(await house.offer(token, broken), 422, "VALIDATION_ERROR")
    assert len(house.embeds) == 0 and house.embeds._places.taken == 0 and not house.embeds._stream.pcs
    blind = whole.replace("VP8/", "VP0/").replace("H264/", "H000/")  # it has its lines, and nothing that both sides understand
    told = [(await house.offer(token, blind)).status_code for _ in range(house.service.limits.doors.visitors_each + 3)]
    assert told[0] == 422 and told[-1] == 429, "offers without end wait"
    assert house.embeds._places.taken == 0


async def ended(house: House) -> None:
    """Its visit, and what was made for it."""

    async def look() -> None:
        while len(house.embeds) or house.embeds._stream.pcs or house.embeds._places.taken:
            await asyncio.sleep(0.01)
        await house.service.live.exchange()

    await asyncio.wait_for(look(), 30)
