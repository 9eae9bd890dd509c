"""Reading processes: what they give back, what ends them, and that nobody else notices."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bithuman_core.errors import AudioError, IntakeError
from bithuman_core.intake.allowance import MIB, Allowance
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.turns import Turns
from tests.intake import jobs

ROOT = Path(__file__).parents[2]
ENOUGH = Allowance(work=30, wait=120, memory=256 * MIB)
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, and limits that only Linux keeps")


@pytest.fixture
def pool() -> Iterator[ReadingPool]:
    made = ReadingPool(["tests.intake.jobs"])
    yield made
    made.close()
    assert made.processes == []


def zombies() -> list[int]:
    return [child.pid for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]


def test_a_job_comes_back_from_another_process_which_is_used_again(pool: ReadingPool) -> None:
    facts, content = pool.run(jobs.echo, ENOUGH, word="ä")
    assert (facts["word"], content) == ("ä", "ää".encode())
    assert facts["pid"] != os.getpid()
    assert facts["nice"] >= 15
    assert pool.run(jobs.echo, ENOUGH, word="b")[0]["pid"] == facts["pid"]


def test_progress_is_told(pool: ReadingPool) -> None:
    told: list[tuple[str, float]] = []
    pool.run(jobs.steps, ENOUGH, lambda stage, share: told.append((stage, share)), count=4)
    assert told == [("counting", 0.0), ("counting", 0.25), ("counting", 0.5), ("counting", 0.75)]


def test_a_report_that_gives_up_ends_the_job(pool: ReadingPool) -> None:
    class Gone(Exception):
        pass

    def report(stage: str, share: float) -> None:
        raise Gone

    first = pool.run(jobs.echo, ENOUGH, word="a")[0]["pid"]
    with pytest.raises(Gone):
        pool.run(jobs.steps, ENOUGH, report, count=1)
    assert first not in pool.processes


def test_what_prints_and_reads_does_not_disturb(pool: ReadingPool) -> None:
    assert pool.run(jobs.chatter, ENOUGH)[0] == {"read": ""}


def test_our_errors_come_back_as_they_are_and_the_process_stays(pool: ReadingPool) -> None:
    first = pool.run(jobs.echo, ENOUGH, word="a")[0]["pid"]
    with pytest.raises(AudioError, match="that is no sound"):
        pool.run(jobs.refuse, ENOUGH)
    with pytest.raises(OSError, match="No space left") as full:
        pool.run(jobs.fill_the_disk, ENOUGH)
    assert full.value.errno == errno.ENOSPC
    with pytest.raises(IntakeError, match="damaged"):
        pool.run(jobs.stumble, ENOUGH)
    assert pool.run(jobs.echo, ENOUGH, word="a")[0]["pid"] == first


@pytest.mark.parametrize(
    ("job", "allowance", "says"),
    [
        (jobs.work_for_ever, Allowance(0.2, 60, 256 * MIB), "0.2 seconds of work"),
        (jobs.wait_for_ever, Allowance(60, 0.2, 256 * MIB), "within 0.2 seconds"),
        (jobs.crash, ENOUGH, "damaged"),
    ],
)
def test_what_does_not_come_to_an_end_is_ended_and_replaced(
    pool: ReadingPool, job: jobs.Made, allowance: Allowance, says: str
) -> None:
    first = pool.run(jobs.echo, ENOUGH, word="a")[0]["pid"]
    with pytest.raises(IntakeError, match=says):
        pool.run(job, allowance)  # pyright: ignore[reportArgumentType]
    assert not psutil.pid_exists(first)
    assert pool.run(jobs.echo, ENOUGH, word="b")[0]["pid"] != first
    assert zombies() == []


@linux
def test_memory_has_an_end_and_the_process_stays(pool: ReadingPool) -> None:
    assert pool.run(jobs.grow, ENOUGH, mib=64)[0]["size"] == 64 * MIB
    with pytest.raises(IntakeError, match="256 MiB of memory"):
        pool.run(jobs.grow, ENOUGH, mib=512)
    assert pool.run(jobs.grow, ENOUGH, mib=64)[0]["size"] == 64 * MIB


@linux
def test_a_process_that_has_grown_ends_after_its_job(pool: ReadingPool) -> None:
    first = pool.run(jobs.keep, ENOUGH, mib=150)[0]["pid"]
    assert not psutil.pid_exists(first)
    assert pool.run(jobs.echo, ENOUGH, word="b")[0]["pid"] != first
    assert zombies() == []


def test_one_that_was_killed_while_it_waited_is_replaced(pool: ReadingPool) -> None:
    first = pool.run(jobs.echo, ENOUGH, word="a")[0]["pid"]
    os.kill(first, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first)] if psutil.pid_exists(first) else [], 10)
    assert pool.run(jobs.echo, ENOUGH, word="b")[0]["pid"] != first
    assert zombies() == []


def test_where_memory_runs_out_the_reading_process_is_ended_first_and_that_is_said(pool: ReadingPool) -> None:
    with pytest.raises(IntakeError, match="no memory left"):
        pool.run(jobs.be_ended_by_the_system, ENOUGH)


async def test_nobody_waits_for_one_that_hangs(pool: ReadingPool) -> None:
    hanging = asyncio.create_task(pool.read(jobs.wait_for_ever, Allowance(60, 60, 256 * MIB), "mallory"))
    for word in ("a", "b", "c"):
        assert (await pool.read(jobs.echo, ENOUGH, "alice", word=word))[0]["word"] == word
    assert not hanging.done()
    pool.close()
    with pytest.raises(IntakeError):
        await hanging


async def test_who_sends_many_keeps_others_waiting_no_longer(pool: ReadingPool) -> None:
    hanging = [asyncio.create_task(pool.read(jobs.wait_for_ever, Allowance(60, 60, 256 * MIB), "mallory")) for _ in range(20)]
    assert (await pool.read(jobs.echo, ENOUGH, "alice", word="a"))[0]["word"] == "a"
    for task in hanging[1:]:  # those who wait can go
        task.cancel()
    await asyncio.wait(hanging[1:])
    pool.close()
    with pytest.raises(IntakeError):
        await hanging[0]


async def test_turns_are_forgotten_when_nobody_waits_for_them() -> None:
    turns, inside = Turns(), list[str]()

    async def take(name: str) -> None:
        async with turns.of(name):
            inside.append(name)
            assert inside.count(name) == 1
            await asyncio.sleep(0)
            inside.remove(name)

    await asyncio.gather(*(take(name) for name in "aaabbc"))
    assert len(turns) == 0


async def test_closing_ends_everything_at_once(pool: ReadingPool) -> None:
    at_work = [asyncio.create_task(pool.read(jobs.work_for_ever, Allowance(60, 60, 256 * MIB), name)) for name in "ab"]
    await pool.read(jobs.echo, ENOUGH, "alice", word="a")
    begin = time.monotonic()
    pool.close()
    assert time.monotonic() - begin < 2
    assert all(isinstance(error, IntakeError) for error in await asyncio.gather(*at_work, return_exceptions=True))
    assert pool.processes == zombies() == []
    with pytest.raises(IntakeError, match="ending"):
        pool.run(jobs.echo, ENOUGH, word="a")


@linux
def test_nothing_of_the_server_is_inherited(pool: ReadingPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "LIVEKIT_API_SECRET", "BITHUMAN_API_KEY"):
        monkeypatch.setenv(name, "x")
    with socket.create_server(("127.0.0.1", 0)), (tmp_path / "open").open("w"):
        facts = pool.run(jobs.look_around, ENOUGH)[0]
    assert not [file for file in facts["files"] if "socket:" in file or str(tmp_path) in file]
    assert len([file for file in facts["files"] if "pipe:" in file]) >= 2, "its own are not listed either"
    assert not [name for name in facts["environment"] if "TOKEN" in name or "SECRET" in name or "API_KEY" in name]
    assert "PATH" in facts["environment"]


SERVER = """
import sys
from bithuman_core.intake.allowance import Allowance
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.turns import Turns
from tests.intake import jobs
ReadingPool().run(jobs.{job}, Allowance(600, 600, 1 << 28), path=sys.argv[1])
"""


def test_a_process_dies_with_its_server_however_that_ends(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    server = subprocess.Popen([sys.executable, "-c", SERVER.format(job="begin_and_wait"), str(told)], cwd=ROOT)
    begin = time.monotonic()
    while not (told.exists() and told.read_text()):
        assert server.poll() is None
        assert time.monotonic() - begin < 60
        time.sleep(0.01)
    reading = psutil.Process(int(told.read_text()))
    server.kill()
    server.wait()
    assert psutil.wait_procs([reading], 10)[0], "it outlives its server"


def test_who_comes_after_the_end_is_told_so(pool: ReadingPool) -> None:
    pool.close()
    with pytest.raises(IntakeError, match="server"):
        asyncio.run(pool.read(jobs.echo, ENOUGH, "somebody", word="a"))
