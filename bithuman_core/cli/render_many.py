"""``render-many``: a video for each row of a table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bithuman_core.cli.cluster import check_cluster
from bithuman_core.cli.common import app, say, with_progress
from bithuman_core.errors import Failed

if TYPE_CHECKING:
    from bithuman_core.bulk.rows import Fault, Row


@app.command("render-many")
def render_many(
    table: Annotated[
        Path,
        typer.Argument(metavar="JOBS.csv", help="Columns: avatar, audio, output; where wanted style, size, background."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT/", help="The folder of the videos.")],
    jobs: Annotated[int, typer.Option(help="Videos at a time on this machine.", min=1)] = os.cpu_count() or 1,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Render on a cluster of Ray: auto, ray://host:10001, host:6379.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Render also what is there and newer than its files.")] = False,
) -> None:
    """Render a video for each row of a table; begun again, it goes on where it was stopped."""
    from bithuman_core.bulk.rendering import is_done
    from bithuman_core.bulk.rows import read_rows

    rows, faults = read_rows(table)
    for fault in faults:
        say(fault.sentence, "error", "red")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{str(output)!r} cannot be made a folder ({error.strerror})", param_hint="--output") from error
    wanted = [row for row in rows if again or not is_done(row, output / row.output)]
    wanted.sort(key=lambda row: (str(row.avatar), row.size or 0))  # so that each process loads each avatar once
    failed = len(faults)
    for _, fault in with_progress(_rendered(wanted, output, jobs, cluster), len(wanted), "rendering"):
        if fault is not None:
            failed += 1
            say(fault.sentence, "error", "red")
    done = len(rows) + len(faults) - failed
    say(f"{output}: {done} videos, {len(rows) - len(wanted)} of them were there")
    if failed:
        raise Failed(f"{failed} of {len(rows) + len(faults)} rows are not rendered: correct them, and run it again for these.")


def _rendered(rows: list[Row], folder: Path, processes: int, cluster: str | None) -> Iterator[tuple[Row, Fault | None]]:
    if not rows:
        return
    if cluster is None:
        from bithuman_core.bulk.local import render_here

        yield from render_here(rows, folder, min(processes, len(rows)))
        return
    check_cluster(cluster)
    from bithuman_core.cluster import starting
    from bithuman_core.cluster.bulk import render_there

    starting.join(cluster)
    try:
        yield from render_there(rows, folder)
    finally:
        starting.leave()
