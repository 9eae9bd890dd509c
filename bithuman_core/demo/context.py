"""What the parts of one demo share."""

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
from bithuman_core.demo.visitors.allowance import AddressAllowances
from bithuman_core.demo.visitors.shares import Shares
from bithuman_core.demo.visitors.visitor import Visitor
from bithuman_core.demo.visitors.visitors import Visitors
from bithuman_core.fastrtc.turn import Route
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.voice import TextToSpeech

# Photo or clip, where the avatar goes, its name, who agreed to it, which face (None: the only one), the progress.
# Returns sentences about what the photo lacks. Raises BuildError.
Builder = Callable[[Path, Path, str, str, int | None, Report], Sequence[str]]


@dataclass(frozen=True, slots=True)
class DemoContext:
    """Everything that one server has; one for each application."""

    gallery: Gallery
    stream: Stream
    visitors: Visitors
    jobs: Jobs
    reading: ReadingPool  # of what visitors bring
    speech: TextToSpeech
    route: Route
    limits: Limits
    build: Builder | None  # None: no photos are taken
    callers: AddressAllowances  # of the endpoints without a page
    speeches: Shares  # texts that are being spoken or wait for it
    hears: bool = False  # whether talks understand the microphone

    def end_work(self) -> None:
        """Begin nothing more, and end what is begun."""
        self.reading.close()  # first, so that a job that waits for it is in Python again
        self.jobs.close()


def the_context(request: Request) -> DemoContext:
    """The context of the application that a request came to."""
    context: Any = request.app.state.context
    return context


def the_visitor(
    context: Annotated[DemoContext, Depends(the_context)], x_visit: Annotated[str | None, Header()] = None
) -> Visitor:
    """The visitor whose secret the request carries. Raises Refusal."""
    return context.visitors.find(x_visit)


InDemo = Annotated[DemoContext, Depends(the_context)]
OfVisitor = Annotated[Visitor, Depends(the_visitor)]
