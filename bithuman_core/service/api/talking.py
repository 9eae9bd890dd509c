"""``/v1/agent/{code}/speak`` and ``/v1/agent/{code}/add-context``: telling agents that are live, in rooms
and on pages."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import select

from bithuman_core.service.api.access import Speaking
from bithuman_core.service.api.agents import Code, found
from bithuman_core.service.context import InService
from bithuman_core.service.data.tables import Live, Message
from bithuman_core.service.errors import NoActiveRooms
from bithuman_core.service.live import is_live
from bithuman_core.service.secrets.audit import note

router = APIRouter(tags=["live"])

MOST = 4000  # characters
NOBODY = "The agent {code} is not live {where}: launch it into a room (POST /launch), or open a page that shows it."


class Speech(BaseModel):
    """What the agent says."""

    message: str = Field(min_length=1, max_length=MOST)
    room_id: str | None = Field(None, max_length=256, description="one room alone; left out, everywhere where it is live")


class Context(BaseModel):
    """What the agent is to know; with ``speak`` what it says."""

    context: str = Field(min_length=1, max_length=MOST)
    type: Literal["add_context", "speak"] = "add_context"
    room_id: str | None = Field(None, max_length=256)


class Delivered(BaseModel):
    """To how many rooms and pages."""

    success: bool = True
    agent_code: str
    context_type: str
    delivered_to_rooms: int


@router.post("/v1/agent/{code}/speak", summary="Let a live agent say something")
def speak(service: InService, holder: Speaking, code: Code, speech: Speech) -> Delivered:
    """In every room and on every page where it is live, or in one room."""
    return _tell(service, holder.id, code, "speak", speech.message, speech.room_id)


@router.post("/v1/agent/{code}/add-context", summary="Let a live agent know something")
def add_context(service: InService, holder: Speaking, code: Code, context: Context) -> Delivered:
    """For what it says from then on."""
    return _tell(service, holder.id, code, context.type, context.context, context.room_id)


def _tell(service: InService, secret_id: str, code: str, kind: str, text: str, room: str | None) -> Delivered:
    now = service.now()
    with service.database.writing() as session:
        found(session, code)
        wanted = select(Live.id).where(Live.agent_code == code, is_live(now))
        live = list(session.scalars(wanted if room is None else wanted.where(Live.room == room)))
        if not live:
            raise NoActiveRooms(NOBODY.format(code=code, where="anywhere" if room is None else "in that room"))
        session.add_all(Message(live_id=number, kind=kind, text=text, created=now) for number in live)
        note(session, now, secret_id, f"agent.{kind}", code)
    return Delivered(agent_code=code, context_type=kind, delivered_to_rooms=len(live))
