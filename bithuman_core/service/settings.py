"""Where an installation of the service lies: its database and its files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bithuman_core.errors import Failed

FOLDER, DATABASE_URL, STORAGE_URL = "BITHUMAN_SERVICE_FOLDER", "BITHUMAN_DATABASE_URL", "BITHUMAN_STORAGE_URL"
DEFAULT_FOLDER = Path(".local/share/bithuman-core")  # below the home folder, as XDG has it


@dataclass(frozen=True, slots=True)
class Place:
    """URLs of the database and of the storage of files."""

    database: str
    storage: str


def place(folder: Path | None, database: str | None, storage: str | None, environment: Mapping[str, str] = os.environ) -> Place:
    """What the command line says, else the environment, else a folder of the user's that holds both; it is made.

    Raises Failed where the folder cannot be made.
    """
    database, storage = database or environment.get(DATABASE_URL), storage or environment.get(STORAGE_URL)
    if database and storage:
        return Place(database, storage)
    chosen = folder or Path(environment.get(FOLDER) or _own_folder(environment))
    chosen = chosen.expanduser().absolute()
    try:
        chosen.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Failed(f"The folder {str(chosen)!r} cannot be made ({error.strerror}): give another --folder.") from error
    return Place(database or f"sqlite:///{chosen / 'service.db'}", storage or str(chosen / "files"))


def _own_folder(environment: Mapping[str, str]) -> Path:
    data = environment.get("XDG_DATA_HOME")
    return Path(data) / DEFAULT_FOLDER.name if data else Path.home() / DEFAULT_FOLDER
