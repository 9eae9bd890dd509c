"""What of the page shows the present avatar, and what each part then shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from bithuman_core.demo.gallery import Avatar
from bithuman_core.demo.ui.ticket import ticket
from bithuman_core.demo.visitors.visitor import Visitor


def heading(avatar: Avatar) -> str:
    """The page's title."""
    return f"# {avatar.name}\nA talking avatar on an ordinary CPU."


def titled(name: str) -> str:
    """``look_left`` as a person writes it."""
    return name[:1].upper() + name[1:].replace("_", " ")


def gesture_names(avatar: Avatar) -> list[str]:
    """What an avatar can play."""
    return sorted(avatar.fixture.gestures)


def gesture_buttons(avatar: Avatar) -> dict[str, Any]:
    """The samples of a ``gr.Dataset``, in the order of :func:`gesture_names`."""
    names = gesture_names(avatar)
    return {"samples": [[name] for name in names], "sample_labels": [titled(name) for name in names]}


def pictures(avatars: list[Avatar]) -> list[tuple[str, str]]:
    """Stills and names for a gallery."""
    return [(str(avatar.still), avatar.name) for avatar in avatars]


@dataclass(frozen=True, slots=True)
class AvatarView:
    """The components that change with the avatar."""

    ticket: gr.HTML
    title: gr.Markdown
    gallery: gr.Gallery
    own: gr.Row
    keep: gr.DownloadButton
    note: gr.Markdown
    gestures: gr.Dataset

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`of` gives values for."""
        return [self.ticket, self.title, self.gallery, self.own, self.keep, self.note, self.gestures]

    def of(self, visitor: Visitor, note: str = "", *, listed: bool = True) -> list[Any]:
        """What they show for this visitor; ``note`` is said below the gallery. ``listed``: the gallery has other pictures now."""
        avatar = visitor.avatar
        return [
            ticket(visitor),
            heading(avatar),
            self._gallery(visitor) if listed else gr.skip(),
            gr.Row(visible=avatar.own),
            gr.DownloadButton(value=str(avatar.path) if avatar.own and avatar.path.exists() else None),
            gr.Markdown(note, visible=bool(note)),
            gr.Dataset(**gesture_buttons(avatar)),
        ]

    @staticmethod
    def _gallery(visitor: Visitor) -> gr.Gallery:
        """Where an own avatar went, the first picture takes its mark at once: the gallery would give it to the last one that is
        left, and tell that as a choice. A picture that is new can only be marked once it is there."""
        avatars = visitor.avatars
        if visitor.avatar.own:
            return gr.Gallery(pictures(avatars))
        return gr.Gallery(pictures(avatars), selected_index=avatars.index(visitor.avatar))
