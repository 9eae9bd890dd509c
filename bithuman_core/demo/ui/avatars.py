"""The part of the panel with the avatars: the gallery, an ``.imx`` file of one's own, one from a photo or clip."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import gradio as gr

from bithuman_core.build.photo.sources import is_clip, is_photo
from bithuman_core.demo.actions import NO_CONSENT, load_avatar, make_avatar
from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.ui.events import LONG, QUICK, reporter, told
from bithuman_core.demo.ui.making import PHOTO, RECORDING, MakingPanel, Source
from bithuman_core.demo.ui.view import AvatarView, pictures
from bithuman_core.errors import SeveralFacesError

IS_PHOTO = "That is a photo or a clip, not an avatar: drop it on “Create from a photo” or “Record yourself” below."


class AvatarPanel:
    """Its components, laid out where it is made."""

    def __init__(self, context: DemoContext) -> None:
        gr.Markdown("## Avatar")
        self.gallery = gr.Gallery(
            pictures(list(context.gallery.avatars.values())),
            label="Avatar", show_label=False, container=False, columns=4, height="auto", object_fit="cover", allow_preview=False,
            selected_index=0, interactive=False, show_share_button=False, show_download_button=False,
            show_fullscreen_button=False, elem_id="avatar-gallery",
        )  # fmt: skip
        with gr.Row(visible=False, elem_id="own-avatar") as self.own:
            self.keep = gr.DownloadButton("Download .imx", size="sm", min_width=0)
            self.remove = gr.Button("Remove", size="sm", min_width=0)
        self.note = gr.Markdown(visible=False, elem_id="avatar-note")
        self.open = gr.UploadButton("Open an .imx file", file_types=[".imx"], size="sm", elem_id="open-imx")
        self.photo = MakingPanel(context, PHOTO)
        self.recording = MakingPanel(context, RECORDING)


def several(error: SeveralFacesError, folder: Path) -> gr.Gallery:
    """The faces of a photo to choose from, their pictures in ``folder``."""
    shown = []
    for number, picture in enumerate(error.faces, 1):
        path = folder / f"face {number}.jpg"
        path.write_bytes(picture)
        shown.append((str(path), str(number)))
    return gr.Gallery(shown, visible=True, selected_index=None)


def wire(panel: AvatarPanel, view: AvatarView, context: DemoContext, visitor: gr.State) -> None:
    """What happens when something of the panel is used."""

    async def choose(secret: str, selected: gr.SelectData) -> list[Any]:
        found = context.visitors.find(secret)
        avatars = found.avatars
        chosen = avatars[min(int(selected.index), len(avatars) - 1)]
        if chosen is found.avatar:  # the mark that a new picture takes is told as a choice, too: what is said of it stays
            return [gr.skip()] * len(view.outputs)
        found.choose(chosen.key)
        return view.of(found, listed=False)

    async def bring(secret: str, file: str) -> list[Any]:
        found = context.visitors.find(secret)
        found.keep_upload(Path(file))
        if is_photo(Path(file)) or is_clip(file):
            raise Refusal(415, IS_PHOTO)
        with context.visitors.room_for_avatar(found):
            found.spend()
            avatar = await load_avatar(context, Path(file), found.new_folder(), found.owner)
            found.add(avatar)
        found.choose(avatar.key)
        return view.of(found)

    async def remove(secret: str) -> list[Any]:
        found = context.visitors.find(secret)
        found.remove(found.avatar.key)
        return view.of(found)

    def creator(source: Source) -> Callable[..., Awaitable[list[Any]]]:
        async def create(
            secret: str, file: str | None, name: str, consent: bool, face: int, progress: gr.Progress = gr.Progress()  # noqa: B008
        ) -> list[Any]:
            found = context.visitors.find(secret)
            if file is None:
                raise Refusal(400, source.missing)
            found.keep_upload(Path(file))
            if not consent:
                raise Refusal(403, NO_CONSENT)
            with context.visitors.room_for_avatar(found):
                found.spend()
                folder, told_by = found.new_folder(), reporter(progress)
                try:
                    path, notes = await make_avatar(
                        context, Path(file), name, source.ticked, folder, told_by, lambda: found.closed, face=face or None
                    )
                except SeveralFacesError as error:
                    return [*(gr.skip() for _ in view.outputs), "", gr.skip(), gr.skip(), several(error, folder), 0]
                avatar = await load_avatar(context, path, path.parent, found.owner)
                found.add(avatar)
            found.choose(avatar.key)
            return [*view.of(found, " ".join(notes)), "", avatar.key, False, gr.Gallery(visible=False), 0]

        return told(create)

    def pick(selected: gr.SelectData) -> int:
        return int(selected.index) + 1

    def forget() -> list[Any]:
        """Another photo has other faces."""
        return [gr.Gallery(visible=False), 0]

    async def mark(secret: str) -> gr.Gallery:
        """The new picture takes the mark."""
        found = context.visitors.find(secret)
        return gr.Gallery(selected_index=found.avatars.index(found.avatar))

    panel.gallery.select(told(choose), visitor, view.outputs, **QUICK)
    panel.remove.click(told(remove), visitor, view.outputs, **QUICK)
    opening = panel.open.upload(told(bring), [visitor, panel.open], view.outputs, **QUICK)
    making = [
        way.create.click(
            creator(way.source),
            [visitor, way.input, way.name, way.consent, way.face],
            [*view.outputs, way.progress, way.made, way.consent, way.faces, way.face],
            api_name=False, show_progress_on=way.progress, **LONG,
        )
        for way in (panel.photo, panel.recording)
    ]  # fmt: skip
    for way in (panel.photo, panel.recording):
        way.made.change(lambda: None, None, way.input, **QUICK)
        way.faces.select(pick, None, way.face, **QUICK)
        way.input.change(forget, None, [way.faces, way.face], **QUICK)
    for event in (opening, *making):
        event.success(told(mark), visitor, panel.gallery, **QUICK)
