"""Gradio's inputs, where they would open a visitor's file themselves."""

from __future__ import annotations

from typing import Any

import gradio as gr


def photo_input(**options: Any) -> gr.Image:
    """A ``gr.Image`` that hands on the path of its file: nobody opens it but the builder, which reads more kinds and checks them.

    No event may change it, but for its value: Gradio makes a new ``gr.Image`` of what is changed, even of ``gr.skip()``.
    (A subclass would do, but Gradio writes a stub of each into its package's folder.)
    """
    photo = gr.Image(**options)
    photo.preprocess = lambda payload: None if payload is None else payload.path
    return photo


def clip_input(**options: Any) -> gr.Video:
    """The same of a ``gr.Video``, which would call a program to turn or mute what it is given."""
    clip = gr.Video(**options)
    clip.preprocess = lambda payload: None if payload is None else payload.video.path
    return clip
