"""The load of a day, as the admin page draws it."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from bithuman_core.service.admin.plot import day_plot
from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Agent, Job, Live, Secret, Usage
from bithuman_core.service.load import STEP, most_at_once, of_a_day
from tests.service.conftest import Clock


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))).map(lambda pairs: [(min(pair), max(pair)) for pair in pairs]),
    st.integers(1, 20),
)
def test_the_most_at_once_is_what_counting_second_by_second_finds(stretches: list[tuple[int, int]], step: int) -> None:
    begins = list(range(0, 60, step))
    counted = [sum(begin <= second < end for begin, end in stretches) for second in range(60)]
    wanted = [max(counted[begin : begin + step if begin != begins[-1] else 60]) for begin in begins]
    assert most_at_once(stretches, begins) == wanted


def test_a_day_is_told_by_what_was_live_made_and_asked(database: Database, clock: Clock) -> None:
    now = clock.now
    step = int(now // STEP * STEP)
    agent = {"prompt": "", "status": "ready", "notes": [], "secret_id": "s", "updated": now}
    live: dict[str, Any] = {"kind": "room", "room": "r", "process": "p", "agent_code": "A12ABC3456"}
    job: dict[str, Any] = {"kind": "video", "agent_code": "A12ABC3456", "given": {}, "tries": 1, "due": 0.0, "stage": "",
                           "share": 0.0, "secret_id": "s"}  # fmt: skip
    with database.writing() as session:
        session.add(Secret(id="s", name="s", hash="h", scopes=[], created=0.0, per_minute=1, per_day=1))
        session.add(Agent(code="A12ABC3456", name="A", created=now, **agent))
        session.flush()
        session.add_all(
            [
                Live(id="over", started_at=step - 3 * STEP, seen_at=step - 2 * STEP, ended_at=step - 2 * STEP, **live),
                Live(id="beside", started_at=step - 3 * STEP + 60, seen_at=now, ended_at=None, **live),
                Live(id="lost", started_at=step - STEP, seen_at=step - STEP + 60, ended_at=None, **live),
                Live(id="old", started_at=now - 100_000, seen_at=now - 90_000, ended_at=now - 90_000, **live),
                Job(id="waits", status="queued", created=step - STEP, updated=step - STEP, **job),
                Job(id="made", status="done", created=step - STEP + 5, updated=step - STEP + 9, **job),
                Usage(secret_id="s", kind="requests", begin=step - STEP, amount=10),
                Usage(secret_id="s", kind="requests", begin=step - STEP + 60, amount=30),
                Usage(secret_id="s", kind="made", begin=step - STEP, amount=7),
            ]
        )
    with database.reading() as session:
        points = of_a_day(session, now)
    assert len(points) == 288 and points[-1].at == step
    assert [point.live for point in points[-4:]] == [2, 1, 2, 1]
    assert [point.jobs for point in points[-3:]] == [0, 2, 1]
    assert [point.requests for point in points[-3:]] == [0, 8, 0]
    assert not any(point.live or point.jobs or point.requests for point in points[:-4])


def test_the_curves_stay_in_their_picture(database: Database, clock: Clock) -> None:
    with database.reading() as session:
        picture = ElementTree.fromstring(day_plot(of_a_day(session, clock.now)))
    assert "at most 0" in picture.attrib["aria-label"]
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    lines = [element.attrib["points"] for element in picture.iter("polyline")]
    assert len(lines) == 3
    for line in lines:
        places = [float(number) for number in re.findall(r"[-\d.]+", line)]
        assert all(0 <= x <= width for x in places[::2]) and all(0 <= y <= height for y in places[1::2])
