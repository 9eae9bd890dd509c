"""The background that a visitor chooses: seen at once and with other avatars, forgotten with the visit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.server import make_context
from bithuman_core.demo.ui.background import hex_of
from bithuman_core.fastrtc.avatar_engine import AvatarEngine
from bithuman_core.settings import models_dir
from tests.demo.conftest import fake_build
from tests.demo.test_panel import LIMITS, Page, file, refused

CORNER = 2, 2


@pytest.fixture
async def page(gallery: Gallery) -> AsyncIterator[Page]:
    context = make_context(gallery, places=1, limits=replace(LIMITS, background_bytes=2**20), build=fake_build)
    yield Page(context)
    await context.visitors.close_all()
    context.reading.close()
    context.jobs.close()


def corner(page: Page) -> tuple[int, ...]:
    return tuple(int(v) for v in AvatarEngine(page.visitor.state).step(None).frame[CORNER])


@pytest.mark.parametrize("said", ["#0040ff", "rgba(0, 64.2, 255, 1)", "rgb(0,64,255)"])
def test_a_colour_is_read_however_the_picker_says_it(said: str) -> None:
    assert hex_of(said) == "#0040ff"


async def test_a_colour_stands_behind_whoever_is_shown(page: Page) -> None:
    own = corner(page)
    shown = await page("stand", "colour", "#0040ff", None)
    assert [each.visible for each in shown] == [True, False]
    assert corner(page) == (255, 64, 0)
    await page("choose", SimpleNamespace(index=1))
    assert corner(page) == (255, 64, 0)
    await page("choose", SimpleNamespace(index=0))
    await page("stand", "photo", "#0040ff", None)
    assert corner(page) == own
    assert corner_of_another(page) == own


def corner_of_another(page: Page) -> tuple[int, ...]:
    other = page.context.visitors.open()
    return tuple(int(v) for v in AvatarEngine(other.state).step(None).frame[CORNER])


async def test_a_picture_of_the_visitors_goes_with_the_visit(page: Page) -> None:
    path = page.context.gallery.folder / "room.png"
    Image.new("RGB", (50, 50), (10, 200, 30)).save(path)
    await page("stand", "picture", "#000000", str(path))
    assert corner(page) == (30, 200, 10)
    page.visitor.close()
    assert not path.exists()


async def test_what_is_no_picture_gets_a_sentence_and_changes_nothing(page: Page) -> None:
    await page("stand", "colour", "#0040ff", None)
    for name, content in (("a.png", b"no picture"), ("b.png", b""), ("c.png", bytes(2**20 + 1))):
        await refused(page("stand", "picture", "#000000", file(page, name, content)))
    await refused(page("stand", "colour", "blue or so", None))
    assert corner(page) == (255, 64, 0)


async def test_nobody_names_a_file_of_the_servers(page: Page) -> None:
    with pytest.raises(gr.Error):
        await page("stand", str(models_dir() / "mara.png"), "#000000", None)


async def test_pictures_are_counted_as_other_files_are(page: Page) -> None:
    path = page.context.gallery.folder / "room.png"
    for _ in range(LIMITS.requests):
        page.visitor.spend()
    Image.new("RGB", (50, 50)).save(path)
    assert "wait" in await refused(page("stand", "picture", "#000000", str(path)))


async def test_a_film_without_a_matte_has_no_other_background(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bithuman_core.demo.visitors.visitor.can_be_cut_out", lambda rig: False)
    await page("choose", SimpleNamespace(index=1))
    await page("stand", "blur", "#000000", None)
    assert "matte" in await refused(page("choose", SimpleNamespace(index=0)))
    assert page.visitor.avatar.name == "Theo"
