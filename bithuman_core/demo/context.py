"""What the routes of the page share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastrtc import Stream

from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.jobs import Jobs, Report
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.visitor import Visitor
from bithuman_core.demo.visitors import Visitors
from bithuman_core.fastrtc.turn import Route
from bithuman_core.voice import TextToSpeech

# Photo, where the avatar goes, its name, the progress; returns sentences about what the photo lacks. Raises BuildError.
Builder = Callable[[bytes, Path, str, Report], Sequence[str]]


@dataclass(frozen=True, slots=True)
class DemoContext:
    """Everything that one server has; one for each application."""

    gallery: Gallery
    stream: Stream
    visitors: Visitors
    jobs: Jobs
    speech: TextToSpeech
    route: Route
    limits: Limits
    build: Builder | None  # None: no photos are taken


def the_context(request: Request) -> DemoContext:
    """The house of the application that a request came to."""
    context: Any = request.app.state.context
    return context


def the_visitor(
    context: Annotated[DemoContext, Depends(the_context)], x_visit: Annotated[str | None, Header()] = None
) -> Visitor:
    """The visit whose secret the request carries. Raises Refusal."""
    return context.visitors.find(x_visit)


InDemo = Annotated[DemoContext, Depends(the_context)]
OfVisitor = Annotated[Visitor, Depends(the_visitor)]
