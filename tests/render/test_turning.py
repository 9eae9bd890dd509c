"""Pictures that no frame of a film shows: their colours are known before they are made, and are those that FFmpeg would make."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bithuman_core.background import Background
from bithuman_core.imx import read_imx
from bithuman_core.render import FilmScene, FootageRenderer, FootageRig, read_footage, scene_for
from bithuman_core.render.footage.colours import pick_coloured
from bithuman_core.render.footage.cut_out import Before, CutOut, Person
from bithuman_core.render.footage.film import Colours, FilmPlayer
from bithuman_core.render.footage.renderer import colour_at
from bithuman_core.render.footage.turning import Turned, Turning
from bithuman_core.settings import models_dir

TURN = np.radians([3.0, -2.0, 1.0]).astype(np.float32)


@cache
def film() -> FootageRig:
    return read_footage(read_imx(models_dir() / "mara_film.imx"))


@pytest.mark.parametrize(("leaving", "share"), [(-1, 0.0), (40, 0.4), (40, 0.55), (40, 0.9)])
@pytest.mark.parametrize("name", ["photo", "#000000"])
def test_colours_are_known_before_the_picture_is_made(name: str, leaving: int, share: float) -> None:
    renderer, scene = FootageRenderer(film()), scene_for(film(), Background.named(name))
    assert isinstance(scene, FilmScene)
    renderer.show(scene)
    shown, _ = renderer._shown(TURN, 20, leaving, share, ())
    if isinstance(shown, Person):
        assert scene.plate is not None
        made = CutOut(film().size).before(Before(shown, scene.plate))
    else:
        assert isinstance(shown, Turned)
        made = Turning(film().size).picture(shown)
    where = np.random.default_rng(1).uniform((150, 150), (360, 400), (40, 2)).astype(np.float32)
    assert np.abs(colour_at(shown, where) - colour_at(made, where)).max() < 2  # levels: it is taken from the nearest px


def test_samples_are_coloured_as_ffmpeg_colours_them() -> None:
    planes = FilmPlayer(film().film).planes(film().best)
    height, width = planes.y.shape
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2) + np.float32(0.5)
    ours = np.empty((height * width, 3), np.uint8)
    pick_coloured(*planes, places.astype(np.float32), ours)
    assert np.abs(ours.reshape(height, width, 3).astype(np.int16) - Colours().of(planes)).max() <= 1  # none on x86
