"""Parts of a cluster are killed while visits and jobs go on: visitors are live again, jobs end, nothing accepted is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
import pytest

from tests.plugins import need

need("ray", "psycopg", "fastrtc")

from tests.cluster.nodes import House, job_processes, kill, until  # noqa: E402
from tests.cluster.visitor import Visitor  # noqa: E402

RECOVERED = 5.0  # s: within which visitors are to see and hear again
BUSY = 3.0  # of that time, where all parts of the cluster and the visitor share two cores
FIRST, SECOND, THIRD = (
    "The first sentence is here to be heard by everybody who is there.",
    "The second one follows, and takes its time as well.",
    "And then there is a third one, which is the last of them all.",
)
Come = Callable[[], Awaitable[Visitor]]


async def speak(home: House, visitor: Visitor) -> None:
    """The avatar begins three sentences."""
    async with home.owner() as owner:
        answer = await owner.post(f"/v1/agent/{home.code}/speak", json={"message": f"{FIRST} {SECOND} {THIRD}"})
    assert answer.status_code == 200 and answer.json()["delivered_to_rooms"] == 1, answer.text
    await visitor.until(lambda: THIRD in visitor.said("avatar"))


async def recovered(visitor: Visitor) -> float:
    async def look() -> float:
        while not visitor.gaps:
            await asyncio.sleep(0.05)
        return visitor.gaps[0]

    return await asyncio.wait_for(look(), 60)


async def test_a_dead_process_of_the_stage_leaves_its_visitors_live_elsewhere_with_what_was_being_said(
    home: House, come: Come
) -> None:
    visitor = await come()
    number = visitor.number
    await speak(home, visitor)
    heard = len(visitor.sound)
    await visitor.until(lambda: len(visitor.sound) > heard + 3 * 50)  # some seconds of it
    process, _ = home.nodes.showing(visitor)
    kill(process)
    assert await recovered(visitor) < RECOVERED * BUSY
    assert visitor.number == number, "it is the same visit"
    assert home.nodes.showing(visitor)[0] != process
    await visitor.until(lambda: bool(visitor.said("again")))
    (again,) = visitor.said("again")
    assert f"{FIRST} {SECOND} {THIRD}".endswith(again), "the line goes on with the sentence that was cut off"
    await until(home.nodes.whole, "all are there")


async def test_a_dead_controller_is_not_missed(home: House, come: Come) -> None:
    visitor = await come()
    before = home.nodes.controller()
    kill(before)
    heard = len(visitor.sound)
    await visitor.until(lambda: len(visitor.sound) > heard + 2 * 50)
    other = await come()  # while it is being started again
    assert not visitor.gaps and not other.gaps
    await until(lambda: home.nodes.controller() not in (0, before), "there is another controller")


async def test_avatars_outlive_the_process_that_answered_their_page(home: House, come: Come) -> None:
    visitor = await come()
    for process, _ in home.nodes.ingresses().values():
        kill(process)
    heard = len(visitor.sound)
    await visitor.until(lambda: len(visitor.sound) > heard + 3 * 50)
    assert not visitor.gaps
    await until(home.nodes.whole, "all are there")


async def test_a_job_whose_process_dies_is_done_by_another_one(home: House) -> None:
    async with home.owner() as owner:
        answer = await owner.post("/v1/video/generate", json={"agent_id": home.code, "text": f"{FIRST} {SECOND}"})
        assert answer.status_code == 200, answer.text
        number = answer.json()["video_id"]
        (first,) = await until(job_processes, "it is begun")
        kill(first.pid)
        card = {"status": "processing"}
        while card["status"] in ("processing", "generating"):
            await asyncio.sleep(0.2)
            card = (await owner.get(f"/v1/video/status/{number}")).json()["data"]
    assert card["status"] == "ready", card


async def test_a_full_cluster_says_so_and_when_to_ask_again(home: House, come: Come) -> None:
    await until(home.nodes.whole, "all are there")
    for _ in range(4):
        await come()
    late = home.visitor()
    with pytest.raises(httpx.HTTPStatusError):
        await late.come()
    (refused,) = late.refused
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert refused.json()["error"]["code"] == "NO_PLACES"
    await late.leave()


async def test_an_upgrade_waits_for_visits(home: House, come: Come) -> None:
    visitor = await come()
    process, _ = home.nodes.showing(visitor)
    old = set(home.nodes.stages())
    await asyncio.to_thread(home.nodes.deploy)
    assert not old & (set(home.nodes.stages()) - {name for name, (pid, _) in home.nodes.stages().items() if pid == process})
    assert not visitor.gaps and home.nodes.showing(visitor)[0] == process, "it stays where it is"
    other = await come()
    assert home.nodes.showing(other)[0] != process, "new visits begin with the new version"
    await visitor.leave()
    await until(lambda: process not in dict(home.nodes.stages().values()), "the old process ends")


async def test_a_process_that_hangs_lets_go_of_its_visitors_when_it_is_back(home: House, come: Come) -> None:
    await until(home.nodes.whole, "all are there")
    visitor = await come()
    process, _ = home.nodes.showing(visitor)
    os.kill(process, signal.SIGSTOP)  # as a machine does whose network is cut off
    try:
        assert await recovered(visitor) < RECOVERED * BUSY
    finally:
        with suppress(ProcessLookupError):  # Serve has found it ill by then
            os.kill(process, signal.SIGCONT)
    shown, _ = home.nodes.showing(visitor)
    assert shown != process
    heard = len(visitor.sound)
    await visitor.until(lambda: len(visitor.sound) > heard + 3 * 50)
    assert len(visitor.gaps) == 1 and home.nodes.showing(visitor)[0] == shown


async def test_a_dead_node_leaves_its_visitors_live_elsewhere(home: House, come: Come) -> None:
    """The last test: the node is gone after it."""
    await until(home.nodes.whole, "all are there")
    visitor = await come()
    _, node = home.nodes.showing(visitor)
    home.nodes.kill(node)
    assert await recovered(visitor) < RECOVERED * BUSY
    assert home.nodes.showing(visitor)[1] != node
