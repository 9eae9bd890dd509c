"""``serve``: the REST API of a service of one's own."""

from __future__ import annotations

import math
import os
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from socket import create_server
from typing import TYPE_CHECKING, Annotated

import typer

from bithuman_core.cli.cluster import Size, check_cluster, serve_in_cluster
from bithuman_core.cli.common import app, say
from bithuman_core.cli.secrets import DatabaseOption, FolderOption, check_installed
from bithuman_core.errors import Failed

if TYPE_CHECKING:
    from bithuman_core.hosts import KnownHosts
    from bithuman_core.service.admin.page import AdminPage
    from bithuman_core.service.context import Service
    from bithuman_core.service.data.database import Database
    from bithuman_core.service.embed.visits import Embeds
    from bithuman_core.service.rooms import Rooms
    from bithuman_core.service.storage import Storage

StorageOption = Annotated[str | None, typer.Option(metavar="URL", help="Another storage of files: s3://bucket/path.")]

OWN_MACHINE = "127.0.0.1"


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8088,
    folder: FolderOption = None,
    database: DatabaseOption = None,
    storage: StorageOption = None,
    allowed_hosts: Annotated[str, typer.Option(help="Names it is called by, with commas: api.example.org,*.internal.")] = "",
    trusted_proxies: Annotated[
        str, typer.Option(help="Web servers in front whose word about a client's address counts, with commas.")
    ] = OWN_MACHINE,
    rooms: Annotated[
        int | None, typer.Option(help="Avatars in LiveKit rooms at once (with the extra livekit: one a core).", min=0)
    ] = None,
    admin: Annotated[bool, typer.Option(help="Serve the page of whoever runs the service, at /admin.")] = True,
    embeds: Annotated[
        int | None, typer.Option(help="Avatars on pages of other sites at once (with the extra fastrtc: one a core).", min=0)
    ] = None,
    visit_minutes: Annotated[
        float, typer.Option(help="Longest time on such a page at a stretch, so that others get their turn; 0: no limit.", min=0)
    ] = 0,
    export: Annotated[
        Path | None, typer.Option(metavar="OUT.tar", help="Write the whole installation to a file, and end.")
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", metavar="IN.tar", help="Fill an empty installation from such a file, and end.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Serve on a cluster of Ray (docs/scaling.md): auto (this machine's, or a new one), ray://host:10001, host:6379.",
        ),
    ] = None,
    places: Annotated[
        int | None, typer.Option(help="In a cluster: avatars live at once in one process, which has a core.", min=1)
    ] = None,
    workers: Annotated[int, typer.Option(help="In a cluster: fewest processes with places.", min=1)] = 1,
    max_workers: Annotated[
        int | None, typer.Option(help="In a cluster: most of them (as many as it has cores).", min=1)
    ] = None,
    fetch_from: Annotated[
        list[str] | None,
        typer.Option(help="Host or network of your own that addresses in requests may name, e.g. 10.1.0.0/16; repeat for more."),
    ] = None,
) -> None:
    """Serve the REST API: agents, videos, speech, secrets (see docs/service.md)."""
    check_installed()
    if cluster is not None:
        check_cluster(cluster)
        if rooms is not None or embeds is not None:
            raise typer.BadParameter("in a cluster pages and rooms share their places: say --places", param_hint="--cluster")
        if trusted_proxies != OWN_MACHINE:
            raise typer.BadParameter("set FORWARDED_ALLOW_IPS on the nodes instead", param_hint="--trusted-proxies")
    elif places is not None or max_workers is not None:
        raise typer.BadParameter("they are of a cluster: say --cluster as well", param_hint="--places and --max-workers")
    from bithuman_core.demo.connections import as_networks, server_config
    from bithuman_core.demo.ending import EndingServer
    from bithuman_core.heap import share_heaps
    from bithuman_core.service.app import service_app
    from bithuman_core.service.context import Service
    from bithuman_core.service.data.database import Database
    from bithuman_core.service.limits import ServiceLimits
    from bithuman_core.service.settings import place
    from bithuman_core.service.storage import Storage
    from bithuman_core.worker.addresses import Addresses

    try:
        Addresses(fetch_from or ())
        as_networks(trusted_proxies)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--fetch-from or --trusted-proxies") from None
    where = place(folder, database, storage)
    opened = Database(where.database)
    opened.upgrade()
    if export is not None or import_ is not None:
        _move(opened, Storage(where.storage), export, import_)
        return
    if cluster is not None:
        serve_in_cluster(
            cluster, opened, where.storage, Size(places, workers, max_workers), lambda: _note_secrets(opened), url=where.database,
            host=host, port=port, hosts=tuple(filter(None, allowed_hosts.split(","))), fetch_from=tuple(fetch_from or ()),
            seconds=60 * visit_minutes or math.inf,
        )  # fmt: skip
        return
    try:
        listener = create_server((host, port))
    except OSError as error:
        raise Failed(f"Nothing can listen on {host}:{port} ({error.strerror}): choose another --port or --host.") from error
    share_heaps()
    service = Service(opened, Storage(where.storage), limits=ServiceLimits(fetch_from=tuple(fetch_from or ())))
    places = rooms if rooms is not None else (os.cpu_count() or 1) * (find_spec("livekit") is not None)
    make_rooms = partial(_rooms, service, places) if places else None
    showing = embeds if embeds is not None else (os.cpu_count() or 1) * (find_spec("fastrtc") is not None)
    make_embeds = partial(_embeds, places=showing, seconds=60 * visit_minutes or math.inf) if showing else None
    page = _admin_page(service) if admin else None
    application = service_app(service, host, allowed_hosts.split(","), make_rooms, make_embeds, page)
    _note_secrets(opened)

    def ready() -> None:
        say(f"Ready: http://{host}:{port}/v1, described by /openapi.json. Ctrl+C ends it.")

    config = server_config(application, service.limits.doors, trusted_proxies=trusted_proxies)
    EndingServer(config, ready, service.reading.close).run_and_exit(listener)


