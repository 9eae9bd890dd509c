"""Compiling kernels: when the room is imported, or read from numba's cache where the room's sources are as they were then.

numba looks only at the file that a function stands in; helpers and constants that it takes from another file are compiled into
it all the same, so that a kernel from before an update would go on running.

Where no folder beside the sources or at home can be written (a read-only system, a user without a home) a cache that is there is
read, else one is kept in the folder for temporary files, so that the processes of a server compile once for all of them. Where
that cannot be written either, kernels live in memory alone, which is said once.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, InTreeCacheLocator, UserProvidedCacheLocator

logger = logging.getLogger(__name__)

# For kernels that make an index of a float: fast math without "nnan" and "ninf", the promises that no number is NaN or infinite.
# Given these, LLVM may drop the very comparisons that keep an index inside.
CAREFUL = {"nsz", "arcp", "contract", "afn", "reassoc"}


def remembered(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """``numba.njit(cache=True, **options)`` with the cache of :func:`kernel`, compiled at the first call."""

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher: Any = njit(**options)(function)
        dispatcher._cache = _RoomCache(function)  # what enable_caching() does with numba's own cache
        return dispatcher

    return compiled


def kernel(signature: Any, **options: Any) -> Callable[[Callable[..., None]], Any]:
    """``numba.njit(signature, nogil=True, cache=True, **options)``, compiled anew when any file with numba code beside the
    function's own, or beside this one, has changed. What a kernel uses from elsewhere must stand in such a file.
    """

    def compiled(function: Callable[..., None]) -> Any:
        dispatcher = remembered(nogil=True, **options)(function)
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher

    return compiled


class _Brought:
    """A cache where nothing can be written: it is read, if there is one."""

    def ensure_cache_path(self) -> None:
        """Raises OSError where there is none."""
        if not any(Path(self.get_cache_path()).glob("*.nbi")):  # type: ignore[attr-defined]
            raise FileNotFoundError


class _BroughtProvided(_Brought, UserProvidedCacheLocator):
    """That of NUMBA_CACHE_DIR, where it is set: an image of a container brings one."""


class _BroughtInTree(_Brought, InTreeCacheLocator):
    """That beside the sources."""


class _Temporary(InTreeCacheLocator):
    """One in the folder for temporary files, in a folder that nobody else can write in: what is in a cache is run."""

    def ensure_cache_path(self) -> None:
        """Raises OSError where there can be none."""
        self._cache_path = str(_own_folder() / self.get_suitable_cache_subpath(self._py_file))
        super().ensure_cache_path()


class _Nowhere(InTreeCacheLocator):
    """No cache at all. The last choice."""

    def ensure_cache_path(self) -> None:
        """Nothing is made."""


def _own_folder() -> Path:
    """This user's folder for caches. Raises OSError where it cannot be made, or is not this user's alone."""
    folder = Path(tempfile.gettempdir(), f"bithuman-kernels-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{str(folder)!r} is not this user's alone")
    return folder


class _RoomCacheImpl(CompileResultCacheImpl):
    _locator_classes: ClassVar[list[Any]] = [
        *CompileResultCacheImpl._locator_classes,
        _BroughtProvided,
        _BroughtInTree,
        _Temporary,
        _Nowhere,
    ]


class _RoomCache(FunctionCache):
    """numba's cache of one function; its keys tell the sources of the whole room."""

    _impl_class = _RoomCacheImpl

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except OSError:  # it cannot be read: the same as none
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _say_once(error.strerror or str(error))

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), _digest(Path(self._py_func.__code__.co_filename).parent))


@cache
def _say_once(reason: str) -> None:
    logger.warning(
        "Compiled kernels cannot be kept (%s), so that every start takes some 15 s more: let NUMBA_CACHE_DIR name a folder "
        "that can be written.",
        reason,
    )


@cache
def _digest(room: Path) -> str:
    """Of all sources that use numba in a folder and in this one, whose helpers others use."""
    texts = [path.read_bytes() for path in sorted({*room.glob("*.py"), *Path(__file__).parent.glob("*.py")})]
    return hashlib.sha256(b"\0".join(text for text in texts if b"numba" in text)).hexdigest()
