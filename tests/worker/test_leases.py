"""Workers that die, by a clock of the test's own: their jobs are taken over, once, and none is lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins import need

need("livekit.agents", "livekit.api")

from bithuman_core.worker.keeper import Keeper  # noqa: E402
from bithuman_core.worker.leases import AGAIN_SECONDS, BEAT_SECONDS, DEAD_SECONDS, Job, Lease, Watch  # noqa: E402

NAMES = st.text(max_size=8)
JOBS = st.lists(st.builds(Job, NAMES, NAMES, NAMES, NAMES), max_size=4).map(tuple)


def job(number: int) -> Job:
    return Job(f"room-{number}", "avatar", "{}", f"AD_{number}")


class Shared:
    """What all workers can read, in memory, and a clock."""

    def __init__(self) -> None:
        self.time = 0.0
        self.leases: dict[str, Lease] = {}
        self.rooms = {f"room-{number}" for number in range(9)}
        self.offered: list[Job] = []

    def now(self) -> float:
        return self.time

    async def write(self, lease: Lease) -> None:
        self.leases[lease.worker] = lease

    async def read(self) -> list[Lease]:
        return list(self.leases.values())

    async def remove(self, worker: str) -> None:
        self.leases.pop(worker, None)

    async def again(self, job: Job) -> bool:
        if job.room in self.rooms:
            self.offered.append(job)
        return job.room in self.rooms


class Fleet:
    """Workers that beat together; each takes nothing unless it is told to."""

    def __init__(self, count: int) -> None:
        self.shared = Shared()
        self.jobs: list[set[Job]] = [set() for _ in range(count)]
        self.keepers = [Keeper(self.shared, self._jobs(number), self.shared.now) for number in range(count)]
        self.dead: set[int] = set()

    def _jobs(self, number: int) -> Callable[[], Iterable[Job]]:
        return lambda: set(self.jobs[number])

    async def go(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(math.ceil(seconds / BEAT_SECONDS)):
            for number, keeper in enumerate(self.keepers):
                if number not in self.dead:
                    await keeper.turn()
            self.shared.time += BEAT_SECONDS


@given(st.builds(Lease, NAMES, st.integers(0), JOBS, JOBS, st.booleans()))
def test_a_lease_is_read_as_it_was_written(lease: Lease) -> None:
    assert repr(Lease.from_text(lease.worker, lease.to_text())) == repr(lease)


NO_LEASES = ('{"beat": 1}', "[]", '{"beat": 1, "over": 0, "jobs": [[1]], "orphans": []}', "null")


@given(st.one_of(st.text(), st.sampled_from(NO_LEASES)))
def test_what_is_no_lease_is_passed_by(text: str) -> None:
    assert Lease.from_text("worker", text) is None


async def test_a_dead_workers_jobs_are_offered_once_and_soon() -> None:
    fleet = Fleet(3)
    fleet.jobs[1] = {job(1), job(2)}
    await fleet.go(5)
    assert fleet.shared.offered == []
    fleet.dead.add(1)
    await fleet.go(DEAD_SECONDS + 2 * BEAT_SECONDS)
    assert sorted(each.room for each in fleet.shared.offered) == ["room-1", "room-2"]
    assert fleet.keepers[1].name not in fleet.shared.leases
    fleet.jobs[2] |= {job(1), job(2)}  # LiveKit has given them to it
    await fleet.go(60)
    assert len(fleet.shared.offered) == 2


async def test_a_job_that_nobody_has_a_place_for_is_offered_until_somebody_has() -> None:
    fleet = Fleet(2)
    fleet.jobs[0] = {job(1)}
    await fleet.go(1)
    fleet.dead.add(0)
    await fleet.go(30)
    assert 30 / AGAIN_SECONDS / 2 < len(fleet.shared.offered) < 30 / AGAIN_SECONDS
    fleet.jobs[1] = {job(1)}
    await fleet.go(1)
    before = len(fleet.shared.offered)
    await fleet.go(10)
    assert len(fleet.shared.offered) == before


async def test_a_room_that_is_gone_needs_no_avatar() -> None:
    fleet = Fleet(2)
    fleet.jobs[0] = {job(1)}
    await fleet.go(1)
    fleet.dead.add(0)
    fleet.shared.rooms.clear()
    await fleet.go(10)
    assert fleet.shared.offered == [] and fleet.shared.leases[fleet.keepers[1].name].orphans == ()


async def test_who_takes_over_may_die_as_well() -> None:
    fleet = Fleet(3)
    first, second, third = sorted(range(3), key=lambda number: fleet.keepers[number].name)
    fleet.jobs[third] = {job(1)}
    await fleet.go(1)
    fleet.dead.add(third)
    await fleet.go(DEAD_SECONDS + 2 * BEAT_SECONDS)
    assert len(fleet.shared.offered) == 1
    fleet.dead.add(first)
    await fleet.go(DEAD_SECONDS + 2 * BEAT_SECONDS)
    assert fleet.shared.leases.keys() == {fleet.keepers[second].name}
    assert fleet.shared.offered[-1] == job(1) and fleet.shared.leases[fleet.keepers[second].name].orphans == (job(1),)


async def test_the_last_one_dies_and_the_next_that_comes_takes_over() -> None:
    fleet = Fleet(2)
    fleet.dead.add(1)
    fleet.jobs[0] = {job(1)}
    await fleet.go(1)
    fleet.dead = {0}
    await fleet.go(DEAD_SECONDS + 2 * BEAT_SECONDS)
    assert fleet.shared.offered == [job(1)]


async def test_a_worker_that_ends_hands_its_jobs_over_at_once() -> None:
    fleet = Fleet(2)
    fleet.jobs[0] = {job(1)}
    await fleet.go(1)
    fleet.dead.add(0)
    await fleet.keepers[0].end()
    await fleet.go(BEAT_SECONDS)
    assert fleet.shared.offered == [job(1)]


def test_nobody_is_dead_for_an_outage_of_the_place_where_leases_lie() -> None:
    shared = Shared()
    watch = Watch("a", shared.now)
    assert watch.look([Lease("b", 1)]) == []
    shared.time += 60
    watch.forget()
    assert watch.look([Lease("b", 1)]) == []
    shared.time += DEAD_SECONDS
    assert [lease.worker for lease in watch.look([Lease("b", 1)])] == ["b"]


@pytest.mark.parametrize("me", ["a", "z"])
def test_only_one_of_those_alive_takes_over(me: str) -> None:
    shared = Shared()
    watch = Watch(me, shared.now)
    watch.look([Lease("m", 1), Lease("x", 1)])
    shared.time += DEAD_SECONDS
    assert len(watch.look([Lease("m", 2), Lease("x", 1)])) == (me == "a")
