"""The avatars that go into rooms: the worker's own, an uploaded file, or one made of an uploaded photo."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from PIL import Image

from bithuman_core.background import Background
from bithuman_core.engine import Engine, Fixture
from bithuman_core.imx.sniff import is_commercial
from bithuman_core.low_priority import be_nice
from bithuman_core.settings import models_dir
from bithuman_core.uploads import build_from_photo, can_build, check_avatar, read_background, reading_pool
from bithuman_core.worker.refused import Refused

HEAD_BYTES = 512
CONSENT_NEEDED = (
    "The avatar image is a photo or clip: say in the field consent who agreed to an avatar of this person and how, "
    'for example "I am the person in the photo".'
)
NO_PHOTOS = "This worker makes no avatars from photos: its host can install bithuman-core[build]."


def is_avatar_file(path: Path) -> bool:
    """Whether an upload is meant as an ``.imx`` file, by its first bytes; everything else is looked at as a photo or clip."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return path.suffix.lower() == ".imx" or head[8:9] == b"{" or is_commercial(head)


class Wardrobe:
    """Loads avatars in a thread of low priority; the net of the first one serves all.

    What clients send is read in processes of their own (``uploads``), and loaded here when it is known to be sound.
    """

    def __init__(self, default: Path, folder: Path | None = None) -> None:
        """Load the default avatar. folder: of others that clients may name, beside the shipped ones. Raises ModelError."""
        self.path, self._folder = default, folder
        self.default = Fixture(default)
        self._loading = ThreadPoolExecutor(1, "avatars", initializer=be_nice)
        self._building = ThreadPoolExecutor(1, "photos", initializer=be_nice)
        self._reading = reading_pool()

    def named(self, name: str) -> Path:
        """The file of an avatar that the worker keeps. Raises Refused."""
        files = [folder / f"{name}.imx" for folder in (self._folder, models_dir()) if folder is not None]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            raise Refused(f"avatar: this worker has none called {name!r}; leave it out, or ask its operator for --avatars.")
        return found

    def start(self) -> None:
        """Get ready for uploads now, so that the first one need not wait."""
        self._reading.start()

    async def load(self, upload: Path | None, consent: str | None) -> Fixture:
        """The avatar of an upload (None: the default one).

        Photos and clips become avatars of people, which takes seconds and ``consent`` (Refused). Raises ModelError, and
        IntakeError for a file that takes more than it is given.
        """
        if upload is None:
            return self.default
        loop = asyncio.get_running_loop()
        if not is_avatar_file(upload):
            if not consent:
                raise Refused(CONSENT_NEEDED, 403)
            if not can_build():
                raise Refused(NO_PHOTOS, 501)
            out = upload.with_name("built.imx")
            build = partial(build_from_photo, self._reading, upload, out, upload.stem, consent)
            await loop.run_in_executor(self._building, build)
            upload = out
        await check_avatar(self._reading, upload, str(upload))
        return await loop.run_in_executor(self._loading, Fixture, upload, self.default.net)

    async def background(self, picture: Path) -> Background:
        """The background of a picture's file. Raises BackgroundError, IntakeError."""
        return await read_background(self._reading, picture, str(picture))

    def test_frame(self) -> bytes:
        """A picture of the default avatar at rest, JPEG."""
        file = io.BytesIO()
        Image.fromarray(Engine(self.default).step(None).frame[:, :, ::-1]).save(file, "JPEG", quality=90)
        return file.getvalue()

    def close(self) -> None:
        """Begin to load nothing more."""
        self._reading.close()
        for pool in (self._loading, self._building):
            pool.shutdown(wait=False, cancel_futures=True)
