"""The stage: the picture of the avatar, its one button and its badges, as HTML, styles and ES modules of our own."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from bithuman_core.demo.gallery import Avatar

STAGE = Path(__file__).resolve().parent


def stage_html(avatar: Avatar) -> str:
    """The stage with its first avatar in it, so that there is something to see before any script runs."""
    width, height = avatar.size
    return Template((STAGE / "stage.html").read_text("utf-8")).substitute(
        name=escape(avatar.name), key=escape(avatar.key), width=width, height=height
    )
