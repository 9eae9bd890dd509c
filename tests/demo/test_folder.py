"""Somebody cleans the folder for temporary files while the server runs: it goes on, without a restart."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
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
        await clip_of_file(context, gallery.folder / "speech.wav")
    assert refused.value.status == 410
    context.jobs.close()


def test_the_example_stays_for_the_next_visitor(visitor: Visitor) -> None:
    visitor.keep_upload(speech_clip())
    visitor.close()
    assert speech_clip().exists()


def test_what_is_left_of_an_upload_that_broke_off_is_removed(gallery: Gallery) -> None:
    old, fresh = gallery.folder / "tmp_half", gallery.folder / "tmp_coming"
    for path, age in ((old, 1000.0), (fresh, 3000.0)):
        path.write_bytes(b"half a file")
        os.utime(path, (age, age))
    gallery.remove_remains(2000.0)
    assert not old.exists() and fresh.exists()
    assert all(avatar.still.exists() for avatar in gallery.avatars.values())
    fresh.unlink()
