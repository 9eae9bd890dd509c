"""Rows rendered by a cluster. Files travel with the work and videos come back, so that its machines share no folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from bithuman_core.bulk.local import told
from bithuman_core.bulk.rendering import render_row
from bithuman_core.bulk.rows import Fault, Row
from bithuman_core.errors import BithumanError
from bithuman_core.files import replacing

RETRIES = 3  # where a process or a machine dies over a row
AHEAD = 2  # rows that wait for each core: more would only hold memory
DIED = "the machines that rendered it died, one after the other"


def render_there(rows: Sequence[Row], folder: Path, cores: float = 1.0) -> Iterator[tuple[Row, Fault | None]]:
    """Each row as it is done, and why it could not be. The cluster has to be joined. cores: that a row takes."""
    work = ray.remote(num_cpus=cores, max_retries=RETRIES)(_render)
    most = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1) / cores))
    avatars: dict[Path, Any] = {}
    waiting, under_way = iter(rows), dict[Any, Row]()
    while True:
        while len(under_way) < most and (row := next(waiting, None)) is not None:
            if row.avatar not in avatars:
                avatars[row.avatar] = ray.put(row.avatar.read_bytes())
            under_way[work.remote(row, avatars[row.avatar], row.audio.read_bytes())] = row
        if not under_way:
            return
        (done, *_), _ = ray.wait(list(under_way), num_returns=1)
        row = under_way.pop(done)
        yield row, _fault(row, done, folder / row.output)


def _fault(row: Row, done: Any, out: Path) -> Fault | None:
    try:
        video: bytes = ray.get(done)  # pyright: ignore[reportAssignmentType]
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as temporary:
            temporary.write_bytes(video)
        return None
    except RayTaskError as error:
        return told(row, error.cause.message if isinstance(error.cause, BithumanError) else str(error.cause))
    except RayError:
        return told(row, DIED)


def _render(row: Row, avatar: bytes, audio: bytes) -> bytes:
    """The video of a row whose files came along."""
    with tempfile.TemporaryDirectory(prefix="bithuman-bulk-") as name:
        folder = Path(name)
        here = replace(row, avatar=folder / f"avatar{row.avatar.suffix}", audio=folder / f"audio{row.audio.suffix}")
        here.avatar.write_bytes(avatar)
        here.audio.write_bytes(audio)
        out = folder / Path(row.output).name
        render_row(here, out)
        return out.read_bytes()
