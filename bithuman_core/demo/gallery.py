"""The avatars that a page can show: the server's, which everybody sees, and a visitor's own."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bithuman_core.demo.folder import demo_folder
from bithuman_core.demo.preview import face_at_rest, still, write_idle_video
from bithuman_core.engine import Fixture
from bithuman_core.files import replacing
from bithuman_core.speech.net import SpeechNet


class Avatar:
    """One ``.imx`` file, checked and loaded, with its pictures.

    ``folder`` is where its pictures go. ``picture`` is a still (WebP) of a visitor's own, which was checked (``uploads``).
    ``key`` is its name in addresses: the file's for an avatar of the server, a secret for a visitor's own. Raises ModelError for
    a file that is none. Takes some 0.2 s: call it in a worker thread.
    """

    def __init__(self, path: Path, folder: Path, net: SpeechNet | None = None, picture: bytes | None = None) -> None:
        self.path, self.own = path, picture is not None
        self.key = secrets.token_urlsafe(16) if self.own else path.stem
        self.fixture = Fixture(path, net)
        self._picture = picture or still(self.fixture)
        self._still = folder / f"{self.key}.webp"
        self._idle_video = folder / f"{self.key}.mp4"
        self._lock = threading.Lock()
        _ = self.still  # a full disk is known before the avatar is kept

    @property
    def name(self) -> str:
        """What the avatar is called."""
        return self.fixture.manifest.name

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its frames in px."""
        return self.fixture.manifest.canvas

    @property
    def still(self) -> Path:
        """A picture of it at rest, written where it is not there (any more)."""
        if not self._still.exists():
            self._still.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._still) as temporary:
                temporary.write_bytes(self._picture)
        return self._still

    def idle_video(self) -> Path:
        """The video of it idling, made where it is not there (2 s of work)."""
        with self._lock:
            if not self._idle_video.exists():
                self._idle_video.parent.mkdir(parents=True, exist_ok=True)
                write_idle_video(self._idle_video, self.fixture)
            return self._idle_video

    def card(self) -> dict[str, Any]:
        """What the stage knows of it."""
        return {"key": self.key, "name": self.name, "own": self.own, "size": list(self.size)}


class Gallery:
    """The server's own avatars; the first one is shown first. ``folder`` is where their pictures go, and what visitors bring."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Load these files. Raises ModelError."""
        first, *others = paths
        self._folder = demo_folder()
        self.net = SpeechNet.load()
        self.avatars: dict[str, Avatar] = {}
        for path in (first, *others):
            if path.stem not in self.avatars:  # of two with the same name the first one stays
                self.avatars[path.stem] = Avatar(path, self.folder, self.net)
        self.first = next(iter(self.avatars.values()))
        self.face = face_at_rest(self.first.fixture)  # of a visitor's own avatar in its still
        self.keep_files()

    @property
    def folder(self) -> Path:
        """Made anew where somebody has removed it. Raises OSError."""
        return self._folder.path

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        self._folder.close()

    def keep_files(self) -> None:
        """The folder and the pictures are there, also where somebody has removed them. Raises OSError."""
        _ = self.folder
        for avatar in self.avatars.values():
            _ = avatar.still
