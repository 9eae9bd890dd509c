"""Gradio's inputs, where they would open a visitor's file themselves."""

from __future__ import annotations

from typing import Any

import gradio as gr

class Photo(gr.Image):
    """A picture whose file nobody opens but the builder: of any kind that it reads, checked there."""

    is_template = True  # drawn as what it derives from

    def preprocess(self, payload: Any) -> str | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The path of the file."""
        return None if payload is None else payload.path
    from collections.abc import Callable, Sequence
    from typing import TYPE_CHECKING, Any, Literal

    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component
