"""Somebody cleans the folder for temporary files while the server runs: it goes on, without a restart."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.ui.view import pictures
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.fastrtc.avatar_engine import AvatarEngine
from bithuman_core.settings import speech_clip
from tests.demo.conftest import fake_build
from tests.demo.serving import demo_app, served
from tests.simulated import SimulatedClock


@pytest.fixture(scope="module")
def url(gallery: Gallery) -> Iterator[str]:
    with served(demo_app(gallery, places=1, limits=Limits(calls=1000), build=fake_build)) as url:
        yield url


@pytest.fixture
def clean(gallery: Gallery) -> None:
    """The folder is gone."""
    shutil.rmtree(gallery.folder)


@pytest.fixture
def visitor(gallery: Gallery) -> Visitor:
    return Visitor(gallery, AvatarEngine, Limits(), SimulatedClock())


@pytest.mark.usefixtures("clean")
def test_pictures_and_films_are_made_anew(url: str, gallery: Gallery) -> None:
    shown = [f"/gradio_api/file={still}" for still, _ in pictures(list(gallery.avatars.values()))]
    shutil.rmtree(gallery.folder)
    for path in ("/", "/avatars/theo/still.webp", *shown, "/avatars/mara/idle.mp4"):
        assert httpx.get(url + path, timeout=60).status_code == 200, path


@pytest.mark.usefixtures("clean")
def test_uploads_are_taken_and_videos_made(url: str, tmp_path: Path) -> None:
    client = Client(url, verbose=False, download_files=tmp_path)
    video = client.predict(handle_file(speech_clip()), "theo", api_name="/speak_file")["video"]
    assert Path(video).stat().st_size > 10_000


def test_a_visitor_whose_files_are_lost_goes_on(gallery: Gallery, visitor: Visitor) -> None:
    lost = visitor.new_folder()
    shutil.rmtree(gallery.folder)
    assert visitor.new_folder().is_dir() and not lost.exists()
    visitor.close()


async def test_an_upload_that_is_lost_is_asked_for_again(gallery: Gallery) -> None:
    from bithuman_core.demo.actions import clip_of_file
    from bithuman_core.demo.server import make_context

    context = make_context(gallery, places=1)
    with pytest.raises(Refusal, match="choose it again") as refused:
        await clip_of_file(context, gallery.folder / "speech.wav", "alice")
    assert refused.value.status == 410
    context.jobs.close()


def test_the_example_stays_for_the_next_visitor(visitor: Visitor) -> None:
    visitor.keep_upload(speech_clip())
    visitor.close()
    assert speech_clip().exists()


def test_an_upload_that_breaks_off_leaves_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def halves() -> list[Path]:
        return list(tmp_path.iterdir())

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # as the server does
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n' + bytes(2**20)
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    where = httpx.URL(url)
    with socket.create_connection((where.host, where.port or 80)) as connection:
        connection.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % (2 * len(body)) + body)
        until(halves)
    until(lambda: not halves())
    assert "Traceback" not in caplog.text


def until(holds: Callable[[], object]) -> None:
    """Wait for the server, which notices things in its own time."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)
