"""The background panel: what is chosen there stands behind the avatar that the visitor sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.browser.conftest import screenshot
from tests.browser.harness import start

pytestmark = pytest.mark.browser

CORNERS = """() => {
  const video = document.querySelector("avatar-stage video:not(.idle)");
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 64, 64);
  return [context.getImageData(3, 3, 1, 1), context.getImageData(60, 3, 1, 1)].map((dot) => [...dot.data].slice(0, 3));
}"""
CODED = 24  # levels that a video stream may be off
ORANGE, BLUE = (230, 120, 20), (20, 60, 200)


def kind(page: Page, label: str) -> None:
    """Choose a kind of background."""
    page.locator("#background").get_by_text(label, exact=True).click()


def wait_for_corners(page: Page, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Until the upper corners of what the visitor sees have these colours."""
    page.wait_for_function(
        f"([wanted, off]) => ({CORNERS})().flat().every((level, k) => Math.abs(level - wanted[k]) <= off)",
        arg=[[*left, *right], CODED],
        timeout=20_000,
    )


def test_colour_picture_and_blur_stand_behind_the_avatar(page: Page, tmp_path: Path) -> None:
    start(page)
    page.wait_for_function("document.querySelector('avatar-stage video:not(.idle)').videoWidth > 0")
    own = [tuple(dot) for dot in page.evaluate(CORNERS)]
    kind(page, "Colour")
    page.locator("#background-colour button.dialog-button").click()
    page.locator("#background-colour input[type=text]").fill("#e67814")
    page.locator("#background-colour input[type=text]").press("Enter")
    wait_for_corners(page, ORANGE, ORANGE)
    screenshot(page, "background-colour", tmp_path)
    page.keyboard.press("Escape")

    picture = np.empty((360, 640, 3), np.uint8)
    picture[:, :320], picture[:, 320:] = ORANGE, BLUE
    Image.fromarray(picture).save(tmp_path / "room.png")
    kind(page, "Picture")
    page.locator("#background-picture input[type=file]").set_input_files(tmp_path / "room.png")
    wait_for_corners(page, ORANGE, BLUE)
    screenshot(page, "background-picture", tmp_path)

    kind(page, "Blurred")
    wait_for_corners(page, *own)
    screenshot(page, "background-blur", tmp_path)
    kind(page, "Its own")
    wait_for_corners(page, *own)


def test_a_file_that_is_no_picture_is_refused_with_a_sentence(page: Page, tmp_path: Path) -> None:
    (tmp_path / "room.png").write_bytes(b"no picture at all")
    kind(page, "Picture")
    page.locator("#background-picture input[type=file]").set_input_files(tmp_path / "room.png")
    page.wait_for_selector(".toast-body")
    assert "picture" in page.inner_text(".toast-body")
