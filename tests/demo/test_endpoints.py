"""The endpoints of "Use via API", by the real gradio_client, by HTTP as curl sends it, and by a real MCP client."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.render_video import render_video
from bithuman_core.imx import read_imx
from bithuman_core.settings import models_dir
from tests.demo.conftest import fake_build
from tests.demo.serving import demo_app, served

NAMES = {"list_avatars", "speak_text", "speak_file", "perform", "build_avatar", "motion", "validate"}


@pytest.fixture(scope="module")
def url(gallery: Gallery) -> Iterator[str]:
    with served(demo_app(gallery, places=1, limits=Limits(calls=1000), build=fake_build)) as url:
        yield url


@pytest.fixture
def client(url: str, tmp_path: Path) -> Client:
    return Client(url, verbose=False, download_files=tmp_path)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "my words.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(4000) / 5), 8000)
    return path


def test_they_are_where_gradio_users_look(url: str, client: Client) -> None:
    known: dict[str, Any] = dict(client.view_api(return_format="dict", print_info=False) or {})["named_endpoints"]  # type: ignore[arg-type]
    assert {name.strip("/") for name in known} == NAMES
    assert all(endpoint["description"] for endpoint in known.values())
    assert {parameter["parameter_name"] for parameter in known["/speak_file"]["parameters"]} == {"audio", "avatar", "imx"}


def test_the_avatars_are_listed(client: Client) -> None:
    first, second = client.predict(api_name="/list_avatars")
    assert first["key"] == "mara" and first["size"] == [512, 512] and "nod" in first["gestures"] and second["name"] == "Theo"


def test_a_sound_file_comes_back_as_a_video_with_the_same_sound(client: Client, words: Path) -> None:
    video = client.predict(handle_file(words), "theo", api_name="/speak_file")["video"]
    with av.open(video) as film:
        assert film.streams.video[0].average_rate == 25
        assert float(film.duration or 0) / av.time_base == pytest.approx(0.5, abs=0.1)
        assert film.streams.audio


def test_an_avatar_of_ones_own_speaks(client: Client, words: Path) -> None:
    video = client.predict(handle_file(words), imx=handle_file(models_dir() / "erik.imx"), api_name="/speak_file")["video"]
    assert "Erik" in Path(video).name


def test_a_text_is_spoken_or_the_voice_is_missing_in_a_sentence(client: Client) -> None:
    try:
        video = client.predict("One two three.", api_name="/speak_text")["video"]
    except AppError as error:
        assert "pip install espeakng-loader" in str(error)
    else:
        assert Path(video).read_bytes()[4:8] == b"ftyp"


def test_a_photo_becomes_an_avatar_where_somebody_agreed(client: Client, tmp_path: Path) -> None:
    photo = tmp_path / "face.jpg"
    photo.write_bytes(b"a face")
    made = client.predict(handle_file(photo), "Ada", "I am Ada.", api_name="/build_avatar")
    assert read_imx(made).manifest.name == "Erik" and Path(made).name == "Ada.imx"
    with pytest.raises(AppError, match="who agreed"):
        client.predict(handle_file(photo), "Ada", " ", api_name="/build_avatar")


@pytest.mark.parametrize("form", ["csv", "arkit-csv", "json", "visemes"])
def test_motion_comes_as_a_file(client: Client, words: Path, form: str) -> None:
    text = Path(client.predict(handle_file(words), form, "30", api_name="/motion")).read_text("utf-8")
    if form.endswith("csv"):
        assert len(text.splitlines()) == 1 + 16  # 13 ticks at 30 a second
    else:
        assert json.loads(text)["fps"] == 30


def test_motion_that_comes_is_done_again_alone_or_with_its_sound(client: Client, words: Path) -> None:
    take = client.predict(handle_file(words), "arkit-csv", "60", api_name="/motion")
    with pytest.raises(AppError, match="within one second"):
        client.predict(handle_file(take), "mara", api_name="/perform")
    take = client.predict(handle_file(words), "json", "60", api_name="/motion")
    for given in ((), (handle_file(words), "speech")):
        video = client.predict(handle_file(take), "theo", *given, api_name="/perform")["video"]
        with av.open(video) as film:
            assert sum(1 for _ in film.decode(video=0)) == 13
    with pytest.raises(AppError, match=r"names no ARKit|no text"):
        client.predict(handle_file(words), "mara", api_name="/perform")


def test_a_file_is_validated(client: Client, words: Path) -> None:
    assert client.predict(handle_file(models_dir() / "erik.imx"), api_name="/validate")["name"] == "Erik"
    told = client.predict(handle_file(words), api_name="/validate")
    assert told["valid"] is False and "not an avatar" in told["error"] and "/" not in told["error"].replace("n/a", "")


@pytest.mark.parametrize(
    ("given", "name", "word"),
    [
        (("sound", "nobody"), "/speak_file", "choose one of mara, theo"),
        (("text", "mara"), "/speak_file", "cannot be read as audio"),
        ((None, "mara"), "/speak_file", "no file in `audio`"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    client: Client, words: Path, tmp_path: Path, given: Any, name: str, word: str
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("nothing to hear" * 99)
    files = {"sound": handle_file(words), "text": handle_file(text), None: None}
    with pytest.raises(AppError, match=word) as error:
        client.predict(files[given[0]], *given[1:], api_name=name)
    assert "/tmp" not in str(error.value) and "Traceback" not in str(error.value)


def test_long_work_is_done_one_job_at_a_time_and_the_others_know_their_place(
    gallery: Gallery, words: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, at_once = threading.Event(), threading.Event(), list[int]()

    def slow(*given: Any) -> None:
        at_once.append(at_once[-1] + 1 if at_once else 1)
        begun.set()
        go_on.wait()
        given[-1]("rendering", 0.5)
        render_video(*given)
        at_once.append(at_once[-1] - 1)

    monkeypatch.setattr("bithuman_core.demo.actions.render_video", slow)
    with served(demo_app(gallery, places=1)) as url:
        jobs = [Client(url, verbose=False).submit(handle_file(words), "mara", api_name="/speak_file")]
        begun.wait()
        jobs += [Client(url, verbose=False).submit(handle_file(words), "theo", api_name="/speak_file") for _ in range(2)]
        while None in (ranks := [job.status().rank for job in jobs[1:]]):
            time.sleep(0.05)
        assert sorted(rank for rank in ranks if rank is not None) == [0, 1]
        go_on.set()
        assert all(Path(job.result()["video"]).exists() for job in jobs)
    assert max(at_once) == 1


def test_curl_calls_them_too(url: str) -> None:
    event = httpx.post(f"{url}/gradio_api/call/list_avatars", json={"data": []}).json()["event_id"]
    answer = httpx.get(f"{url}/gradio_api/call/list_avatars/{event}").text
    assert "event: complete" in answer and '"key": "mara"' in answer


def test_an_address_that_calls_too_often_waits(gallery: Gallery) -> None:
    with served(demo_app(gallery, places=1, limits=Limits(calls=2, calls_per_second=0.0))) as url:
        client = Client(url, verbose=False)
        for _ in range(2):
            client.predict(api_name="/list_avatars")
        with pytest.raises(AppError, match="wait half a minute"):
            client.predict(api_name="/list_avatars")


async def test_they_are_tools_of_mcp(url: str) -> None:
    async with (
        streamablehttp_client(f"{url}/gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == NAMES
        assert "speak" in (tools["speak_text"].description or "").lower()
        assert "avatar" in tools["speak_text"].inputSchema["properties"]
        answer = await session.call_tool("list_avatars", {})
        assert not answer.isError and "mara" in str(answer.content)
