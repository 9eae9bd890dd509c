"""How the page's events run: what is quick at once, what is long one at a time, and every refusal in one sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.jobs import JobCancelled, Report
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.address import network_of
from bithuman_core.errors import BithumanError
from bithuman_core.files import DISK_FULL, is_full

P = ParamSpec("P")
T = TypeVar("T")

QUICK: dict[str, Any] = {"api_name": False, "concurrency_limit": None, "show_progress": "hidden"}
LONG: dict[str, Any] = {"concurrency_id": "long", "concurrency_limit": 1}  # all long work together, in the order of its coming
GONE = "The page was closed."
TOO_OFTEN = "That was a lot in a short time: wait half a minute, then try again."


def told(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """What is refused, or fails in a way that is known, becomes Gradio's own error with its sentence."""

    @wraps(function)
    async def run(*given: P.args, **named: P.kwargs) -> T:
        try:
            return await function(*given, **named)
        except Refusal as refusal:
            sentence = refusal.sentence
        except BithumanError as error:
            sentence = error.message
        except JobCancelled:
            sentence = GONE
        except OSError as error:
            if not is_full(error):
                raise
            sentence = DISK_FULL
        raise gr.Error(sentence, print_exception=False, title="That did not work")

    return run


def reporter(progress: gr.Progress) -> Report:
    """Tells Gradio's progress bar."""

    def report(stage: str, share: float) -> None:
        progress(share, desc=stage[:1].upper() + stage[1:])

    return report


def host_of(request: gr.Request | None) -> str | None:
    """The address that an event comes from."""
    return getattr(getattr(request, "client", None), "host", None)


def caller(request: gr.Request | None) -> str:
    """The network address that an endpoint is called from; this machine has one as well."""
    return network_of(host_of(request), own_machine=True) or "unknown"


def count_call(context: DemoContext, request: gr.Request | None) -> str | None:
    """Count a call of an endpoint, and return whom it counts for. Raises Refusal where its address has called too often."""
    if not context.callers.take(caller(request)):
        raise Refusal(429, TOO_OFTEN)
    return network_of(host_of(request), own_machine=context.limits.own_machine)
