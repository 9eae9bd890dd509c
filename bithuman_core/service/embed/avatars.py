"""Avatar files of the storage, loaded: one of each as long as somebody shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from bithuman_core.engine import Fixture
from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.storage import Storage
from bithuman_core.speech.net import SpeechNet


class AvatarFiles(Protocol):
    """Where avatar files are had from: ``lent(sha256)`` has one on this machine as long as the block. Raises ServiceError."""

    def lent(self, sha256: str) -> AbstractContextManager[Path]: ...


class Fetched:
    """Copies from the storage, in a folder of this process."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self._storage, self._folder = storage, folder

    @contextmanager
    def lent(self, sha256: str) -> Iterator[Path]:
        """A copy that goes with the block."""
        path = self._folder / f"{identifier()}.imx"
        try:
            self._storage.fetch(sha256, path)
            yield path
        finally:
            path.unlink(missing_ok=True)


class StoredAvatars:
    """load: runs the loading in a thread."""

    def __init__(self, files: AvatarFiles, load: Callable[[Callable[[], Fixture]], Awaitable[Fixture]]) -> None:
        self._files, self._load = files, load
        self._loaded: WeakValueDictionary[str, Fixture] = WeakValueDictionary()
        self._net: SpeechNet | None = None
        self._turn = asyncio.Lock()  # two visitors of a new avatar load it once

    async def get(self, sha256: str) -> Fixture:
        """The avatar of a file, which was looked through when it was stored. Raises ServiceError, ModelError."""
        if (shown := self._loaded.get(sha256)) is not None:  # whoever comes for it waits for nobody else's avatar
            return shown
        async with self._turn:
            fixture = self._loaded.get(sha256)
            if fixture is None:
                fixture = self._loaded[sha256] = await self._load(partial(self._read, sha256))
            return fixture

    def _read(self, sha256: str) -> Fixture:
        with self._files.lent(sha256) as path:
            self._net = self._net or SpeechNet.load()
            return Fixture(path, self._net)
