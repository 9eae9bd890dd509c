"""A full disk is said in a sentence, with 507 where there is a status, and leaves nothing half-written."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from bithuman_core.audio.sound import Sound
from bithuman_core.demo.gallery import Avatar, Gallery
from bithuman_core.demo.preview import write_idle_video
from bithuman_core.demo.render_video import render_video
from bithuman_core.demo.routes.disk_full import no_room
from bithuman_core.demo.ui.events import told
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.files import DISK_FULL
from tests.demo.serving import demo_app, serving
from tests.small_disk import files, small_disk

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EDQUOT])
async def test_whatever_an_event_of_the_page_keeps(kind: int) -> None:
    async def keep() -> None:
        raise OSError(kind, os.strerror(kind))

    with pytest.raises(gr.Error) as error:
        await told(keep)()
    assert error.value.message == DISK_FULL


async def test_another_fault_is_not_called_a_full_disk() -> None:
    async def read() -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with pytest.raises(PermissionError):
        await told(read)()
    with pytest.raises(PermissionError):
        await no_room(None, PermissionError())  # pyright: ignore[reportArgumentType]


async def test_an_upload(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = demo_app(gallery, places=1)
    with small_disk(tmp_path, 2**20) as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        async with serving(app) as client:
            for size in (3 * 2**20, 3 * 2**20):
                answer = await client.post("/gradio_api/upload", files={"files": ("sound.wav", bytes(size))})
                assert (answer.status_code, answer.json()["error"]) == (507, DISK_FULL)
                assert files(disk) == []
            answer = await client.post("/gradio_api/upload", files={"files": ("sound.wav", bytes(1000))})
            assert answer.status_code == 200


async def test_a_picture_of_an_avatar(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(avatar: Avatar) -> Path:
        raise FULL

    async with serving(demo_app(gallery, places=1)) as client:
        monkeypatch.setattr(Avatar, "idle_video", full)
        answer = await client.get("/avatars/mara/idle.mp4")
    assert (answer.status_code, answer.json()["error"]) == (507, DISK_FULL)


def test_a_video_and_a_film_leave_nothing(gallery: Gallery, tmp_path: Path) -> None:
    fixture = gallery.first.fixture
    clip = Clip("key", "noise", Sound(np.random.default_rng(0).integers(-20000, 20000, 48000).astype(np.int16)))
    with small_disk(tmp_path, 48 * 1024) as disk:
        with pytest.raises(OSError) as error:
            render_video(disk / "a.mp4", AvatarState(fixture), clip, lambda stage, share: None)
        assert error.value.errno == errno.ENOSPC
        with pytest.raises(OSError):
            write_idle_video(disk / "b.mp4", fixture)
        assert files(disk) == []
