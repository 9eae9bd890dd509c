"""The page with an avatar on film: its card, its pictures, what the endpoints make of it, and visitors beside each other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import soundfile
from gradio import mcp, routes
from gradio_client import Client, handle_file
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.preview import IDLE_TICKS, _stretch, still, write_idle_video
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.engine import Fixture
from bithuman_core.fastrtc.avatar_engine import AvatarEngine
from bithuman_core.fastrtc.live_session import LiveSession, SharedResources
from bithuman_core.settings import models_dir
from bithuman_core.timing import SAMPLES_PER_TICK
from tests.demo.conftest import fake_build
from tests.demo.serving import demo_app, served
from tests.footage import Filmed
from tests.simulated import SimulatedClock

KEY = "mara_film"


@pytest.fixture(scope="module")
def gallery(film: Filmed) -> Iterator[Gallery]:
    with pytest.MonkeyPatch.context() as put_back:  # Gradio's folder is one for the process
        put_back.setenv("GRADIO_TEMP_DIR", "")
        for module in (mcp, routes):
            put_back.setattr(module, "DEFAULT_TEMP_DIR", "")
        yield Gallery([film.path, models_dir() / "mara.imx"])


@pytest.fixture(scope="module")
def url(gallery: Gallery) -> Iterator[str]:
    with served(demo_app(gallery, places=2, limits=Limits(calls=1000), build=fake_build)) as url:
        yield url


@pytest.fixture
def client(url: str, tmp_path: Path) -> Client:
    return Client(url, verbose=False, download_files=tmp_path)


@pytest.fixture
def words(tmp_path: Path, speech: NDArray[np.int16]) -> Path:
    soundfile.write(tmp_path / "words.wav", speech[:16000], 16000)
    return tmp_path / "words.wav"


def test_it_is_listed_with_the_gestures_that_it_has(client: Client) -> None:
    first, second = client.predict(api_name="/list_avatars")
    assert (first["key"], first["size"], second["key"]) == (KEY, [512, 512], "mara")
    assert "nod" in first["gestures"] and "wink" not in first["gestures"] and "wink" in second["gestures"]


def test_it_has_a_still_and_an_idle_video(url: str) -> None:
    assert httpx.get(f"{url}/avatars/{KEY}/still.webp").content[8:12] == b"WEBP"
    assert httpx.get(f"{url}/avatars/{KEY}/idle.mp4", timeout=120).content[4:8] == b"ftyp"


@pytest.mark.parametrize("own", [False, True])
def test_it_speaks_a_file(client: Client, words: Path, film: Filmed, own: bool) -> None:
    avatar: dict[str, Any] = {"imx": handle_file(film.path)} if own else {"avatar": KEY}
    video = client.predict(handle_file(words), **avatar, api_name="/speak_file")["video"]
    with av.open(video) as played:
        pictures = [frame.to_ndarray(format="gray").astype(int) for frame in played.decode(video=0)]
    assert len(pictures) == 25 and pictures[0].shape == (512, 512)
    assert max(float(np.abs(b - a).mean()) for a, b in itertools.pairwise(pictures)) > 0.1


def test_a_file_is_validated(client: Client, film: Filmed, tmp_path: Path) -> None:
    assert client.predict(handle_file(film.path), api_name="/validate")["name"] == "Mara on film"
    broken = tmp_path / "broken.imx"
    broken.write_bytes(film.path.read_bytes()[:-2000])
    assert client.predict(handle_file(broken), api_name="/validate")["valid"] is False


def test_the_idle_video_begins_like_the_still_and_turns_where_the_head_stands_still(film: Filmed, tmp_path: Path) -> None:
    fixture = Fixture(film.path)
    write_idle_video(tmp_path / "idle.mp4", fixture)
    (tmp_path / "still.webp").write_bytes(still(fixture))
    picture = np.asarray(Image.open(tmp_path / "still.webp").convert("RGB")).astype(int)
    with av.open(str(tmp_path / "idle.mp4")) as played:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in played.decode(video=0)]
    assert IDLE_TICKS < len(frames) < 4 * IDLE_TICKS
    assert len(frames) == 2 * abs(_stretch(film.rig)[-1] - film.rig.best)
    assert {film.rig.best, _stretch(film.rig)[-1]} <= set(film.rig.walk.turning.tolist())
    assert np.abs(frames[0] - picture).mean() < 3
    steps = np.array([np.abs(b - a).mean() for a, b in itertools.pairwise(frames)])
    assert steps.max() < 4 * np.median(steps) + 0.5, "it jumps"
    assert np.abs(frames[-1] - frames[0]).mean() < 3, "the loop has a seam"


async def test_one_visitor_on_film_and_one_on_a_portrait_at_once(gallery: Gallery, speech: NDArray[np.int16]) -> None:
    said: list[tuple[str, Any]] = []

    async def watch(live: LiveSession) -> list[NDArray[np.uint8]]:
        running, pictures = asyncio.create_task(live.run()), []
        for k in range(50):
            live.hear(speech[k * SAMPLES_PER_TICK : (k + 1) * SAMPLES_PER_TICK])
            picture, _ = await asyncio.gather(live.pictures.get(), live.voices.get())
            pictures.append(np.array(picture))
        running.cancel()
        return pictures

    with ThreadPoolExecutor(2) as pool:
        lives = []
        for key in (KEY, "mara"):
            visitor = Visitor(gallery, AvatarEngine, Limits(), SimulatedClock())
            visitor.choose(key)
            shared = SharedResources(visitor.make_engine, pool, SimulatedClock())
            lives.append(LiveSession(shared, lambda kind, data: said.append((kind, data)), lambda: None))
        shown = await asyncio.gather(*map(watch, lives))
    assert not [data for kind, data in said if kind == "error"]
    film, portrait = ([picture[:512].astype(int) for picture in pictures] for pictures in shown)
    assert len(film) == len(portrait) == 50
    assert min(np.abs(a - b).mean() for a, b in zip(film, portrait, strict=True)) > 2, "each sees an avatar of their own"
    for pictures in (film, portrait):
        assert np.abs(pictures[40] - pictures[5]).mean() > 0.2
