"""Avatars before other backgrounds: what is behind them changes, they do not, and nothing of the old one is left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bithuman_core.background import OWN, Background
from bithuman_core.engine import Engine, Fixture
from bithuman_core.errors import BackgroundError, ModelLoadError
from bithuman_core.face import FaceState
from bithuman_core.imx import read_imx, write_imx
from bithuman_core.imx.checksum import describe
from bithuman_core.render import FootageRenderer, FootageRig, any_rig, renderer_for, scene_for
from bithuman_core.render.matte.cut_out import unmixed
from bithuman_core.render.matte.foreground import foreground
from bithuman_core.settings import models_dir
from tests.footage import Filmed
from tests.kinds import each_kind

POSES = [FaceState(), FaceState.from_mapping({"jawOpen": 0.6, "headYaw": 9, "breath": 1, "mouthSmileLeft": 0.5})]
OFF = 4  # levels: rounding, and what sharpening is off where it is clipped


Picture = NDArray[np.uint8]


def drawn(fixture: Fixture, choice: str | Picture, face: FaceState) -> tuple[Picture, Picture | None]:
    """The frame and its alpha."""
    renderer = renderer_for(fixture.rig, scene_for(fixture.rig, Background.of(choice)))
    return renderer.render(face), renderer.alpha


@each_kind
@pytest.mark.parametrize("face", POSES)
def test_alpha_is_what_lets_a_background_through(fixture: Fixture, face: FaceState) -> None:
    (black, none), (white, _), (clear, alpha) = (drawn(fixture, c, face) for c in ("#000000", "#ffffff", "transparent"))
    assert none is None and alpha is not None
    assert (clear == black).all()  # colours are times alpha
    through = white.astype(int) - black
    assert np.abs(255 - through - alpha[..., None]).max() <= OFF
    assert (alpha == 0).mean() > 0.2 and (alpha == 255).mean() > 0.3 and ((alpha > 0) & (alpha < 255)).mean() > 0.005
    assert (clear.max(2) <= alpha.astype(int) + OFF).all()


@each_kind
@pytest.mark.parametrize("face", POSES)
def test_a_picture_is_seen_as_it_is_where_nobody_stands(fixture: Fixture, face: FaceState) -> None:
    width, height = fixture.rig.size
    tiles = np.add.outer(np.arange(height) // 32, np.arange(width) // 32) % 2 * 255
    frame, _ = drawn(fixture, np.dstack([tiles, 255 - tiles, tiles]).astype(np.uint8), face)
    _, alpha = drawn(fixture, "transparent", face)
    assert alpha is not None
    inner = np.ones((height, width), bool)
    for line in (np.arange(height)[:, None], np.arange(width)[None]):  # the filter of a portrait's pixels softens edges of tiles
        inner &= (line % 32 > 0) & (line % 32 < 31)
    clear = (alpha == 0) & inner
    clear[1:-1, 1:-1] &= (alpha[:-2, 1:-1] == 0) & (alpha[2:, 1:-1] == 0) & (alpha[1:-1, :-2] == 0) & (alpha[1:-1, 2:] == 0)
    assert clear.mean() > 0.2
    assert np.abs(frame[clear].astype(int) - np.dstack([tiles, 255 - tiles, tiles])[clear]).max() <= 1


@each_kind
def test_the_own_background_is_not_touched(fixture: Fixture) -> None:
    renderer = renderer_for(fixture.rig)
    before = renderer.render(POSES[1])
    renderer.show(scene_for(fixture.rig, Background.of("transparent")))  # type: ignore[arg-type]
    renderer.render(POSES[1])
    renderer.show(scene_for(fixture.rig, OWN))  # type: ignore[arg-type]
    assert (renderer.render(POSES[1]) == before).all() and renderer.alpha is None


@each_kind
def test_a_change_is_whole_from_one_frame_to_the_next(fixture: Fixture) -> None:
    def run(changes: bool) -> list[NDArray[np.uint8]]:
        engine, frames = Engine(fixture, 4), []
        for k in range(6):
            if changes and k in (2, 4):
                engine.show(fixture.scene(Background.of("#00ff00" if k == 2 else "photo")))
            frames.append(engine.step(None).frame)
        return frames

    with_, without = run(True), run(False)
    for k in (0, 1, 4, 5):
        assert (with_[k] == without[k]).all()
    for k in (2, 3):
        assert (with_[k][2, 2] == (0, 255, 0)).all()


@each_kind
def test_blur_is_of_the_background_alone(fixture: Fixture) -> None:
    own, _ = drawn(fixture, "photo", POSES[0])
    soft, _ = drawn(fixture, "blur", POSES[0])
    _, alpha = drawn(fixture, "transparent", POSES[0])
    assert alpha is not None
    solid = alpha == 255
    assert np.abs(own[solid].astype(int) - soft[solid]).mean() < 0.5
    detail = [np.abs(np.diff(frame.astype(int), axis=1))[alpha[:, 1:] == 0].mean() for frame in (own, soft)]
    assert detail[1] < detail[0]


def test_a_film_without_a_matte_says_so_and_stays_what_it_is(film: Filmed) -> None:
    bare = replace(film.rig, matte=None)
    assert scene_for(bare, OWN).plate is None
    for choice in ("blur", "transparent", "#123456"):
        with pytest.raises(BackgroundError, match="no matte"):
            scene_for(bare, Background.of(choice))


def test_a_head_that_a_gesture_turns_moves_nothing_of_the_background(film: Filmed) -> None:
    stripes = np.repeat(np.where(np.arange(512) // 8 % 2, 255, 0).astype(np.uint8)[None, :, None], 512, 0).repeat(3, 2)
    renderer = FootageRenderer(film.rig)
    renderer.show(scene_for(film.rig, Background.of(stripes)))  # type: ignore[arg-type]
    turned = renderer.render(FaceState(), 60, head=np.array([6, 6, 3], np.float32))
    clear = FootageRenderer(film.rig)
    clear.show(scene_for(film.rig, Background.of("transparent")))  # type: ignore[arg-type]
    clear.render(FaceState(), 60, head=np.array([6, 6, 3], np.float32))
    assert clear.alpha is not None and (clear.alpha == 0).mean() > 0.2
    assert (turned[clear.alpha == 0] == stripes[clear.alpha == 0]).all()


@pytest.mark.parametrize("lacks", ["matte", "behind_start"])
def test_half_a_matte_is_damage(film: Filmed, lacks: str) -> None:
    arrays = {name: array for name, array in film.file.arrays.items() if name != lacks}
    file = replace(film.file, arrays=arrays, manifest=replace(film.file.manifest, arrays=describe(arrays)))
    with pytest.raises(ModelLoadError):
        any_rig(file)


def test_foreground_colours_are_those_that_were_mixed() -> None:
    y, x = np.mgrid[0:96, 0:96] / 96
    own = np.dstack([0.7 - 0.2 * x, 0.2 + 0.1 * y, 0.1 + 0 * x])
    behind = np.dstack([0.1 + 0 * x, 0.8 - 0.3 * y, 0.3 + 0.3 * x])
    alpha = np.clip((np.hypot(x - 0.5, y - 0.5) - 0.4) / -0.15, 0, 1)
    mixed = alpha[..., None] * own + (1 - alpha[..., None]) * behind
    solved = foreground(mixed.astype(np.float32), alpha.astype(np.float32))
    edge = (alpha > 0.1) & (alpha < 1)
    assert np.abs(solved - own)[edge].mean() < 0.15 * np.abs(mixed - own)[edge].mean()


def test_no_halo_of_a_bright_background_is_left_at_dark_hair() -> None:
    """Stored colours that still hold the background, as a careless matte leaves them, are replaced by the person's own."""
    x = np.arange(128)
    alpha = np.clip((88 - x) / 32, 0, 1)
    photo = np.rint(255 * (0.1 * alpha + 0.95 * (1 - alpha)))
    stored = np.zeros((128, 128, 4), np.uint8)
    stored[..., :3], stored[..., 3] = photo[None, :, None], np.rint(255 * alpha)[None]
    plate = np.full((128, 128, 3), 242, np.uint8)
    # the photo, as colours and plate make it up together, is what the renderer has shown all the time
    truth = np.where(alpha > 0, (photo - (1 - alpha) * 242) / np.maximum(alpha, 1e-3), 0)
    stored[..., :3] = np.clip(truth + 40 * (alpha < 1), 0, 255)[None, :, None]  # and off by a light rim
    clean = unmixed(stored.view(np.uint32)[..., 0], plate).view(np.uint8).reshape(128, 128, 4)
    assert (clean[..., 3] == stored[..., 3]).all()
    soft = (alpha > 0.2) & (alpha < 1)
    assert clean[64, soft, 0].mean() < stored[64, soft, 0].mean()


def test_the_file_of_an_avatar_may_name_its_background(tmp_path) -> None:  # type: ignore[no-untyped-def]
    mara = read_imx(models_dir() / "mara.imx")
    write_imx(tmp_path / "green.imx", replace(mara.manifest, background="#00ff00"), dict(mara.arrays))
    fixture = Fixture(tmp_path / "green.imx")
    assert (Engine(fixture).step(None).frame[2, 2] == (0, 255, 0)).all()
    own = Engine(fixture)
    own.show(fixture.scene(OWN))
    assert (own.step(None).frame == Engine(Fixture("mara")).step(None).frame).all()
    for wrong in ("transparent", "#12", "a beach", "picture"):
        write_imx(tmp_path / "wrong.imx", replace(mara.manifest, background=wrong), dict(mara.arrays))
        with pytest.raises(ModelLoadError):
            Fixture(tmp_path / "wrong.imx")


def test_the_shipped_film_is_cut_out() -> None:
    rig = any_rig(read_imx(models_dir() / "mara_film.imx"))
    assert isinstance(rig, FootageRig) and rig.matte is not None and len(rig.matte.cover) == rig.frames
