"""Jobs: none is lost, whatever dies; none is done twice; what cannot be done is told in a sentence."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bithuman_core.errors import IntakeError
from bithuman_core.service.context import Service
from bithuman_core.service.data.database import Database
from bithuman_core.service.data.tables import Agent, Job
from bithuman_core.service.jobs import runner as runner_module
from bithuman_core.service.jobs.queue import LEASE_SECONDS, LOST, PAUSES, QUEUED, RUNNING, LostLease, Queue, Task
from tests.plugins import need
from tests.service.conftest import Clock
from tests.service.serving import MARA, PHOTO, Client, sentence

CLIP = Path(__file__).parents[1] / "data" / "1688-142285-0005.flac"


def add_job(database: Database, name: str, clock: Clock) -> None:
    with database.writing() as session:
        session.add(Agent(
            code=name, name=name, prompt="", status="processing", error=None, consent=None, notes=[], model=None, still=None,
            secret_id="0", created=clock.now, updated=clock.now,
        ))  # fmt: skip
        session.flush()
        session.add(Job(
            id=name, kind="agent", agent_code=name, given={}, status="queued", tries=0, due=clock.now, holder=None, stage="",
            share=0.0, error=None, source=None, result=None, secret_id="0", created=clock.now, updated=clock.now,
        ))  # fmt: skip


def held(task: Task | None) -> Task:
    assert task is not None
    return task


def test_a_job_is_somebodys_until_the_lease_runs_out(database: Database, clock: Clock) -> None:
    one, two = Queue(database, "one", clock), Queue(database, "two", clock)
    add_job(database, "A", clock)
    task = held(one.claim())
    assert two.claim() is None and (one.count(QUEUED), one.count(RUNNING)) == (0, 1)
    clock.now += LEASE_SECONDS - 1
    one.renew(task, "painting", 0.5)
    clock.now += LEASE_SECONDS - 1
    assert two.claim() is None, "it was renewed"
    clock.now += 2
    again = held(two.claim())
    assert (again.id, again.tries) == ("A", 2)
    for lost in (lambda: one.renew(task, "", 0.0), lambda: one.put_back(task), lambda: one.again(task)):
        with pytest.raises(LostLease):
            lost()
    with pytest.raises(LostLease), database.writing() as session:
        one.settle(session, task, status="done")


def test_those_who_wait_longest_come_first(database: Database, clock: Clock) -> None:
    queue = Queue(database, "one", clock)
    for name in ("A", "B", "C"):
        add_job(database, name, clock)
        clock.now += 1
    first = held(queue.claim())
    queue.put_back(first)
    clock.now += 1
    order = [held(queue.claim()) for _ in range(3)]
    assert [task.id for task in order] == ["B", "C", "A"] and {task.tries for task in order} == {1}


def test_no_job_is_given_to_two(database: Database, clock: Clock) -> None:
    for number in range(12):
        add_job(database, f"A{number}", clock)
    taken, lock = list[str](), threading.Lock()

    def work(holder: str) -> None:
        queue = Queue(database, holder, clock)
        while (task := queue.claim()) is not None:
            with lock:
                taken.append(task.id)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"A{number}" for number in range(12))


def test_a_job_that_ends_its_process_three_times_has_failed(client: Client, clock: Clock) -> None:
    code = client.agent()
    for _ in range(3):
        assert Queue(client.service.database, "dies", clock).claim() is not None
        clock.now += LEASE_SECONDS + 1
    client.work()
    shown = client.get(f"/v1/agent/{code}").json()["data"]
    assert (shown["status"], shown["error_message"]) == ("failed", LOST)


def test_what_the_machine_cannot_do_now_is_tried_again(
    client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[float]()

    def busy(*_: Any) -> None:
        begun.append(clock.now)
        raise IntakeError("The server has no memory left for that file: try again in a minute.")

    monkeypatch.setattr(runner_module, "make_agent", busy)
    code = client.agent()
    client.work()
    assert client.get(f"/v1/agent/{code}").json()["data"]["status"] == "processing"
    for pause in PAUSES:
        clock.now += pause
        client.work()
    shown = client.get(f"/v1/agent/{code}").json()["data"]
    assert (len(begun), shown["status"]) == (3, "failed") and "no memory" in shown["error_message"]


def test_an_agent_that_is_deleted_while_it_is_made_stays_deleted(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = runner_module.make_agent

    def deleted_meanwhile(*given: Any) -> Any:
        made = real(*given)
        assert client.delete(f"/v1/agent/{code}").status_code == 200
        return made

    monkeypatch.setattr(runner_module, "make_agent", deleted_meanwhile)
    code = client.agent()
    client.work()
    sentence(client.get(f"/v1/agent/{code}"), 404, "AGENT_NOT_FOUND")
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


KILLED = """
import os, sys
from bithuman_core.service.jobs import runner
from tests.service.serving import make_service
import time
service = make_service(sys.argv[1], sys.argv[2], lambda: float(sys.argv[3]))
runner.make_agent = lambda *_: os._exit(9)
service.runner.step()
"""


def test_a_process_that_is_killed_loses_no_job(client: Client, tmp_path: Path, clock: Clock) -> None:
    code = client.agent()
    url, files = f"sqlite:///{tmp_path / 'service.db'}", str(tmp_path / "files")
    done = subprocess.run([sys.executable, "-c", KILLED, url, files, str(clock.now)], check=False, timeout=300)
    assert done.returncode == 9
    client.work()
    assert client.get(f"/v1/agent/{code}").json()["data"]["status"] == "generating", "whoever began it might still live"
    clock.now += LEASE_SECONDS + 1
    client.work()
    assert client.get(f"/v1/agent/{code}").json()["data"]["status"] == "ready"


def video(client: Client, **said: Any) -> tuple[dict[str, Any], bytes]:
    """The card of a video and its content."""
    answer = client.post("/v1/video/generate", json=said)
    assert answer.status_code == 200, answer.text
    number = answer.json()["video_id"]
    sentence(client.get(f"/v1/video/{number}/download"), 409, "AGENT_PROCESSING")
    client.work()
    card = client.get(f"/v1/video/status/{number}").json()["data"]
    return card, client.get(card["video_url"]).content if card["video_url"] else b""


def test_a_video_says_what_it_was_given(client: Client, tmp_path: Path) -> None:
    code = client.agent()
    client.work()
    upload = client.upload("speech.flac", CLIP.read_bytes())
    with av.open(str(CLIP)) as sound:
        length = float((sound.duration or 0) / 1e6)
    for said, seconds in (({"text": "hello " * 5}, 2.9), ({"audio": upload, "background": "#206040"}, length)):
        card, content = video(client, agent_code=code, **said)
        assert card["status"] == "ready", card
        with av.open(io.BytesIO(content)) as film:
            frames = sum(1 for _ in film.decode(video=0))
            assert film.streams.video[0].width == 512 and film.streams.audio[0].rate in (16_000, 24_000, 48_000)
        assert frames == pytest.approx(seconds * 25, abs=2)
    card, _ = video(client, agent_code=code, text="hello", voice="nobody")
    assert (card["status"], card["error_message"]) == ("failed", "There is no voice 'nobody': choose another one.")
    assert client.delete(f"/v1/agent/{code}").status_code == client.delete(upload).status_code == 200
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == [], "its videos went with it"


def test_a_video_stands_before_a_picture(client: Client) -> None:
    code = client.agent()
    client.work()
    picture = io.BytesIO()
    Image.new("RGB", (1600, 900), (255, 64, 0)).save(picture, "PNG")
    upload = client.upload("room.png", picture.getvalue())
    card, content = video(client, agent_code=code, text="hello", background_image=upload)
    assert card["status"] == "ready", card
    with av.open(io.BytesIO(content)) as film:
        corner = next(film.decode(video=0)).to_ndarray(format="rgb24")[4, 4]
    assert np.abs(corner.astype(int) - (255, 64, 0)).max() <= 12
    said = {"agent_code": code, "text": "hello", "background_image": "bm8gcGljdHVyZQ=="}
    sentence(client.post("/v1/video/generate", json=said), 422, "VALIDATION_ERROR")
    both = {**said, "background": "blur"}
    sentence(client.post("/v1/video/generate", json=both), 422, "VALIDATION_ERROR")


def test_a_photo_becomes_an_agent(client: Client) -> None:
    need("ai_edge_litert")
    photo = client.upload("me.jpg", PHOTO.read_bytes())
    code = client.agent(image=photo, consent="NASA's press photo, in the public domain", name="Eileen", aspect_ratio="9:16")
    client.work()
    shown = client.get(f"/v1/agent/{code}").json()["data"]
    assert (shown["status"], shown["error_message"]) == ("ready", None)
    model = client.get(shown["model_url"]).content
    assert b"public domain" in model and b"Eileen" in model and len(model) < 8_000_000
    assert MARA.is_file()


def test_a_server_that_ends_puts_its_job_back(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    service: Service = client.service

    def ended(*_: Any) -> None:
        service.reading.close()
        service.runner.close()
        raise IntakeError("The server is ending: try again in a minute.")

    monkeypatch.setattr(runner_module, "make_agent", ended)
    client.agent()
    assert service.runner.step()
    with service.database.reading() as session:
        job = session.query(Job).one()
        assert (job.status, job.tries, job.holder) == ("queued", 0, None)
