"""Compiling kernels: when the room is imported, or read from numba's cache where the room's sources are as they were then.

numba looks only at the file that a function stands in; helpers and constants that it takes from another file are compiled into
it all the same, so that a kernel from before an update would go on running.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache

# For kernels that make an index of a float: fast math without "nnan" and "ninf", the promises that no number is NaN or infinite.
# Given these, LLVM may drop the very comparisons that keep an index inside.
CAREFUL = {"nsz", "arcp", "contract", "afn", "reassoc"}


def kernel(signature: Any, **options: Any) -> Callable[[Callable[..., None]], Any]:
    """``numba.njit(signature, nogil=True, cache=True, **options)``, compiled anew when any file with numba code beside the
    function's own has changed. What a kernel uses from elsewhere must stand in such a file.
    """

    def compiled(function: Callable[..., None]) -> Any:
        dispatcher: Any = njit(nogil=True, **options)(function)
        dispatcher._cache = _RoomCache(function)  # what enable_caching() does with numba's own cache
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher

    return compiled


class _RoomCache(FunctionCache):
    """numba's cache of one function; its keys tell the sources of the whole room."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), _digest(Path(self._py_func.__code__.co_filename).parent))


@cache
def _digest(room: Path) -> str:
    """Of all sources in a folder that use numba."""
    texts = [path.read_bytes() for path in sorted(room.glob("*.py"))]
    return hashlib.sha256(b"\0".join(text for text in texts if b"numba" in text)).hexdigest()
