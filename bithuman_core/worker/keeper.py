"""Keeps a worker's lease in LiveKit itself, and dispatches again what the dead have left.

A lease is the metadata of a room of its own in which nobody ever is: so it needs no database, and is where the jobs are.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import aiohttp
from livekit import api
from livekit.protocol.agent_dispatch import CreateAgentDispatchRequest
from livekit.protocol.room import CreateRoomRequest, DeleteRoomRequest, ListRoomsRequest, UpdateRoomMetadataRequest

from bithuman_core.worker.leases import AGAIN_SECONDS, BEAT_SECONDS, Job, Lease, Watch

logger = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600  # that LiveKit keeps a room in which nobody is; one that is gone is made again
ALL_EVERY = 10  # looks: the workers that are known are asked for by name, which spares LiveKit the list of all its rooms
Unreachable = (aiohttp.ClientError, api.TwirpError, asyncio.TimeoutError, OSError)


class Store(Protocol):
    """Where leases are kept, and jobs given away."""

    async def write(self, lease: Lease) -> None:
        """Tell the others."""
        ...

    async def read(self) -> list[Lease]:
        """What all have told, oneself among them."""
        ...

    async def remove(self, worker: str) -> None:
        """Forget a worker."""
        ...

    async def again(self, job: Job) -> bool:
        """Offer a job to all workers; False where its room is gone."""
        ...


class LiveKitStore:
    """In the rooms of a LiveKit server. Every call raises what is in ``Unreachable``."""

    def __init__(self, livekit: api.LiveKitAPI, agent_name: str) -> None:
        self._livekit, self._agent = livekit, agent_name
        self._prefix = f"{agent_name}.worker."
        self._known: list[str] = []
        self._looks = 0

    async def write(self, lease: Lease) -> None:
        """Tell the others."""
        name, text = self._prefix + lease.worker, lease.to_text()
        try:
            await self._livekit.room.update_room_metadata(UpdateRoomMetadataRequest(room=name, metadata=text))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                raise
            await self._livekit.room.create_room(  # also after LiveKit's server began anew
                CreateRoomRequest(name=name, empty_timeout=KEPT_SECONDS, departure_timeout=KEPT_SECONDS, metadata=text)
            )

    async def read(self) -> list[Lease]:
        """What all have told, oneself among them."""
        names = self._known if self._looks % ALL_EVERY else []
        self._looks += 1
        listed = await self._livekit.room.list_rooms(ListRoomsRequest(names=names))
        rooms = [room for room in listed.rooms if room.name.startswith(self._prefix)]
        self._known = [room.name for room in rooms]
        leases = (Lease.from_text(room.name.removeprefix(self._prefix), room.metadata) for room in rooms)
        return [lease for lease in leases if lease is not None]

    async def remove(self, worker: str) -> None:
        """Forget a worker."""
        try:
            await self._livekit.room.delete_room(DeleteRoomRequest(room=self._prefix + worker))
        except api.TwirpError as error:
            if error.code != api.TwirpErrorCode.NOT_FOUND:
                raise

    async def again(self, job: Job) -> bool:
        """Offer a job to all workers; False where its room is gone."""
        listed = await self._livekit.room.list_rooms(ListRoomsRequest(names=[job.room]))
        if not listed.rooms:
            return False
        for old in await self._livekit.agent_dispatch.list_dispatch(job.room):
            if old.agent_name == self._agent and old.metadata == job.metadata:
                await self._livekit.agent_dispatch.delete_dispatch(old.id, job.room)
        request = CreateAgentDispatchRequest(agent_name=self._agent, room=job.room, metadata=_again(job.metadata))
        await self._livekit.agent_dispatch.create_dispatch(request)
        return True


def _again(metadata: str) -> str:
    """The metadata of a dispatch, for the second time."""
    return json.dumps({**json.loads(metadata or "{}"), "again": True})


class Keeper:
    """The lease of one worker, and its eye on the others'."""

    def __init__(self, store: Store, jobs: Callable[[], Iterable[Job]], now: Callable[[], float] = time.monotonic) -> None:
        """jobs: what this worker does at the time."""
        self.name = secrets.token_hex(8)
        self._store, self._jobs, self._now = store, jobs, now
        self._watch = Watch(self.name, now)
        self._beat = 0
        self._orphans: dict[Job, float] = {}  # and when they may be offered again

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.turn()
            except Unreachable as error:
                logger.debug("The workers' leases cannot be kept at the moment: %s", type(error).__name__)
                self._watch.forget()
            await asyncio.sleep(BEAT_SECONDS)

    async def turn(self) -> None:
        """One beat."""
        await self._write()
        dead = self._watch.look(await self._store.read())
        for lease in dead:
            jobs = (*lease.jobs, *lease.orphans)
            logger.warning("A worker is gone: its avatars (%d) go into their rooms again.", len(jobs))
            self._orphans.update((job, self._now()) for job in jobs)
        if dead:
            await self._write()  # before the leases of the dead are gone, for this worker may die as well
        for lease in dead:
            await self._store.remove(lease.worker)
        await self._place_orphans()

    async def end(self) -> None:
        """This worker ends: others take its jobs."""
        try:
            await self._write(over=True)
        except Unreachable as error:
            logger.debug("The other workers could not be told of the end: %s", type(error).__name__)

    async def _write(self, *, over: bool = False) -> None:
        self._beat += 1
        await self._store.write(Lease(self.name, self._beat, tuple(self._jobs()), tuple(self._orphans), over))

    async def _place_orphans(self) -> None:
        mine = set(self._jobs())
        for job, due in list(self._orphans.items()):
            if job in mine or self._watch.done_elsewhere(job):
                del self._orphans[job]
            elif self._now() >= due:
                self._orphans[job] = self._now() + AGAIN_SECONDS
                if not await self._store.again(job):
                    del self._orphans[job]
