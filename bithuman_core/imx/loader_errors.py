"""The one place where whatever a loader stumbles over becomes a ModelLoadError: a damaged file is no fault of the program."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from bithuman_core.errors import ModelError, ModelLoadError

logger = logging.getLogger(__name__)
Given = ParamSpec("Given")
Made = TypeVar("Made")


def loader(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """A function that reads a part of an avatar: it raises ModelError and nothing else. The log keeps the cause."""

    @wraps(function)
    def guarded(*args: Given.args, **named: Given.kwargs) -> Made:
        try:
            return function(*args, **named)
        except ModelError:
            raise
        except Exception as error:
            logger.warning("%s could not read an avatar", function.__qualname__, exc_info=True)
            raise ModelLoadError(
                f"The avatar cannot be read ({type(error).__name__}); the file is damaged: get or build it again."
            ) from error

    return guarded
