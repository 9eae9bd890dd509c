"""What the routes of the page share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastrtc import Stream

from bithuman_core.fastrtc.avatars import Gallery
from bithuman_core.fastrtc.jobs import Jobs, Report
from bithuman_core.fastrtc.limits import Limits
from bithuman_core.fastrtc.tts import TextToSpeech
from bithuman_core.fastrtc.turn import Route
from bithuman_core.fastrtc.visit import Visit
from bithuman_core.fastrtc.visits import Visits

# Photo, where the avatar goes, its name, the progress; returns sentences about what the photo lacks. Raises BuildError.
Builder = Callable[[bytes, Path, str, Report], Sequence[str]]


@dataclass(frozen=True, slots=True)
class House:
    """Everything that one server has; one for each application."""

    gallery: Gallery
    stream: Stream
    visits: Visits
    jobs: Jobs
    speech: TextToSpeech
    route: Route
    limits: Limits
    build: Builder | None  # None: no photos are taken


def the_house(request: Request) -> House:
    """The house of the application that a request came to."""
    house: Any = request.app.state.house
    return house


def the_visit(house: Annotated[House, Depends(the_house)], x_visit: Annotated[str | None, Header()] = None) -> Visit:
    """The visit whose secret the request carries. Raises Refusal."""
    return house.visits.find(x_visit)


InHouse = Annotated[House, Depends(the_house)]
OnVisit = Annotated[Visit, Depends(the_visit)]
