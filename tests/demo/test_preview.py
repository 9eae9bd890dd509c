"""Stills and idle films of avatars."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import av
import numpy as np
from PIL import Image

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.preview import IDLE_TICKS, face_at_rest, still, write_idle_video

FRAMES = 20  # that may be held at once, of 125


def test_the_film_is_made_frame_by_frame_and_begins_like_the_still(gallery: Gallery, tmp_path: Path) -> None:
    fixture = gallery.first.fixture
    width, height = fixture.rig.size
    tracemalloc.start()
    write_idle_video(tmp_path / "film.mp4", fixture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < FRAMES * width * height * 3
    (tmp_path / "still.webp").write_bytes(still(fixture))
    picture = np.asarray(Image.open(tmp_path / "still.webp").convert("RGB")).astype(int)
    with av.open(str(tmp_path / "film.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(video=0)]
    assert len(frames) == 2 * IDLE_TICKS
    assert np.abs(frames[0] - picture).mean() < 3
    assert np.abs(frames[-1] - frames[0]).mean() < 3, "the loop has a seam"
    assert np.abs(frames[IDLE_TICKS] - frames[0]).mean() > np.abs(frames[-1] - frames[0]).mean()


def test_the_face_at_rest_is_the_same_for_every_avatar(gallery: Gallery) -> None:
    faces = [face_at_rest(avatar.fixture).values for avatar in gallery.avatars.values()]
    assert all(np.array_equal(face, faces[0]) for face in faces)
