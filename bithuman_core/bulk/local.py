"""Rows rendered in processes of this machine, each on a core of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from bithuman_core.bulk.rendering import render_row
from bithuman_core.bulk.rows import Fault, Row
from bithuman_core.errors import BithumanError

KILLED = "its process was ended: there may be too little memory for so many at a time; give fewer --jobs"


def render_here(rows: Sequence[Row], folder: Path, processes: int) -> Iterator[tuple[Row, Fault | None]]:
    """Each row as it is done, and why it could not be."""
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        try:
            rendering = {pool.submit(render_row, row, folder / row.output): row for row in rows}
            for future in as_completed(rendering):
                yield rendering[future], fault_of(rendering[future], future)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def fault_of(row: Row, future: Future[int]) -> Fault | None:
    """Why a row could not be rendered."""
    try:
        future.result()
        return None
    except BrokenProcessPool:
        return told(row, KILLED)
    except BithumanError as error:
        return told(row, error.message)
    except OSError as error:
        return told(row, error.strerror or str(error))


def told(row: Row, why: str) -> Fault:
    """A fault with its line."""
    return Fault(row.line, f"Line {row.line}: {why.rstrip('.')}.")
