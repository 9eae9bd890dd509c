"""Agents of the service in LiveKit rooms: launched behind a secret, and told things from outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from tests.plugins import need

need("livekit.agents")

from bithuman_core.service.app import service_app  # noqa: E402
from bithuman_core.service.context import Service  # noqa: E402
from bithuman_core.service.data.tables import Live, Message  # noqa: E402
from bithuman_core.service.rooms import Rooms  # noqa: E402
from bithuman_core.worker.avatars import Wardrobe  # noqa: E402
from bithuman_core.worker.limits import WorkerLimits  # noqa: E402
from tests.plugins.livekit_call import Calls, Side  # noqa: E402
from tests.service.serving import ALL, MARA, Client, sentence  # noqa: E402

PLACES = 1
TOKEN = "t0ken-of-the-call"
ORDER = {"livekit_url": "wss://live.example", "livekit_token": TOKEN, "room_name": "lobby"}


class House:
    """A service with rooms, and who asks it."""

    def __init__(self, service: Service, calls: Calls) -> None:
        self.service, self.calls = service, calls
        self.rooms: Rooms | None = None
        app = service_app(service, rooms=self._made)
        secret, _ = service.secrets.create("tests", ALL, per_minute=10_000)
        transport = httpx.ASGITransport(app, client=("192.0.2.7", 5000))
        shown = {"api-secret": secret}
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=shown, timeout=120)

    def _made(self, hosts: object) -> Rooms:
        self.rooms = Rooms(self.service, Wardrobe(MARA), WorkerLimits(tasks=PLACES), hosts, self.calls.make_room)  # type: ignore[arg-type]
        return self.rooms


@pytest.fixture
async def house(service: Service) -> AsyncIterator[House]:
    made = House(service, Calls())
    yield made
    assert made.rooms is not None
    await made.rooms.tasks.stop_all()
    await made.client.aclose()


async def until(done: Callable[[], bool]) -> None:
    async def look() -> None:
        while not done():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), 60)


async def live(house: House, client: Client) -> tuple[str, Side]:
    """An agent of the service that is live, and the one who speaks through it."""
    code = await asyncio.to_thread(client.agent)
    await asyncio.to_thread(client.work)
    agent = house.calls.agent(TOKEN)
    answer = await house.client.post("/launch", json={**ORDER, "agent_code": code})
    assert answer.status_code == 200, answer.text
    assert house.rooms is not None
    await house.service.live.exchange()
    return code, agent


async def test_a_live_agent_is_told_what_to_say_and_to_know(house: House, client: Client) -> None:
    code, agent = await live(house, client)
    assert house.rooms is not None
    for path, said, kind in (
        ("speak", {"message": "Lunch is ready."}, "speak"),
        ("add-context", {"context": "It is Friday.", "room_id": "lobby"}, "add_context"),
        ("add-context", {"context": "Come!", "type": "speak"}, "speak"),
    ):
        answer = await house.client.post(f"/v1/agent/{code}/{path}", json=said)
        assert answer.json() == {"success": True, "agent_code": code, "context_type": kind, "delivered_to_rooms": 1}
    await house.service.live.exchange()
    await until(lambda: len(agent.told) == 3)
    assert agent.told == [
        ("bithuman.speak", "Lunch is ready."), ("bithuman.add_context", "It is Friday."), ("bithuman.speak", "Come!"),
    ]  # fmt: skip
    await house.service.live.exchange()
    assert len(agent.told) == 3, "each once"
    other = await house.client.post(f"/v1/agent/{code}/speak", json={"message": "x", "room_id": "garden"})
    assert "that room" in sentence(other, 404, "NO_ACTIVE_ROOMS")


async def test_who_finds_all_places_taken_is_counted(house: House, client: Client) -> None:
    await live(house, client)
    assert (await house.client.post("/launch", json=ORDER)).status_code == 503
    metrics = (await house.client.get("/metrics")).text
    assert f'bithuman_places{{kind="room"}} {PLACES}.0' in metrics and 'bithuman_refusals_total{kind="room"} 1.0' in metrics


async def test_one_that_has_left_is_told_nothing(house: House, client: Client) -> None:
    code, _ = await live(house, client)
    assert house.rooms is not None
    await house.rooms.tasks.stop_all()
    await house.service.live.exchange()
    sentence(await house.client.post(f"/v1/agent/{code}/speak", json={"message": "x"}), 404, "NO_ACTIVE_ROOMS")
    with house.service.database.reading() as session:
        row = session.query(Live).one()
        assert (row.agent_code, row.kind, row.room, row.process) == (code, "room", "lobby", house.service.name)
        assert row.ended_at == row.started_at and session.query(Message).count() == 0


async def test_one_whose_process_died_is_told_nothing(house: House, client: Client) -> None:
    code, _ = await live(house, client)
    house.service.now.now += 60  # type: ignore[attr-defined]
    sentence(await house.client.post(f"/v1/agent/{code}/speak", json={"message": "x"}), 404, "NO_ACTIVE_ROOMS")
    house.service.chores.tidy()
    with house.service.database.reading() as session:
        row = session.query(Live).one()
        assert row.ended_at == row.seen_at < house.service.now(), "it ended when it was seen last"


async def test_one_whose_rows_are_written_is_left_alone_until_something_happens(house: House, client: Client) -> None:
    code, agent = await live(house, client)
    began = house.service.now()

    async def seen_after(seconds: float) -> float:
        house.service.now.now = began + seconds  # type: ignore[attr-defined]
        await house.service.live.exchange()
        with house.service.database.reading() as session:
            return session.query(Live).one().seen_at - began

    assert [await seen_after(seconds) for seconds in (1, 4.5, 5, 9, 14)] == [0, 0, 5, 5, 14]
    await house.client.post(f"/v1/agent/{code}/speak", json={"message": "Now."})
    assert await seen_after(14.5) == 14.5
    await until(lambda: agent.told == [("bithuman.speak", "Now.")])


async def test_one_that_is_deleted_while_it_is_live_harms_no_other(house: House, client: Client) -> None:
    code, _ = await live(house, client)
    assert house.rooms is not None
    assert (await house.client.delete(f"/v1/agent/{code}")).status_code == 200
    for _ in range(2):
        await house.service.live.exchange()
    sentence(await house.client.post(f"/v1/agent/{code}/speak", json={"message": "x"}), 404, "AGENT_NOT_FOUND")


async def test_the_workers_calls_need_a_secret(house: House) -> None:
    calls = ("POST /launch", "GET /tasks", "GET /tasks/x", "POST /tasks/x/stop", "POST /benchmark", "GET /test-frame")
    for method, path in (call.split() for call in calls):
        answer = await house.client.request(method, path, headers={"api-secret": ""}, json=ORDER)
        sentence(answer, 401, "MISSING_AUTH")
    assert (await house.client.get("/tasks")).json() == {"tasks": []}
    assert (await house.client.get("/health")).json()["status"] == "ok"


async def test_an_agent_that_is_not_there_is_not_launched(house: House) -> None:
    answer = await house.client.post("/launch", json={**ORDER, "agent_code": "A99XXX9999"})
    assert (answer.status_code, "A99XXX9999" in answer.json()["detail"]) == (404, True)
    both = await house.client.post("/launch", json={**ORDER, "agent_code": "A99XXX9999", "avatar_image_url": "https://a.example/x"})
    assert both.status_code == 422
    sentence(await house.client.post("/v1/agent/A99XXX9999/speak", json={"message": "x"}), 404, "AGENT_NOT_FOUND")