def _note_secrets(database: Database) -> None:
    from bithuman_core.service.secrets.store import Secrets

    if not Secrets(database).all():
        say("There is no secret yet: make one with bithuman-core secrets create NAME.", "note", "yellow")


def _move(database: Database, storage: Storage, out: Path | None, given: Path | None) -> None:
    from bithuman_core.service.moving import export_to, import_from

    if out is not None and given is not None:
        raise typer.BadParameter("say one of --export and --import")
    if out is not None:
        say(f"Exported with {export_to(out, database, storage)} files; keep {out} as you keep a password.")
    elif given is not None:
        say(f"Imported with {import_from(given, database, storage)} files.")


def _admin_page(service: Service) -> AdminPage:
    if find_spec("gradio") is None:
        raise Failed("The admin page needs Gradio: pip install 'bithuman-core[serve]', or say --no-admin.")
    from bithuman_core.service.admin.page import AdminPage  # which brings Gradio along

    return AdminPage(service)


def _rooms(service: Service, places: int, hosts: KnownHosts) -> Rooms:
    if find_spec("livekit") is None:
        raise Failed("Avatars in rooms need LiveKit's packages: pip install 'bithuman-core[livekit]', or say --rooms 0.")
    from bithuman_core.service.rooms import Rooms
    from bithuman_core.settings import default_avatar
    from bithuman_core.worker.avatars import Wardrobe
    from bithuman_core.worker.limits import WorkerLimits

    limits = WorkerLimits(tasks=places, fetch_from=service.limits.fetch_from)
    return Rooms(service, Wardrobe(default_avatar()), limits, hosts)


def _embeds(service: Service, places: int, seconds: float) -> Embeds:
    if find_spec("fastrtc") is None:
        raise Failed("Avatars on pages need FastRTC: pip install 'bithuman-core[fastrtc]', or say --embeds 0.")
    from bithuman_core.service.embed.answers import embed_answers
    from bithuman_core.service.embed.visits import Embeds

    return Embeds(service, places, embed_answers(), seconds)
