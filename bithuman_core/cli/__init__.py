"""The command line: ``bithuman-core`` (also ``python -m bithuman_core``)."""

from __future__ import annotations

import os
import sys

# Before numpy is imported: matrices are small here, and the threads of its BLAS would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bithuman_core.cli import avatar, create, machine, page, pose, render_many, saying, secrets, serve, speak, worker
from bithuman_core.cli.common import Unreachable, app, say
from bithuman_core.cli.ending import cleaning_up
from bithuman_core.errors import BithumanError, ModelError, NotAuthorised, TokenError, TokenRequestError

__all__ = [
    "app", "avatar", "create", "machine", "main", "page", "pose", "render_many", "saying", "secrets", "serve", "speak", "worker",
]  # fmt: skip

EXIT_INVALID_AVATAR, EXIT_UNREACHABLE, EXIT_FAILED, EXIT_NOT_AUTHORISED = 66, 69, 70, 77


def main() -> None:
    """Run the command line.

    Exit codes: 0 done, 2 wrong usage, 66 invalid avatar, 69 token server or page unreachable, 70 failed, 77 not authorised,
    128 and the number of the signal that ended it.
    """
    try:
        with cleaning_up():
            app()
    except BithumanError as error:
        say(error.message, "error", "red")
        sys.exit(_exit_code(error))
    except (OSError, ModuleNotFoundError) as error:  # what is full or forbidden, and extras that are not installed
        say(str(error), "error", "red")
        sys.exit(EXIT_FAILED)


def _exit_code(error: BithumanError) -> int:
    if isinstance(error, ModelError):
        return EXIT_INVALID_AVATAR
    if isinstance(error, TokenRequestError | Unreachable):
        return EXIT_UNREACHABLE
    return EXIT_NOT_AUTHORISED if isinstance(error, TokenError | NotAuthorised) else EXIT_FAILED
