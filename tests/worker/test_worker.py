"""The worker over real HTTP: LiveKit's real classes on both sides, only the LiveKit server is a stand-in."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bithuman_core import cli
from bithuman_core.files import DISK_FULL
from bithuman_core.settings import models_dir
from tests.kinds import each_kind
from tests.plugins import need
from tests.small_disk import files, small_disk

need("livekit.agents", "fastapi", "uvicorn", "python_multipart")

import uvicorn  # noqa: E402
from livekit import rtc  # noqa: E402
from livekit.agents.voice.avatar import DataStreamAudioOutput  # noqa: E402

from bithuman_core.worker import WorkerLimits, worker_app  # noqa: E402
from bithuman_core.worker.avatars import Wardrobe  # noqa: E402
from bithuman_core.worker.order import file_name  # noqa: E402
from bithuman_core.worker.stage import RoomFactory  # noqa: E402
from bithuman_core.worker.tasks import Task, Tasks  # noqa: E402
from tests.plugins.livekit_call import Calls, Side  # noqa: E402

RATE, TICK, BLOCK = 16_000, 640, 160
MARA, THEO = models_dir() / "mara.imx", models_dir() / "theo.imx"
TOKEN = "t0ken-of-the-call"
ORDER = {"livekit_url": "wss://live.example", "livekit_token": TOKEN, "room_name": "lobby"}
PHOTO = Path(__file__).parents[1] / "data" / "astronaut.jpg"


class Worker:
    """A running worker, and a client of it."""

    def __init__(self, client: httpx.AsyncClient, server: uvicorn.Server, tasks: Tasks) -> None:
        self.client, self.server, self.tasks = client, server, tasks

    async def launch(self, **fields: Any) -> httpx.Response:
        return await self.client.post("/launch", json={**ORDER, **fields})

    async def upload(self, name: str, content: bytes, **fields: str) -> httpx.Response:
        return await self.client.post("/launch", data={**ORDER, **fields}, files={"avatar_image": (name, content)})

    async def task(self, task_id: str) -> dict[str, Any]:
        return (await self.client.get(f"/tasks/{task_id}")).json()


@asynccontextmanager
async def serving(make_room: RoomFactory, **limits: Any) -> AsyncIterator[Worker]:
    app = worker_app(Wardrobe(MARA), WorkerLimits(**{"tasks": 2, "benchmark_seconds": 0.2, **limits}), make_room)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        await until(lambda: server.started)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=120) as client:
            yield Worker(client, server, app.state.tasks)
        server.should_exit = True
        await running


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def worker(calls: Calls) -> AsyncIterator[Worker]:
    async with serving(calls.make_room) as made:
        yield made


@pytest.fixture
def voice(speech: NDArray[np.int16]) -> NDArray[np.int16]:
    """Whole blocks of 10 ms without silence among them, so that gaps of a busy machine can be told from the voice."""
    blocks = speech[: speech.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    return np.where(blocks.any(axis=1, keepdims=True), blocks, np.int16(1)).reshape(-1)


async def until(done: Callable[[], bool]) -> None:
    async def look() -> None:
        while not done():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), 60)


def voice_of(agent: Side, avatar: str) -> DataStreamAudioOutput:
    """What an agent speaks into, where a worker elsewhere renders its avatar."""
    return DataStreamAudioOutput(agent.as_room, destination_identity=avatar, sample_rate=RATE, wait_playback_start=True)


async def say(output: DataStreamAudioOutput, samples: NDArray[np.int16]) -> None:
    for start in range(0, samples.size, 800):
        chunk = samples[start : start + 800]
        await output.capture_frame(rtc.AudioFrame(chunk.tobytes(), RATE, 1, chunk.size))
    output.flush()


def sentence(answer: httpx.Response, status: int) -> str:
    """What a refusal says: one clear sentence, nothing of the token, no place on the server."""
    assert answer.status_code == status, answer.text
    text = answer.json()["detail"]
    assert len(text) > 20 and text[-1] in '."'
    assert TOKEN not in text and "/tmp" not in text
    return text


async def test_the_agents_voice_comes_out_of_the_room_with_a_face(
    worker: Worker, calls: Calls, voice: NDArray[np.int16]
) -> None:
    output = voice_of(calls.agent(TOKEN), "avatar-1")
    answer = await worker.launch()
    assert answer.status_code == 200
    assert answer.json() == {"status": "running", "task_id": answer.json()["task_id"], "room_name": "lobby"}
    await say(output, voice[: 25 * TICK])
    finished = await output.wait_for_playout()
    assert (finished.interrupted, finished.playback_position) == (False, pytest.approx(1.0))
    avatar = calls.avatars[0]
    await until(lambda: avatar.heard.size >= 25 * TICK)
    assert np.array_equal(avatar.heard, voice[: 25 * TICK]), "to the sample"
    assert len(avatar.pictures) > 10
    assert {picture.shape for _, picture in avatar.pictures} == {(512, 512, 3)}


async def test_an_avatar_stands_before_the_background_of_its_order(worker: Worker, calls: Calls) -> None:
    calls.agent(TOKEN)
    assert (await worker.launch(background="#0040ff")).status_code == 200
    await until(lambda: bool(calls.avatars[0].pictures))
    assert np.abs(calls.avatars[0].pictures[0][1][4, 4].astype(int) - (0, 64, 255)).max() <= 8


async def test_an_avatar_stands_before_the_picture_of_its_order(worker: Worker, calls: Calls) -> None:
    calls.agent(TOKEN)
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), (255, 64, 0)).save(picture, "PNG")
    files = {"background_image": ("room.png", picture.getvalue())}
    answer = await worker.client.post("/launch", data={**ORDER, "async_mode": "false"}, files=files)
    assert answer.json().get("status") == "running", answer.text
    await until(lambda: bool(calls.avatars[0].pictures))
    assert np.abs(calls.avatars[0].pictures[0][1][4, 4].astype(int) - (255, 64, 0)).max() <= 8
    answer = await worker.client.post("/launch", data={**ORDER, "background": "blur"}, files=files)
    assert "background_image and background were both sent" in sentence(answer, 422)
    answer = await worker.client.post("/launch", data=ORDER, files={"background_image": ("room.png", b"no picture")})
    assert "no picture" in sentence(answer, 422)


async def test_a_barge_in_silences_its_own_avatar_and_no_other(
    worker: Worker, calls: Calls, voice: NDArray[np.int16]
) -> None:
    outputs = [voice_of(calls.agent(f"call-{i}"), f"avatar-{i}") for i in (1, 2)]
    for i in (1, 2):
        assert (await worker.launch(livekit_token=f"call-{i}")).status_code == 200
    for output in outputs:
        await say(output, voice[: 75 * TICK])
    await until(lambda: min(avatar.heard.size for avatar in calls.avatars) >= 5 * TICK)
    outputs[0].clear_buffer()
    first, second = await asyncio.gather(*(output.wait_for_playout() for output in outputs))
    assert first.interrupted and first.playback_position < 2.9
    assert (second.interrupted, second.playback_position) == (False, pytest.approx(3.0))


async def test_a_task_can_be_followed_and_stopped(worker: Worker, calls: Calls) -> None:
    calls.agent(TOKEN)
    answer = await worker.launch(async_mode=True)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    task_id = answer.json()["task_id"]
    await until(lambda: bool(calls.avatars) and bool(calls.avatars[0].pictures))
    assert (await worker.task(task_id))["status"] == "running"
    stopped = (await worker.client.post(f"/tasks/{task_id}/stop")).json()
    assert (stopped["status"], stopped["reason"]) == ("ended", "It was stopped.")
    assert not calls.avatars[0].isconnected()
    assert (await worker.client.post(f"/tasks/{task_id}/stop")).json() == stopped
    listed = (await worker.client.get("/tasks")).json()["tasks"]
    assert [task["task_id"] for task in listed] == [task_id]
    assert "GET /tasks" in sentence(await worker.client.get("/tasks/nothing"), 404)


@each_kind
async def test_an_uploaded_avatar_is_shown(worker: Worker, calls: Calls, avatar_path: Path) -> None:
    calls.agent(TOKEN)
    portrait = avatar_path == MARA
    sent, other = (THEO, MARA) if portrait else (avatar_path, THEO)
    assert (await worker.upload(sent.name, sent.read_bytes(), async_mode="false")).json()["status"] == "running"
    await until(lambda: bool(calls.avatars[0].pictures))
    shown = calls.avatars[0].pictures[0][1].astype(int)
    frames = (Wardrobe(path).test_frame() for path in (other, sent))
    far, near = (np.abs(np.asarray(Image.open(io.BytesIO(own))).astype(int) - shown).mean() for own in frames)
    assert near < 0.3 * far


async def test_a_photo_becomes_an_avatar_where_somebody_agreed(worker: Worker, calls: Calls) -> None:
    need("ai_edge_litert")
    calls.agent(TOKEN)
    assert "consent" in sentence(await worker.upload("me.jpg", PHOTO.read_bytes()), 403)
    answer = await worker.upload("me.jpg", PHOTO.read_bytes(), consent="Public domain, NASA")
    assert answer.json().get("status") == "running", answer.text
    await until(lambda: bool(calls.avatars[0].pictures))


async def test_a_photo_without_a_face_fails_with_a_sentence(worker: Worker, calls: Calls) -> None:
    need("ai_edge_litert")
    cat = (PHOTO.parent / "cat.jpg").read_bytes()
    answer = await worker.upload("cat.jpg", cat, consent="It is my cat")
    assert answer.status_code == 422 and "face" in answer.json()["detail"]
    assert calls.avatars == []


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"livekit_url": "ftp://live.example"}, 422, "livekit_url"),
        ({"livekit_url": "wss://user:pass@live.example"}, 422, "livekit_url"),
        ({"livekit_url": 5}, 422, "livekit_url"),
        ({"livekit_token": ""}, 422, "livekit_token"),
        ({"livekit_token": TOKEN + "\n"}, 422, "livekit_token"),
        ({"room_name": ""}, 422, "room_name"),
        ({"async_mode": "maybe"}, 422, "async_mode"),
        ({"avatar_image_url": "http://169.254.169.254/latest"}, 422, "public internet"),
        ({"avatar_image_url": "file:///etc/passwd"}, 422, "http(s)"),
        ({"avatar_image_url": "https://user:pass@live.example/me.jpg"}, 422, "http(s)"),
        ({"background": "transparent"}, 422, "LiveKit's video cannot be transparent"),
        ({"background": "/etc/passwd"}, 422, "#rrggbb"),
        ({"background": "#12"}, 422, "six digits"),
        ({"background_image_url": "http://127.0.0.1/room.jpg"}, 422, "public internet"),
        ({"background": "blur", "background_image_url": "https://pictures.example/room.jpg"}, 422, "both sent"),
        ({"room_name": "r" * 20_000}, 413, "larger"),
    ],
)
async def test_a_wrong_order_gets_a_sentence(
    worker: Worker, calls: Calls, fields: dict[str, Any], status: int, says: str
) -> None:
    assert says in sentence(await worker.launch(**fields), status)
    assert calls.avatars == []


async def test_a_body_that_is_no_order_gets_a_sentence(worker: Worker, calls: Calls) -> None:
    post = worker.client.post
    assert "neither JSON" in sentence(await post("/launch", content=b"x"), 415)
    sentence(await post("/launch", content=b"{", headers={"content-type": "application/json"}), 422)
    sentence(await post("/launch", content=b"[]", headers={"content-type": "application/json"}), 422)
    sentence(await post("/launch", data={"room_name": "lobby"}, files={"avatar_image": ("a.imx", b"x")}), 422)
    assert "commercial" in sentence(await worker.upload("a.imx", b"IMX\0" + bytes(100)), 422)
    assert calls.avatars == []


async def test_an_upload_that_is_too_large_is_cut_off(calls: Calls) -> None:
    async with serving(calls.make_room, upload_bytes=100_000) as worker:
        assert "larger" in sentence(await worker.upload("a.imx", bytes(200_000)), 413)


async def test_a_worker_without_the_photo_builder_says_so(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bithuman_core.worker.avatars.can_build", lambda: False)
    async with serving(calls.make_room) as worker:
        assert "bithuman-core[build]" in sentence(await worker.upload("me.jpg", PHOTO.read_bytes(), consent="I agree"), 501)


async def test_a_full_disk_is_said(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path, 2**20) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        async with serving(calls.make_room) as worker:
            assert sentence(await worker.upload("me.jpg", bytes(3 * 2**20), consent="I agree"), 507) == DISK_FULL
            assert files(disk) == []


async def test_a_web_page_cannot_use_the_worker(worker: Worker) -> None:
    for path in ("/launch", "/benchmark", "/tasks/x/stop"):
        assert "Web pages" in sentence(await worker.client.post(path, headers={"Origin": "https://evil.example"}), 403)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_a_web_page_does_not_look_at_a_worker_either(worker: Worker, headers: dict[str, str]) -> None:
    for path in ("/tasks", "/test-frame", "/health"):
        assert "Web pages" in sentence(await worker.client.get(path, headers=headers), 403)


async def test_a_worker_does_not_answer_to_a_name_that_is_not_its_own(worker: Worker) -> None:
    for path in ("/tasks", "/test-frame", "/health"):
        assert "--allowed-host" in sentence(await worker.client.get(path, headers={"Host": "rebound.evil.example"}), 421)
    assert (await worker.client.get("/tasks", headers={"Host": "localhost:8089"})).status_code == 200


@pytest.mark.parametrize(
    ("kind", "content"),
    [("boundary=x", b"--y\r\n"), ("boundary=x", b"--x\r\n" + b"a" * 9000 + b":\r\n\r\n"), ("boundary=x", b"{}"), ("a=b", b"--")],
)
async def test_a_form_that_is_none_gets_a_sentence(worker: Worker, kind: str, content: bytes) -> None:
    answer = await worker.client.post("/launch", content=content, headers={"Content-Type": f"multipart/form-data; {kind}"})
    assert answer.status_code in (400, 422) and "Traceback" not in answer.text
    assert answer.json()["detail"]


async def test_a_room_that_cannot_be_joined(worker: Worker, calls: Calls, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert "cannot be joined" in sentence(await worker.launch(), 422)
        listed = await worker.client.get("/tasks")
    assert listed.json()["tasks"][0]["status"] == "failed"
    assert TOKEN not in listed.text + caplog.text


async def test_a_livekit_server_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with caplog.at_level(logging.DEBUG):
        async with serving(rtc.Room) as worker:
            assert "cannot be joined" in sentence(await worker.launch(livekit_url=f"ws://127.0.0.1:{port}"), 422)
    assert TOKEN not in caplog.text


async def test_no_more_avatars_than_there_are_places(calls: Calls) -> None:
    calls.agent(TOKEN)
    async with serving(calls.make_room, tasks=1) as worker:
        assert (await worker.client.get("/ready")).json() == {"status": "ready", "tasks": 0, "free": 1}
        task_id = (await worker.launch()).json()["task_id"]
        assert (await worker.client.get("/ready")).status_code == 503
        assert "--max-tasks" in sentence(await worker.launch(), 503)
        assert "busy" in sentence(await worker.client.post("/benchmark"), 409)
        await worker.client.post(f"/tasks/{task_id}/stop")
        assert (await worker.client.get("/ready")).status_code == 200


async def test_an_avatar_leaves_with_its_agent(worker: Worker, calls: Calls) -> None:
    agent = calls.agent(TOKEN)
    task_id = (await worker.launch()).json()["task_id"]
    await until(lambda: bool(calls.avatars[0].pictures))
    await agent.disconnect()
    await until(lambda: not calls.avatars[0].isconnected())
    assert (await worker.task(task_id))["reason"] == "The agent left the room."


async def test_an_avatar_whose_connection_is_lost_joins_anew_and_goes_on_speaking(calls: Calls, voice: NDArray[np.int16]) -> None:
    output = voice_of(calls.agent(TOKEN), "avatar-1")
    async with serving(calls.make_room, lost_seconds=0.01) as worker:
        task_id = (await worker.launch()).json()["task_id"]
        await say(output, voice[: 75 * TICK])
        await until(lambda: calls.avatars[0].heard.size > 10 * TICK)
        calls.avatars[0].emit("connection_state_changed", rtc.ConnectionState.CONN_RECONNECTING)
        await until(lambda: len(calls.avatars) > 1 and calls.avatars[1].heard.size > 10 * TICK)
        assert (await worker.task(task_id))["status"] == "running"
        assert not calls.avatars[0].isconnected()
        calls.avatars[1].local_participant.identity = "avatar-1"  # a real token has one identity
        assert not (await output.wait_for_playout()).interrupted
        await calls.avatars[1].settle()
        assert np.array_equal(calls.avatars[1].heard[-10 * TICK :], voice[65 * TICK : 75 * TICK]), "to the end"


async def test_an_agent_that_seems_to_leave_while_the_connection_is_down_is_waited_for(worker: Worker, calls: Calls) -> None:
    agent = calls.agent(TOKEN)
    task_id = (await worker.launch()).json()["task_id"]
    await until(lambda: bool(calls.avatars[0].pictures))
    calls.avatars[0].emit("connection_state_changed", rtc.ConnectionState.CONN_RECONNECTING)
    calls.avatars[0].emit("participant_disconnected", agent.local_participant)
    await until(lambda: len(calls.avatars) > 1 and bool(calls.avatars[1].pictures))
    assert (await worker.task(task_id))["status"] == "running"


async def test_a_server_that_does_not_come_back(calls: Calls) -> None:
    calls.agent(TOKEN)
    async with serving(calls.make_room, rejoin_seconds=0.01) as worker:
        task_id = (await worker.launch()).json()["task_id"]
        await until(lambda: bool(calls.avatars[0].pictures))
        calls.open.clear()
        calls.avatars[0].emit("disconnected", rtc.DisconnectReason.SERVER_SHUTDOWN)
        await until(lambda: worker_tasks(worker)[0].over)
        task = await worker.task(task_id)
        assert task["status"] == "failed" and "was not back within 0.01 seconds" in task["reason"]


async def test_a_token_that_is_not_valid_any_more(calls: Calls) -> None:
    calls.agent(TOKEN)
    async with serving(calls.make_room) as worker:
        task_id = (await worker.launch()).json()["task_id"]
        await until(lambda: bool(calls.avatars[0].pictures))
        calls.refusal = "401 Unauthorized"
        calls.avatars[0].emit("disconnected", rtc.DisconnectReason.SERVER_SHUTDOWN)
        await until(lambda: worker_tasks(worker)[0].over)
        task = await worker.task(task_id)
        assert task["status"] == "failed" and "not valid any more" in task["reason"] and TOKEN not in task["reason"]


def worker_tasks(worker: Worker) -> list[Task]:
    """As the worker itself keeps them."""
    return list(worker.tasks)


async def test_an_avatar_whose_room_is_closed_ends(worker: Worker, calls: Calls) -> None:
    calls.agent(TOKEN)
    task_id = (await worker.launch()).json()["task_id"]
    calls.avatars[0].emit("disconnected", "room deleted")
    await until(lambda: not calls.avatars[0].isconnected())
    assert (await worker.task(task_id))["status"] == "ended"


async def test_an_avatar_does_not_wait_for_ever_for_its_agent(calls: Calls) -> None:
    await calls.agent(TOKEN).disconnect()
    async with serving(calls.make_room, agent_seconds=0.05) as worker:
        task_id = (await worker.launch()).json()["task_id"]
        await until(lambda: not calls.avatars[0].isconnected())
        task = await worker.task(task_id)
        assert task["status"] == "failed" and "No agent came" in task["reason"]


async def test_all_avatars_leave_when_the_worker_ends(calls: Calls) -> None:
    for token in ("call-1", "call-2"):
        calls.agent(token)
    async with serving(calls.make_room) as worker:
        for token in ("call-1", "call-2"):
            await worker.launch(livekit_token=token)
        assert all(avatar.isconnected() for avatar in calls.avatars)
    assert [avatar.isconnected() for avatar in calls.avatars] == [False, False]


async def test_what_a_watcher_asks(worker: Worker) -> None:
    assert (await worker.client.get("/health")).json()["status"] == "ok"
    picture = await worker.client.get("/test-frame")
    assert picture.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(picture.content)).size == (512, 512)
    figures = (await worker.client.post("/benchmark")).json()
    assert figures["x_realtime"] > 0 and figures["tick_ms_p50"] > 0


def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("sys.argv", ["bithuman-core", "worker", "--port", str(taken.getsockname()[1])])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == os.EX_SOFTWARE
    assert "choose another --port" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", ["😀" * 100 + ".png", "漢" * 90 + ".imx", "a" * 300 + ".jpg"])
def test_long_names_of_files_are_cut_to_what_every_disk_takes(tmp_path: Path, name: str) -> None:
    path = tmp_path / file_name(name)
    path.write_bytes(b"")
    assert path.suffix == Path(name).suffix
