"""How the admin page's events run: at once, in threads, in the name of whoever signed in, every refusal in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from bithuman_core.errors import BithumanError
from bithuman_core.service.secrets.scopes import Scope
from bithuman_core.service.secrets.store import Holder

P = ParamSpec("P")
T = TypeVar("T")

QUICK: dict[str, Any] = {"api_name": False, "concurrency_limit": None, "show_progress": "hidden"}


def told(function: Callable[P, T]) -> Callable[P, T]:
    """What is refused, or fails in a way that is known, becomes Gradio's own error with its sentence."""

    @wraps(function)
    def run(*given: P.args, **named: P.kwargs) -> T:
        try:
            return function(*given, **named)
        except BithumanError as error:
            raise gr.Error(error.message, print_exception=False, title="That did not work") from None

    return run


def whoever_asks(request: gr.Request) -> Holder:
    """Who signed in, as the calls of the API want to know it."""
    return Holder(str(request.username), (Scope.ADMIN.value,), per_day=0)
