"""``secrets``: the API secrets of a service of one's own."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bithuman_core.cli.common import JsonOption, app, say
from bithuman_core.errors import Failed

if TYPE_CHECKING:
    from bithuman_core.service.data.tables import Secret
    from bithuman_core.service.secrets.store import Secrets

NEEDED = ("sqlalchemy", "alembic", "argon2", "jwt", "fsspec", "prometheus_client", "fastapi", "uvicorn", "python_multipart")
DAY_SECONDS = 86_400.0

FolderOption = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where database and files lie (~/.local/share/bithuman-core).")
]
DatabaseOption = Annotated[str | None, typer.Option(metavar="URL", help="Another database: postgresql://user@host/name.")]

group = typer.Typer(no_args_is_help=True, help="API secrets of your own service (bithuman-core serve).")
app.add_typer(group, name="secrets")


def check_installed() -> None:
    """Raises Failed where the extra is missing."""
    if any(find_spec(module) is None for module in NEEDED):
        raise Failed("The service needs more packages: pip install 'bithuman-core[serve]'.")


def _secrets(folder: Path | None, database: str | None) -> Secrets:
    check_installed()
    from bithuman_core.service.data.database import Database
    from bithuman_core.service.secrets.store import Secrets
    from bithuman_core.service.settings import place

    opened = Database(place(folder, database, None).database)
    opened.upgrade()
    return Secrets(opened)


@group.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which you know it again, for example website.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it may: read, speak, build, admin; repeat for more (read, speak and build).")
    ] = None,
    days: Annotated[float | None, typer.Option(help="How long it lives (for ever).", min=0.001)] = None,
    per_minute: Annotated[int, typer.Option(help="Requests a minute.", min=1)] = 600,
    per_day: Annotated[int, typer.Option(help="Agents and videos that it may have made a day.", min=0)] = 100,
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a secret and print it: this once, only its hash is kept."""
    secrets = _secrets(folder, database)
    seconds = None if days is None else days * DAY_SECONDS
    secret, row = secrets.create(
        name, scope or ["read", "speak", "build"], seconds=seconds, per_minute=per_minute, per_day=per_day
    )
    say(f"Secret {row.id} ({name}) may {', '.join(row.scopes)}. It is shown this once: put it into BITHUMAN_API_SECRET.")
    print(secret)


@group.command("list")
def list_secrets(as_json: JsonOption = False, folder: FolderOption = None, database: DatabaseOption = None) -> None:
    """Say which secrets there are: never the secrets themselves."""
    cards = [_card(row) for row in _secrets(folder, database).all()]
    if as_json:
        print(json.dumps(cards, indent=1))
        return
    for card in cards:
        print(f"{card['id']}  {card['state']:8s}{','.join(card['scopes']):18s} {card['created'][:10]}  {card['name']}")


@group.command()
def revoke(
    number: Annotated[str, typer.Argument(metavar="ID", help="As bithuman-core secrets list shows it.")],
    folder: FolderOption = None,
    database: DatabaseOption = None,
) -> None:
    """End a secret at once."""
    _secrets(folder, database).revoke(number)
    say(f"Secret {number} is valid no more.")


def _card(row: Secret) -> dict[str, Any]:
    from bithuman_core.service.secrets.store import state

    return {"id": row.id, "name": row.name, "state": state(row, time.time()), "scopes": row.scopes,
            "created": _told(row.created), "expires": row.expires and _told(row.expires)}  # fmt: skip


def _told(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
