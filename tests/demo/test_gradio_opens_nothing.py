"""Gradio hands visitors' files on as they are: whoever reads them does that behind the one door."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from gradio.components.video import VideoData
from gradio.data_classes import FileData, ImageData

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.server import make_context
from bithuman_core.demo.ui.page import build_page
from tests.demo.conftest import fake_build

TAKE_FILES = gr.Audio, gr.Image, gr.File, gr.UploadButton


@pytest.mark.parametrize("name", ["list.m3u8", "me.heic", "sound.wav", "me.imx"])
async def test_a_file_comes_through_unopened(gallery: Gallery, tmp_path: Path, name: str) -> None:
    path = tmp_path / name  # it is not even there: whoever opens it fails
    context = make_context(gallery, places=1, build=fake_build)
    blocks = build_page(context).blocks.values()
    taking = [block for block in blocks if isinstance(block, TAKE_FILES)]
    assert {type(block) for block in taking} == set(TAKE_FILES)
    (record,) = (block for block in blocks if getattr(block, "elem_id", None) == "record")
    assert isinstance(record, gr.Video) and record.preprocess(VideoData(video=FileData(path=str(path)))) == str(path)
    for block in taking:
        kind = ImageData if isinstance(block, gr.Image) else FileData
        given = kind(path=str(path), orig_name=name)
        if isinstance(block, gr.File | gr.UploadButton) and block.file_types and not name.endswith(tuple(block.file_types)):
            continue
        handed = block.preprocess(given)  # pyright: ignore[reportArgumentType]
        assert str(handed) == str(path)
    context.reading.close()
    context.jobs.close()


async def test_no_event_puts_an_input_of_gradios_own_in_the_place_of_ours(gallery: Gallery) -> None:
    """What an event changes of a component becomes a new component for that visitor: events empty ours, and do nothing else."""
    context = make_context(gallery, places=1, build=fake_build)
    page = build_page(context)
    ours = {block for block in page.blocks.values() if "preprocess" in vars(block)}
    assert {gr.Image, gr.Video} <= {type(block) for block in ours}
    changing = [event for event in page.fns.values() if ours & set(event.outputs)]
    assert all(len(event.outputs) == 1 and event.fn is not None and event.fn() is None for event in changing)
    context.reading.close()
    context.jobs.close()
