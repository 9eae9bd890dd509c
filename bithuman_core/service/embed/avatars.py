"""Avatar files of the storage, loaded: one of each as long as somebody shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

from bithuman_core.engine import Fixture
from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.storage import Storage
from bithuman_core.speech.net import SpeechNet


class StoredAvatars:
    """load: runs the loading in a thread. folder: where files lie meanwhile."""

    def __init__(self, storage: Storage, folder: Path, load: Callable[[Callable[[], Fixture]], Awaitable[Fixture]]) -> None:
        self._storage, self._folder, self._load = storage, folder, load
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
                fixture = self._loaded[sha256] = await self._load(partial(self._fetch, sha256))
            return fixture

    def _fetch(self, sha256: str) -> Fixture:
        path = self._folder / f"{identifier()}.imx"
        try:
            self._storage.fetch(sha256, path)
            self._net = self._net or SpeechNet.load()
            return Fixture(path, self._net)
        finally:
            path.unlink(missing_ok=True)
