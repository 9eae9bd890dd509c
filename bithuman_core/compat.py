"""Lets code that imports ``bithuman`` run on this package: call :func:`install` first, change nothing else.

Nothing happens at import. ``install()`` answers ``import bithuman`` and ``from bithuman.audio import ...`` with the modules of
this package, the very same objects, so that classes and exceptions are one and the same under both names.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from bithuman_core.errors import BithumanError

FOREIGN, OURS = "bithuman", "bithuman_core"
# Modules that are called differently here; every other name is the same in both.
RENAMED = {"api": "types", "config": "settings", "exceptions": "errors"}


class _Names(MetaPathFinder, Loader):
    """Finds ``bithuman.x`` as ``bithuman_core.x``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(FOREIGN + ".") or find_spec(_our_name(fullname)) is None:
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> None:
        """An empty module for the moment."""

    def exec_module(self, module: ModuleType) -> None:
        """Put ours in its place: what stands in ``sys.modules`` afterwards is what the import returns."""
        sys.modules[module.__name__] = import_module(_our_name(module.__name__))


def _our_name(fullname: str) -> str:
    _, first, *rest = fullname.split(".")
    return ".".join([OURS, RENAMED.get(first, first), *rest])


_names = _Names()


def install() -> None:
    """From now on ``import bithuman`` in this process means this package. Calling it again does nothing.

    Call it before anything imports ``bithuman`` (the LiveKit plugin does when it starts). Raises BithumanError where the
    commercial SDK has been imported already: two runtimes under one name would mix.
    """
    ours = import_module(OURS)
    present = sys.modules.setdefault(FOREIGN, ours)
    if present is not ours:
        raise BithumanError(
            "Another package has been imported as 'bithuman' already: call bithuman_core.compat.install() before it, at the very "
            "beginning of the program.",
            code="ALREADY_IMPORTED",
        )
    if _names not in sys.meta_path:
        sys.meta_path.insert(0, _names)  # before the path finders, which would load our files a second time


def uninstall() -> None:
    """Undo :func:`install`: later imports of ``bithuman`` find what is installed under that name, or nothing."""
    if _names not in sys.meta_path:
        return
    sys.meta_path.remove(_names)
    for name in [name for name in sys.modules if name == FOREIGN or name.startswith(FOREIGN + ".")]:
        del sys.modules[name]
